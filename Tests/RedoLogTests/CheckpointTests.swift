import Environment
import Primitives
import RedoLog
import Seeds
import Simulation
import Testing

/// What a checkpoint of the owner does to the log, and what it must leave (R3).
@Suite("Checkpoints and the log")
struct CheckpointTests {
  @Test func `a checkpoint keeps the segment in which its replay begins (R3)`() throws {
    let simulator = Simulator(seed: 1)
    var superblock = Superblock()
    var kept: [Entry] = []
    try simulator.run { effects in
      let log = try LogWorld.create(effects)
      for number in 0..<40 as Range<UInt64> {
        let end = try log.commit(Entry(number, byteCount: 5000))
        // In the middle of the first of several segments.
        if number == 5 { superblock.from = end }
        if number > 5 { kept.append(Entry(number, byteCount: 5000)) }
      }
      superblock.durable = log.durablePosition
      superblock.generation = Generation(1)
      try log.checkpointCompleted(generation: Generation(1), replayFrom: superblock.from)
      // Whatever was given back is used again.
      for number in 40..<80 as Range<UInt64> {
        try log.commit(Entry(number, byteCount: 5000))
        kept.append(Entry(number, byteCount: 5000))
      }
      try log.close()
    }
    #expect(try LogWorld.reopen(simulator.disk.snapshot, superblock).entries == kept)
  }

  /// F4, G1: a segment that is used again has its name durably before a batch goes into it.
  @Test func `a power cut while a segment is reused leaves a log that opens`() throws {
    let seed = Seed.take(for: #function)
    for round in 0..<3 as Range<UInt64> {
      let simulator = Simulator(seed: seed &+ round)
      var images: [(image: DiskImage, superblock: Superblock)] = []
      try simulator.run { effects in
        let log = try LogWorld.create(effects)
        var superblock = Superblock()
        simulator.disk.observeChanges { change in
          let image = simulator.disk.afterPowerCut(.random, seed: seed &+ UInt64(change))
          images.append((image, superblock))
        }
        for number in 0..<160 as Range<UInt64> {
          let end = try log.commit(Entry(number, byteCount: 5000))
          guard number % 20 == 19 else { continue }
          let generation = superblock.generation.next
          superblock = Superblock(from: end, durable: end, generation: generation)
          try log.checkpointCompleted(generation: generation, replayFrom: end)
        }
        simulator.disk.observeChanges(nil)
        #expect(log.statistics.segmentsReused > 2)
        try log.close()
      }
      for (index, (image, superblock)) in images.enumerated() {
        let error = LogWorld.errorOfOpening(image, superblock)
        #expect(error == nil, "round \(round), change \(index)")
      }
    }
  }

  /// The owner's clock may stand above everything that it has appended (W-ceiling).
  @Test func `an extended ceiling is above the owner's clock`() throws {
    try Simulator(seed: 2).run { effects in
      let log = try LogWorld.create(effects)
      let clock = Timestamp(effects.time.wallClock() + 3_600_000_000_000)
      try log.extendCeiling(above: clock)
      let ceiling = log.durableCeiling
      #expect(ceiling > clock)
      try log.close()
    }
  }
}
