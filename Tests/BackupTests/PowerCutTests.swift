import Environment
import Martlet
import Seeds
import Simulation
import Testing
import Verification

/// The power fails at every change that a backup, a restore or a compaction makes to the disk.
@Suite struct `A power cut during` {
  private static let source = "/database"
  private static let target = "/copy"

  private final class Cuts: @unchecked Sendable {
    // SENDABLE: touched by the one body of a simulation, and by its observer in between.
    var images: [DiskImage] = []
    var isOn = false
  }

  /// Commits in a thread of its own for as long as something else goes on.
  private final class Neighbour: @unchecked Sendable {
    // SENDABLE: the simulator lets one thread run at a time.
    var isStopping = false
    var count = 0
    private var thread: (any BackgroundThread)?

    func start(_ database: Database, _ effects: Effects) {
      thread = effects.background.start("neighbour") { [self] in
        while !isStopping {
          try? database.write { (tx: borrowing Transaction) in
            let keyspace = try database.keyspace("neighbour")
            try tx.set("\(count)", for: "\(count % 40)", in: keyspace)
          }
          count += 1
          _ = effects.waits.park(
            effects.waits.makeTicket(), until: effects.time.monotonic() + 1_000_000)
        }
      }
    }

    func stop() {
      isStopping = true
      thread?.join()
    }
  }

  private func fill(_ database: Database, from: Int, count: Int, _ round: Int) throws {
    let keyspace = try database.keyspace("default")
    for start in stride(from: from, to: from + count, by: 50) {
      try database.write { (tx: borrowing Transaction) in
        for index in start..<min(start + 50, from + count) {
          try tx.set(
            [UInt8](repeating: UInt8(truncatingIfNeeded: round &+ index), count: 150 + index % 300),
            for: "key \(index)", in: keyspace)
        }
      }
    }
  }

  private func fingerprint(_ database: Database, _ name: String) throws -> UInt64 {
    guard let keyspace = try database.existingKeyspace(name) else { return 0 }
    var hash: UInt64 = 14_695_981_039_346_656_037
    try database.read { snapshot in
      try snapshot.forEach(in: keyspace) { key, value in
        for byte in [UInt8](key) + [0] + [UInt8](value) {
          hash = (hash ^ UInt64(byte)) &* 1_099_511_628_211
        }
        return .continue
      }
    }
    return hash
  }

