import Martlet
import Primitives
import Simulation
import Testing
import Verification

/// What a restart must find, and must not forget.
@Suite struct `After a power cut` {
  private static let configuration = CrashSession.smallConfiguration

  /// Opens a disk in a world of its own and closes it again.
  private func reopen<Result>(
    _ image: DiskImage, seed: UInt64 = 2, _ body: (Database) throws -> Result
  ) throws -> Result {
    try Simulator(seed: seed, disk: image).run { effects in
      let db = try Database(at: "/db", configuration: Self.configuration, effects: effects)
      defer { try? db.close() }
      return try body(db)
    }
  }

  /// R6: somebody may have seen the lost commit under its timestamp.
  @Test func `the timestamps of lost relaxed commits are not given again`() throws {
    let simulator = Simulator(seed: 1)
    var lost: [Timestamp] = []
    try simulator.run { effects in
      let db = try Database(at: "/db", configuration: Self.configuration, effects: effects)
      let keys = try db.keyspace("k")
      for number in 0..<20 {
        let committed = try db.transact(durability: .relaxed) {
          try $0.set("value", for: "key \(number)", in: keys)
        }
        lost.append(try #require(committed.timestamp))
      }
      simulator.disk.cutPower()
      try? db.close()
    }
    let newest = try #require(lost.last)
    let image = simulator.disk.afterPowerCut(.loseAll, seed: 1)
    let next = try reopen(image) { db in
      let keys = try #require(try db.existingKeyspace("k"))
      let first = try db.read { try $0.value(for: "key 0", in: keys, as: String.self) }
      #expect(first == nil, "the commits of this test are to be lost")
      return try db.transact { try $0.set("value", for: "key", in: keys) }.timestamp
    }
    #expect(try #require(next) > newest)
  }

  /// L9: what an answered read has shown is durable, although its commit asked for less.
  @Test func `what a snapshot has shown is there`() throws {
    let simulator = Simulator(seed: 3)
    try simulator.run { effects in
      let db = try Database(at: "/db", configuration: Self.configuration, effects: effects)
      let keys = try db.keyspace("k")
      _ = try db.transact(durability: .relaxed) { try $0.set("value", for: "key", in: keys) }
      let seen = try db.read { try $0.value(for: "key", in: keys, as: String.self) }
      #expect(seen == "value")
      simulator.disk.cutPower()
      try? db.close()
    }
    let image = simulator.disk.afterPowerCut(.loseAll, seed: 3)
    let found = try reopen(image) { db in
      let keys = try #require(try db.existingKeyspace("k"))
      return try db.read { try $0.value(for: "key", in: keys, as: String.self) }
    }
    #expect(found == "value")
  }

  /// Replay begins at the oldest piece of a large value whose commit a checkpoint does not hold.
  @Test func `a large value that a checkpoint came between is whole`() throws {
    let simulator = Simulator(seed: 4)
    let piece = [UInt8](repeating: 7, count: 30_000)
    try simulator.run { effects in
      let db = try Database(at: "/db", configuration: Self.configuration, effects: effects)
      let keys = try db.keyspace("k")
      try db.write { transaction in
        try transaction.setLarge(byteCount: 3 * piece.count, for: "large", in: keys) { writer in
          for _ in 0..<3 {
            try writer.append(piece)
            try db.checkpoint()
          }
        }
      }
      simulator.disk.cutPower()
      try? db.close()
    }
    let image = simulator.disk.afterPowerCut(.loseAll, seed: 4)
    let found = try reopen(image) { db in
      let keys = try #require(try db.existingKeyspace("k"))
      return try db.read { try $0.value(for: "large", in: keys, as: [UInt8].self) }
    }
    #expect(found == piece + piece + piece)
  }

  /// R3: the log before a checkpoint is needed until the superblock is durable.
  @Test func `at any change of a checkpoint every commit is there`() throws {
    let simulator = Simulator(seed: 5)
    var images: [DiskImage] = []
    try simulator.run { effects in
      var configuration = Self.configuration
      // One checkpoint, and no other.
      configuration.checkpointLogBytes = 1 << 30
      configuration.checkpointInterval = .seconds(3600)
      let db = try Database(at: "/db", configuration: configuration, effects: effects)
      let keys = try db.keyspace("k")
      for number in 0..<80 {
        try db.write { transaction in
          try transaction.set([UInt8](repeating: 1, count: 900), for: "key \(number)", in: keys)
        }
      }
      simulator.disk.observeChanges { change in
        for model in LossModel.allCases {
          images.append(simulator.disk.afterPowerCut(model, seed: UInt64(change)))
        }
      }
      try db.checkpoint()
      simulator.disk.observeChanges(nil)
      try db.close()
    }
    #expect(images.count > 15)
    for (index, image) in images.enumerated() {
      let label: Comment = "image \(index)"
      #expect(throws: Never.self, label) {
        let count = try reopen(image) { db in
          let keys = try #require(try db.existingKeyspace("k"))
          var count = 0
          try db.read {
            try $0.forEach(in: keys) { _, _ in
              count += 1
              return .continue
            }
          }
          return count
        }
        #expect(count == 80, label)
      }
    }
  }
}
