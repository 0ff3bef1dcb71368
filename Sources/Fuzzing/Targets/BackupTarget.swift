import Environment
import Martlet
import RawBytes
import Simulation
import SystemEnvironment

extension FuzzTarget {
  /// A backup stream with changed bytes and right checksums of its frames: it makes a database that
  /// opens and can be verified, or none.
  package static let backup = FuzzTarget(
    "backup", summary: "changes of a backup stream, whose frames are sealed again",
    maximumByteCount: 256, seeds: BackupSeeds.all
  ) { input in
    var tape = ByteTape(input)
    var stream = BackupTemplate.stream
    let isSealed = tape.byte() & 1 == 0
    let cut = tape.number(below: 65_536)
    let length = 1 + tape.number(below: 16_384)
    while !tape.isAtEnd {
      let offset = tape.number(below: 1 << 24) % stream.count
      stream[offset] = tape.byte()
    }
    if isSealed { BackupTemplate.seal(&stream) }
    if cut < stream.count && cut & 1 == 1 { stream.removeLast(cut) }
    restore(stream, length)
  }

  private static func restore(_ stream: [UInt8], _ length: Int) {
    let effects = Effects.memory()
    var rest = stream[...]
    do {
      try Database.restore(to: "/restored", effects: effects) {
        defer { rest = rest.dropFirst(length) }
        return Array(rest.prefix(length))
      }
    } catch is DatabaseError {
      require(
        (try? effects.files.kind(of: "/restored")) == .absent,
        "a refused stream that left something")
      return
    } catch {
      violated("an untyped error of a backup stream: \(error)")
    }
    do {
      let database = try Database(
        at: "/restored", configuration: BackupTemplate.configuration, effects: effects)
      _ = try database.verify()
      try database.close()
    } catch is DatabaseError {
      // Right checksums over wrong pages.
    } catch {
      violated("an untyped error of a restored database: \(error)")
    }
  }
}

/// A small backup, always the same but for what chance and clock put in it.
private enum BackupTemplate {
  static var configuration: Configuration {
    var configuration = Configuration()
    configuration.pageSize = 4096
    configuration.cacheSize = 256 << 10
    configuration.compression = .lz4
    return configuration
  }

  static let stream: [UInt8] = {
    var stream: [UInt8] = []
    let simulator = Simulator(seed: 1)
    do {
      try simulator.run { effects in
        let database = try Database(at: "/db", configuration: configuration, effects: effects)
        let keyspace = try database.keyspace("default")
        try database.write { (tx: borrowing Transaction) in
          for index in 0..<100 {
            try tx.set(
              [UInt8](repeating: UInt8(index), count: 50), for: "key \(index)", in: keyspace)
          }
        }
        try database.backup { stream += $0 }
        try database.close()
      }
    } catch {
      violated("the template of a backup cannot be made: \(error)")
    }
    return stream
  }()

  /// Computes the checksums of superblock, images and frames anew, as far as the lengths make sense.
  static func seal(_ stream: inout [UInt8]) {
    stream.withMutableByteView { bytes in
      guard bytes.count >= 16 else { return }
      var checksum = CRC32C.checksum(bytes.view.prefix(16))
      var offset = 16
      while offset + 20 <= bytes.count {
        let count = Int(bytes.view.load(UInt32.self, at: offset))
        guard count <= bytes.count - offset - 20 else { return }
        let content = bytes[offset + 16..<offset + 16 + count]
        switch bytes.view.load(UInt32.self, at: offset + 4) {
        case 1 where count >= 4096: Checksums.sealSuperblock(content[0..<4096])
        case 2: sealImages(content)
        default: break
        }
        checksum = CRC32C.checksum(bytes.view[offset..<offset + 16 + count], continuing: checksum)
        bytes.store(checksum, at: offset + 16 + count)
        offset += 20 + count
      }
    }
  }

  private static func sealImages(_ content: MutableByteView) {
    guard content.count >= 8 else { return }
    let count = Int(content.view.load(UInt32.self, at: 0))
    guard count <= (content.count - 8) / 20 else { return }
    var start = 8 + count * 20
    for index in 0..<count {
      let place = 8 + index * 20
      let unitCount = Int(content.view.load(UInt64.self, at: place + 4) >> 40 & 0xFF) + 1
      let byteCount = unitCount * 512
      guard start + byteCount <= content.count else { return }
      content.store(
        CRC32C.checksum(content.view[start..<start + byteCount]), at: place + 12)
      start += byteCount
    }
  }
}

extension [UInt8] {
  fileprivate mutating func withMutableByteView(_ body: (MutableByteView) -> Void) {
    let memory = AlignedMemory(byteCount: count)
    defer { withExtendedLifetime(memory) {} }
    withByteView { memory.bytes.copy($0) }
    body(memory.bytes)
    self = memory.bytes.view.array
  }
}

/// Seeds of the `backup` target: choices, then pairs of an offset and a byte.
enum BackupSeeds {
  @Sendable static func all() -> [(name: String, bytes: [UInt8])] {
    [
      ("whole", [0, 0, 0, 0, 0]), ("unsealed", [1, 0, 0, 9, 9, 40, 0, 0, 7]),
      ("superblock", [0, 0, 0, 0, 1, 60, 0, 0, 9]), ("kind", [0, 0, 0, 0, 1, 20, 0, 0, 3]),
      ("cut", [0, 31, 0, 0, 1]), ("count", [0, 0, 0, 1, 1, 84, 16, 0, 9]),
      // A page that its map cannot hold, and one that a deeper map can.
      ("far", [0, 0, 0, 255, 63, 78, 16, 0, 0, 255]),
      ("farther", [0, 0, 0, 255, 63, 106, 0, 0, 0, 4, 78, 16, 0, 0, 255]),
    ]
  }
}
