import Environment
import Martlet
import Primitives
import Simulation
import Testing
import Verification

/// Entries that expire in a keyspace that is built in bulk.
@Suite struct `A bulk build of entries that expire` {
  private static func nap(_ effects: Effects, _ seconds: Int) {
    let end = effects.time.monotonic() + UInt64(seconds) * 1_000_000_000
    _ = effects.waits.park(effects.waits.makeTicket(), until: end)
  }

  private static func key(_ number: Int) -> String {
    let digits = String(number)
    return "key " + String(repeating: "0", count: 6 - digits.count) + digits
  }

  /// With memory for the sorter so small that it writes runs; nil: in ascending order.
  @Test(arguments: [nil, 256 << 10])
  func `expires like what transactions set, is swept, and is known again after a restart`(
    memory: Int?
  ) throws {
    let order: BuildOrder = memory.map { .any(memory: $0) } ?? .ascending
    let simulator = Simulator(seed: 5)
    let count = 3000
    let large = [UInt8](repeating: 3, count: 9000)
    try simulator.run { effects in
      var db = try Database(
        at: "/db", configuration: CrashSession.smallConfiguration, effects: effects)
      let options = KeyspaceOptions(timeToLive: .seconds(1000))
      try db.build("k", options: options, order: order) { builder in
        for number in 0..<count {
          let key = Self.key(number)
          switch number % 4 {
          case 0: try builder.append(key, "soon", expires: .after(.seconds(60)))
          case 1: try builder.append(key, "stays", expires: .never)
          case 2: try builder.append(key, [UInt8](repeating: 9, count: 400))
          default:
            let value = number % 40 == 3 ? large : Array("late".utf8)
            try builder.append(key, value, expires: .after(.seconds(500)))
          }
        }
        if memory != nil {
          // The last one counts, with its expiry; the large value before it goes.
          try builder.append(Self.key(3), "again", expires: .after(.seconds(60)))
        }
      }
      func number(_ db: Database) throws -> Int {
        let keys = try #require(try db.existingKeyspace("k"))
        return try db.read { snapshot in
          var count = 0
          try snapshot.forEach(in: keys) { _, _ in
            count += 1
            return .continue
          }
          return count
        }
      }
      let replaced = memory == nil ? 0 : 1
      #expect(try number(db) == count)
      #expect(try db.verify().findings == [])
      Self.nap(effects, 100)
      #expect(try number(db) == count * 3 / 4 - replaced)
      #expect(db.statistics.expiredEntriesRemoved == UInt64(count / 4 + replaced))
      try db.close()
      db = try Database(
        at: "/db", configuration: CrashSession.smallConfiguration, effects: effects)
      #expect(try number(db) == count * 3 / 4 - replaced)
      Self.nap(effects, 500)
      #expect(try number(db) == count / 2)
      Self.nap(effects, 1000)
      #expect(try number(db) == count / 4)
      #expect(db.statistics.expiredEntriesRemoved == UInt64(count / 2 - replaced))
      #expect(try db.verify().findings == [])
      try db.close()
    }
  }

  @Test func `is known by the checkpoint that has it, wherever the power fails after`() throws {
    let simulator = Simulator(seed: 6)
    var images: [DiskImage] = []
    simulator.disk.observeChanges { [disk = simulator.disk] _ in images.append(disk.snapshot) }
    try simulator.run { effects in
      let db = try Database(
        at: "/db", configuration: CrashSession.smallConfiguration, effects: effects)
      try db.build("k") { builder in
        for number in 0..<200 {
          try builder.append(Self.key(number), "v", expires: .after(.seconds(30)))
        }
      }
      try db.close()
    }
    simulator.disk.observeChanges(nil)
    var found = 0
    for image in images {
      var configuration = Simulator.Configuration()
      configuration.startingWallClock =
        Simulator.Configuration().startingWallClock + 100_000_000_000
      let simulator = Simulator(
        seed: 7, disk: image.afterPowerCut(.random, seed: 1), configuration: configuration)
      try simulator.run { effects in
        let db = try Database(
          at: "/db", configuration: CrashSession.smallConfiguration, effects: effects)
        if let keys = try db.existingKeyspace("k") {
          found += 1
          let isThere = try db.read { try $0.contains(Self.key(7), in: keys) }
          #expect(!isThere)
          Self.nap(effects, 30)
          #expect(db.statistics.expiredEntriesRemoved == 200)
        }
        try db.close()
      }
    }
    #expect(found > 0)
  }
}
