import Environment
import Primitives
import RedoLog
import Seeds
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

  private func segmentCount(_ effects: Effects) throws -> Int {
    try effects.files.list(LogWorld.directory).filter { $0.hasPrefix("log-") }.count
  }

  @Test(arguments: [true, false])
  func `keeps the segments that a replay needs, and no spare ones`(_ coversAll: Bool) throws {
    let simulator = Simulator(seed: 1)
    var superblock = Superblock()
    var rest: [Entry] = []
    try simulator.run { effects in
      let log = try LogWorld.create(effects)
      rest = try fill(log, &superblock, coversAll: coversAll)
      #expect(try segmentCount(effects) > 1)
      try log.close()
      #expect(try segmentCount(effects) == 1)
    }
    var image = simulator.disk.afterPowerCut(.loseAll, seed: 1)
    for life in 0..<3 as Range<UInt64> {
      let (entries, next) = try LogWorld.reopen(image, superblock) { log, _ in
        try log.commit(Entry(200 + life, byteCount: 5000))
      }
      #expect(entries == rest)
      rest.append(Entry(200 + life, byteCount: 5000))
      image = next
    }
  }

  @Test(arguments: [true, false])
  func `cut short by a power cut anywhere leaves a log that opens`(_ coversAll: Bool) throws {
    let seed = Seed.take(for: #function)
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
      #expect(images.count >= 3)
      for (index, image) in images.enumerated() {
        #expect(
          try LogWorld.reopen(image, superblock).entries == rest, "round \(round), change \(index)")
      }
    }
  }
}
