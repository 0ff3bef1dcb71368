import Environment
import Primitives
import RawBytes
import RedoLog
import Simulation
import Testing

@Suite("Segments and space")
struct SpaceTests {
  private func segments(_ simulator: Simulator) -> [String] {
    simulator.disk.snapshot.paths.filter { $0.hasPrefix(LogWorld.directory + "/log-") }
  }

  @Test func `a checkpoint returns the segments before it, for reuse or to the disk (R3)`() throws {
    let simulator = Simulator(seed: 1)
    var superblock = Superblock()
    var kept: [Entry] = []
    var killed: DiskImage?
    try simulator.run { effects in
      let log = try LogWorld.create(effects)
      for number in 0..<600 as Range<UInt64> {
        let end = try log.commit(Entry(number, byteCount: 5000))
        if number % 100 == 99 {
          superblock = Superblock(
            from: end, durable: end, generation: Generation(superblock.generation.rawValue + 1))
          try log.checkpointCompleted(
            generation: superblock.generation, replayFrom: superblock.from)
          #expect(segments(simulator).count <= 5)
        }
      }
      for number in 600..<610 as Range<UInt64> {
        kept.append(Entry(number))
        try log.commit(Entry(number))
      }
      #expect(log.statistics.segmentsReused > 3)
      #expect(log.statistics.segmentsRemoved > 0)
      // Closing removes what is ready for use again; a process that is killed leaves it.
      killed = simulator.disk.snapshot
      try log.close()
    }
    #expect(try LogWorld.reopen(simulator.disk.snapshot, superblock).entries == kept)
    #expect(try LogWorld.reopen(try #require(killed), superblock).entries == kept)
  }

  @Test func `a full disk is a clear error, loses nothing, and passes (F10)`() throws {
    let simulator = Simulator(seed: 2, disk: DiskImage(capacity: 1 << 20))
    var entries: [Entry] = []
    try simulator.run { effects in
      let log = try LogWorld.create(effects)
      var refusals = 0
      for number in 0..<400 as Range<UInt64> {
        let entry = Entry(number, byteCount: 9000)
        do throws(LogError) {
          try log.commit(entry)
          entries.append(entry)
        } catch .diskFull {
          refusals += 1
          if refusals == 5 { simulator.disk.capacity = 64 << 20 }
        }
      }
      #expect(refusals == 5)
      #expect(!log.isPoisoned)
      #expect(entries.count == 395)
      try log.close()
    }
    #expect(try LogWorld.reopen(simulator.disk.snapshot).entries == entries)
  }

  @Test func `a log on a full disk opens and closes, again and again`() throws {
    let simulator = Simulator(seed: 3, disk: DiskImage(capacity: 1 << 19))
    var count = 0
    try simulator.run { effects in
      let log = try LogWorld.create(effects)
      #expect(throws: LogError.self) {
        while true {
          try log.commit(Entry(UInt64(count), byteCount: 3000))
          count += 1
        }
      }
      simulator.disk.capacity = 0
      try log.close()
      for _ in 0..<3 {
        let (log, entries, _) = try LogWorld.recover(effects)
        #expect(entries.count == count)
        try log.close()
      }
    }
    #expect(count > 10)
  }

  @Test func `a reserved record can be appended and flushed when the disk is full`() throws {
    let simulator = Simulator(seed: 4)
    try simulator.run { effects in
      let log = try LogWorld.create(effects)
      let sizes = [100, 70_000, 30, 200_000, 5000, 9000]
      for size in sizes { try log.reserve(size) }
      simulator.disk.capacity = 0
      for (index, size) in sizes.enumerated() {
        let entry = Entry(UInt64(index), byteCount: size)
        let end = entry.payload.withByteView { payload in
          log.append(
            .commit, transaction: TransactionID(entry.number), timestamp: entry.timestamp,
            entryCount: UInt32(entry.number + 5), payload: payload)
        }
        if index % 2 == 0 { try log.makeDurable(through: end) }
      }
      try log.makeDurable(through: log.endPosition)
      #expect(throws: LogError.self) { try log.reserve(1 << 20) }
      try log.close()
    }
    #expect(try LogWorld.reopen(simulator.disk.snapshot).entries.count == 6)
  }

  @Test func `a failure to make a segment costs nothing but that attempt`() throws {
    for call in [FileError.Call.open, .allocate, .sync, .rename, .syncDirectory] {
      let simulator = Simulator(seed: 5)
      var entries: [Entry] = []
      try simulator.run { effects in
        let log = try LogWorld.create(effects)
        simulator.disk.inject(Fault(.fails(Fault.inputOutput), on: [call], .once(at: 1)))
        var failures = 0
        for number in 0..<80 as Range<UInt64> {
          let entry = Entry(number, byteCount: 3500)
          do throws(LogError) {
            try log.reserve(entry.byteCount)
          } catch {
            failures += 1
            continue
          }
          let end = entry.payload.withByteView { payload in
            log.append(
              .commit, transaction: TransactionID(number), timestamp: entry.timestamp,
              entryCount: UInt32(number + 5), payload: payload)
          }
          try log.makeDurable(through: end)
          entries.append(entry)
        }
        #expect(failures <= 1)
        #expect(simulator.disk.counters.count(of: .failed) == 1)
        #expect(!log.isPoisoned)
        try log.close()
      }
      #expect(try LogWorld.reopen(simulator.disk.snapshot).entries == entries)
    }
  }

  @Test func `segments are made before they are needed`() throws {
    let simulator = Simulator(seed: 6)
    try simulator.run { effects in
      let log = try LogWorld.create(effects)
      for number in 0..<9 as Range<UInt64> { try log.commit(Entry(number, byteCount: 3500)) }
      let ticket = effects.waits.makeTicket()
      _ = effects.waits.park(ticket, until: effects.time.monotonic() + 100_000_000)
      #expect(segments(simulator).count == 2, "the first is half full")
      try log.close()
    }
  }
}
