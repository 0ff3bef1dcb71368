import Environment
import Primitives
import RedoLog
import Simulation
import Testing

/// What an orderly end leaves of the segments (W2, R3).
@Suite struct `The end of a log` {
  /// Fills segments until they are large, with a checkpoint at the end or one commit before it.
  private func fill(
    _ log: RedoLog, _ superblock: inout Superblock, coversAll: Bool
  ) throws -> [Entry] {
    for number in 0..<120 as Range<UInt64> { try log.commit(Entry(number, byteCount: 5000)) }
    var rest: [Entry] = []
    superblock.from = log.endPosition
    if !coversAll {
      rest = [Entry(120, byteCount: 300)]
      try log.commit(rest[0])
    }
    superblock.durable = log.durablePosition
    superblock.generation = Generation(1)
    try log.checkpointCompleted(generation: Generation(1), replayFrom: superblock.from)
    return rest
  }

  private func segmentByteCounts(_ effects: Effects) throws -> [UInt64] {
    try effects.files.list(LogWorld.directory).filter { $0.hasPrefix("log-") }.map { name in
      try effects.files.open(LogWorld.directory + "/" + name, FileMode()).size()
    }
  }

  @Test func `with nothing to replay is one small segment, and the next life goes on in it`()
    throws
  {
    let simulator = Simulator(seed: 1)
    var superblock = Superblock()
    try simulator.run { effects in
      let log = try LogWorld.create(effects)
      _ = try fill(log, &superblock, coversAll: true)
      #expect(try segmentByteCounts(effects).reduce(0, +) > 1 << 18)
      try log.close()
      #expect(try segmentByteCounts(effects) == [1 << 16])
    }
    var image = simulator.disk.afterPowerCut(.loseAll, seed: 1)
    for life in 0..<3 as Range<UInt64> {
      let (entries, next) = try LogWorld.reopen(image, superblock) { log, entries in
        #expect(entries == (0..<life).map { Entry(200 + $0, byteCount: 5000) })
        try log.commit(Entry(200 + life, byteCount: 5000))
      }
      #expect(entries.count == Int(life))
      image = next
    }
  }

  @Test func `with something to replay keeps it, and gives back what is spare`() throws {
    let simulator = Simulator(seed: 1)
    var superblock = Superblock()
    var rest: [Entry] = []
    try simulator.run { effects in
      let log = try LogWorld.create(effects)
      rest = try fill(log, &superblock, coversAll: false)
      try log.close()
      #expect(try segmentByteCounts(effects).count == 1)
    }
    let image = simulator.disk.afterPowerCut(.loseAll, seed: 1)
    #expect(try LogWorld.reopen(image, superblock).entries == rest)
  }

  @Test(arguments: [true, false])
  func `cut short by a power cut anywhere leaves a log that opens`(_ coversAll: Bool) throws {
    let seed = testSeed()
    for round in 0..<6 as Range<UInt64> {
      let simulator = Simulator(seed: seed &+ round)
      var images: [DiskImage] = []
      var superblock = Superblock()
      var rest: [Entry] = []
      try simulator.run { effects in
        let log = try LogWorld.create(effects)
        rest = try fill(log, &superblock, coversAll: coversAll)
        simulator.disk.observeChanges { change in
          images.append(
            simulator.disk.afterPowerCut(.random, seed: seed &+ round &+ UInt64(change)))
        }
        try log.close()
        simulator.disk.observeChanges(nil)
      }
      #expect(images.count > 5)
      for (index, image) in images.enumerated() {
        #expect(
          try LogWorld.reopen(image, superblock).entries == rest, "round \(round), change \(index)")
      }
    }
  }

  /// F10: a full disk costs the small segment, and nothing else.
  @Test func `on a full disk is where the last batch is`() throws {
    let simulator = Simulator(seed: 1)
    var superblock = Superblock()
    try simulator.run { effects in
      let log = try LogWorld.create(effects)
      _ = try fill(log, &superblock, coversAll: true)
      simulator.disk.capacity = simulator.disk.snapshot.usedByteCount
      try log.close()
    }
    let image = simulator.disk.afterPowerCut(.loseAll, seed: 1)
    #expect(try LogWorld.reopen(image, superblock).entries == [])
  }
}
