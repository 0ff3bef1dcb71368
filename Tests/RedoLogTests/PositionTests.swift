import Environment
import Primitives
import RawBytes
import RedoLog
import Simulation
import Testing

@Suite("Positions, ceilings, generations")
struct PositionTests {
  @Test func `no position is used twice, not even a lost one (R6)`() throws {
    let simulator = Simulator(seed: 1)
    var lost = LogPosition.zero
    var image = DiskImage()
    try simulator.run { effects in
      let log = try LogWorld.create(effects)
      try log.commit(Entry(1))
      for number in 2..<30 as Range<UInt64> { lost = try log.add(Entry(number, byteCount: 2000)) }
      image = simulator.disk.afterPowerCut(.loseAll, seed: 1)
      try log.close()
    }
    let again = Simulator(seed: 2, disk: image)
    try again.run { effects in
      let (log, entries, ends) = try LogWorld.recover(effects)
      #expect(entries == [Entry(1)])
      #expect(log.endPosition >= ends[0])
      #expect(log.durablePosition == log.endPosition)
      let first = try log.commit(Entry(2))
      #expect(first > lost)
      try log.close()
    }
  }

  @Test func `after an orderly end positions go on without a gap`() throws {
    let simulator = Simulator(seed: 2)
    try simulator.run { effects in
      var log = try LogWorld.create(effects)
      for number in 0..<20 as Range<UInt64> {
        let end = try log.commit(Entry(number))
        #expect(end.rawValue < 1 << 20)
        try log.close()
        log = try LogWorld.recover(effects).log
      }
      try log.close()
    }
  }

  @Test func `every acknowledged timestamp is below a durable ceiling, which recovery tells (R6)`()
    throws
  {
    let simulator = Simulator(seed: 3)
    try simulator.run { effects in
      let log = try LogWorld.create(effects)
      #expect(log.durableCeiling.rawValue > effects.time.wallClock())
      let far = Timestamp(effects.time.wallClock() + (1 << 50))
      try log.reserve(0)
      let end = log.append(
        .commit, transaction: TransactionID(1), timestamp: far, entryCount: 0, payload: .empty)
      try log.makeDurable(through: end)
      #expect(log.durableCeiling > far)
      let ceiling = log.durableCeiling
      log.poison()
      try? log.close()
      var found = Timestamp.zero
      let again = try RedoLog.recover(
        directory: LogWorld.directory, id: LogWorld.id, from: .zero, coveredThrough: .zero,
        generation: Generation(0), effects: effects, configuration: LogWorld.small,
        replay: { found = $0.timestamp })
      #expect(found == far)
      #expect(again.recoveredCeiling == ceiling)
      #expect(again.durableCeiling > ceiling, "a fresh one is durable before anything is accepted")
      try again.close()
    }
  }

  @Test func `an extended ceiling is durable, with or without records`() throws {
    try Simulator(seed: 4).run { effects in
      let log = try LogWorld.create(effects)
      let before = log.durableCeiling
      _ = effects.waits.park(effects.waits.makeTicket(), until: effects.time.monotonic() + 1000)
      try log.extendCeiling()
      #expect(log.durableCeiling > before)
      let end = try log.add(Entry(1))
      try log.extendCeiling()
      #expect(log.durablePosition == end)
      try log.close()
    }
  }

  @Test func `closing and opening does not carry the clock away`() throws {
    try Simulator(seed: 5).run { effects in
      var log = try LogWorld.create(effects)
      try log.commit(Entry(1))
      for _ in 0..<10 {
        try log.close(clock: Timestamp(5000))
        log = try LogWorld.recover(effects).log
        #expect(log.recoveredCeiling == Timestamp(5000))
      }
      try log.close()
    }
  }

  @Test func `a superblock older than the log is refused`() throws {
    let simulator = Simulator(seed: 6)
    try simulator.run { effects in
      let log = try LogWorld.create(effects)
      let end = try log.commit(Entry(1))
      try log.checkpointCompleted(generation: Generation(5), replayFrom: end)
      try log.commit(Entry(2))
      try log.close()
    }
    let old = Superblock(generation: Generation(4))
    guard case LogError.corrupt(let error)? = LogWorld.errorOfOpening(simulator.disk.snapshot, old)
    else {
      Issue.record("it opened")
      return
    }
    #expect(error.found.contains("superblock is older"))
    let new = Superblock(generation: Generation(5))
    #expect(try LogWorld.reopen(simulator.disk.snapshot, new).entries == [Entry(1), Entry(2)])
  }

  @Test func `what a recovery would read is counted, through crashes too`() throws {
    let simulator = Simulator(seed: 7)
    try simulator.run { effects in
      var log = try LogWorld.create(effects)
      for number in 0..<10 as Range<UInt64> { try log.commit(Entry(number)) }
      #expect(log.replayByteCount == 11 * 4096)
      log.poison()
      try? log.close()
      log = try LogWorld.recover(effects).log
      #expect(log.replayByteCount == 12 * 4096)
      let end = try log.commit(Entry(10))
      try log.checkpointCompleted(generation: Generation(1), replayFrom: end)
      #expect(log.replayByteCount == 0, "nothing has come since")
      try log.close()
      let superblock = Superblock(from: end, durable: end, generation: Generation(1))
      log = try LogWorld.recover(effects, superblock).log
      #expect(log.replayByteCount == 0, "empty batches are none")
      try log.commit(Entry(11))
      #expect((1...4 * 4096).contains(log.replayByteCount))
      try log.close()
    }
  }
}