  @Test(arguments: LossModel.allCases)
  func `a backup leaves the database as it was, and a copy that is whole or refused`(
    model: LossModel
  ) throws {
    let seed = Seed.take(for: #function)
    let cuts = Cuts()
    let simulator = Simulator(seed: seed)
    simulator.disk.observeChanges { _ in
      if cuts.isOn { cuts.images.append(simulator.disk.snapshot) }
    }
    let (expected, id) = try simulator.run { effects -> (UInt64, DatabaseID) in
      let database = try Database(
        at: Self.source, configuration: CrashSession.smallConfiguration, effects: effects)
      try fill(database, from: 0, count: 400, 1)
      let neighbour = Neighbour()
      neighbour.start(database, effects)
      cuts.isOn = true
      // Also when it fails: a neighbour that nobody stops would be recorded until memory ends.
      let backup = Result { try database.backup(to: Self.target, outside: effects) }
      cuts.images.append(simulator.disk.snapshot)
      cuts.isOn = false
      neighbour.stop()
      let summary = try backup.get()
      #expect(neighbour.count > 0)
      let expected = try fingerprint(database, "default")
      try database.close()
      return (expected, try #require(summary.copy))
    }
    simulator.disk.observeChanges(nil)
    var refused = 0
    var whole = 0
    for (index, image) in cuts.images.enumerated() {
      let survivor = image.afterPowerCut(model, seed: seed &+ UInt64(index))
      try Simulator(seed: seed &+ 1, disk: survivor).run { effects in
        let database = try Database(
          at: Self.source, configuration: CrashSession.smallConfiguration, effects: effects)
        #expect(try fingerprint(database, "default") == expected, "cut \(index), \(model)")
        do {
          var configuration = CrashSession.smallConfiguration
          configuration.createIfMissing = false
          let copy = try Database(
            at: Self.target, configuration: configuration, effects: effects)
          whole += 1
          #expect(copy.id == id)
          #expect(try fingerprint(copy, "default") == expected, "cut \(index), \(model)")
          #expect(try copy.verify().isClean)
          try copy.close()
        } catch let error as DatabaseError {
          refused += 1
          #expect(
            [.incomplete, .notFound].contains(error.code), "cut \(index), \(model): \(error)")
          // The next attempt clears what is there.
          if index % 8 == 0 {
            try database.backup(to: Self.target, outside: effects)
            let copy = try Database(
              at: Self.target, configuration: CrashSession.smallConfiguration, effects: effects)
            #expect(try fingerprint(copy, "default") == expected)
            try copy.close()
          }
        }
        try database.close()
      }
    }
    #expect(refused > 10 && whole > 0, "\(refused) refused, \(whole) whole")
  }

  /// A compaction beside a writer.
  private struct CompactedLife {
    /// The disk after each change that the compaction made to it.
    var images: [DiskImage]
    var fingerprint: UInt64
    var movedByteCount: Int
  }

  private func compactedLife(seed: UInt64) throws -> CompactedLife {
    let cuts = Cuts()
    let simulator = Simulator(seed: seed)
    simulator.disk.observeChanges { _ in
      if cuts.isOn { cuts.images.append(simulator.disk.snapshot) }
    }
    defer { simulator.disk.observeChanges(nil) }
    return try simulator.run { effects -> CompactedLife in
      let database = try Database(
        at: Self.source, configuration: CrashSession.smallConfiguration, effects: effects)
      try fill(database, from: 0, count: 4_000, 1)
      try database.checkpoint()
      let keyspace = try database.keyspace("default")
      for start in stride(from: 0, to: 4_000, by: 100) {
        try database.write { (tx: borrowing Transaction) in
          for index in start..<start + 100 where index % 10 != 0 {
            try tx.remove("key \(index)", in: keyspace)
          }
        }
      }
      let neighbour = Neighbour()
      neighbour.start(database, effects)
      cuts.isOn = true
      let compaction = Result { try database.compact() }
      cuts.isOn = false
      neighbour.stop()
      let summary = try compaction.get()
      #expect(summary.bytesAfter < summary.bytesBefore, "\(summary)")
      #expect(try database.verify().isClean)
      let expected = try fingerprint(database, "default")
      try database.close()
      return CompactedLife(
        images: cuts.images, fingerprint: expected, movedByteCount: summary.movedByteCount)
    }
  }

  @Test(arguments: LossModel.allCases)
  func `a compaction loses nothing`(model: LossModel) throws {
    var seed = Seed.take(for: #function)
    var life = try compactedLife(seed: seed)
    // Checkpoints may have left nothing to be moved: then another life.
    for _ in 0..<20 where life.movedByteCount == 0 {
      seed &+= 1
      life = try compactedLife(seed: seed)
    }
    #expect(life.movedByteCount > 0)
    #expect(life.images.count > 20)
    let step = max(1, life.images.count / 60)
    for index in stride(from: 0, to: life.images.count, by: step) {
      let survivor = life.images[index].afterPowerCut(model, seed: seed &+ UInt64(index))
      try Simulator(seed: seed &+ 1, disk: survivor).run { effects in
        let database = try Database(
          at: Self.source, configuration: CrashSession.smallConfiguration, effects: effects)
        #expect(
          try fingerprint(database, "default") == life.fingerprint, "cut \(index), \(model)")
        #expect(try database.verify().isClean, "cut \(index), \(model)")
        try database.close()
      }
    }
  }
}
