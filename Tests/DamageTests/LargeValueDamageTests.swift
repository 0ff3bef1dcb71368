import Environment
import Martlet
import Simulation
import Testing
import Verification

/// Damage of a large value beside which the cache has no room for anything.
@Suite struct `Damage of a value larger than the cache` {
  /// The leaf that refers to the value left memory while its pages were looked at. Damage then counted for
  /// nothing, because the leaf might have changed, and the same was looked at again, for ever, with all
  /// commits held back. Run 11,608 of the torture did not end.
  @Test func `is found by a verification that comes to an end`() throws {
    let simulator = Simulator(seed: 1)
    var configuration = CrashSession.smallConfiguration
    configuration.compression = .none
    configuration.transactionSizeLimit = 1 << 20
    let value = [UInt8](repeating: 0xAB, count: 700_000)
    try simulator.run { effects in
      let db = try Database(at: "/db", configuration: configuration, effects: effects)
      let keys = try db.keyspace("k")
      try db.write { try $0.set(value, for: "large", in: keys) }
      try db.checkpoint()
      try db.close()
    }
    var image = simulator.disk.snapshot.afterProcessCrash()
    let file = "/db/data.martlet"
    let bytes = try #require(image.contents(of: file))
    let run = [UInt8](repeating: 0xAB, count: 64)
    let last = try #require(
      stride(from: bytes.count - 64, to: 16_384, by: -64).first {
        Array(bytes[$0..<$0 + 64]) == run
      })
    image.flipBit(of: file, at: UInt64(last), bit: 3)
    try Simulator(seed: 2, disk: image).run { effects in
      let db = try Database(at: "/db", configuration: configuration, effects: effects)
      defer { try? db.close() }
      let findings = try db.verify().findings
      #expect(findings.contains { "\($0)".contains("large") }, "\(findings)")
    }
  }
}
