import Environment
import Primitives
import RawBytes
import RedoLog
import Simulation
import Testing

@Suite("The log")
struct LogTests {
  @Test func `what was made durable is there after opening again, in order`() throws {
    let simulator = Simulator(seed: 1)
    let entries = RecordKind.allCases.enumerated().map { index, kind in
      Entry(UInt64(index), byteCount: index * 700, kind: kind)
    }
    try simulator.run { effects in
      let log = try LogWorld.create(effects)
      for entry in entries { try log.commit(entry) }
      try log.close()
    }
    #expect(try LogWorld.reopen(simulator.disk.snapshot).entries == entries)
  }

  @Test func `positions rise, and what is durable never passes what is appended`() throws {
    try Simulator(seed: 2).run { effects in
      let log = try LogWorld.create(effects)
      var last = log.endPosition
      for number in 0..<50 as Range<UInt64> {
        let end = try log.add(Entry(number))
        #expect(end > last)
        #expect(log.endPosition == end)
        #expect(log.durablePosition < end)
        if number % 7 == 0 {
          try log.makeDurable(through: end)
          #expect(log.durablePosition == end)
        }
        last = end
      }
      try log.close()
    }
  }

  @Test func `everything appended meanwhile goes with one batch`() throws {
    try Simulator(seed: 3).run { effects in
      let log = try LogWorld.create(effects)
      let before = log.statistics.batches
      var last = LogPosition.zero
      for number in 0..<100 as Range<UInt64> { last = try log.add(Entry(number)) }
      try log.makeDurable(through: last)
      #expect(log.statistics.batches == before + 1)
      #expect(log.statistics.records == 100)
      try log.makeDurable(through: last)
      #expect(log.statistics.batches == before + 1, "it was durable already")
      try log.close()
    }
  }

  @Test func `records go through many segments, and a big one gets a segment of its own`() throws {
    let simulator = Simulator(seed: 4)
    var entries: [Entry] = []
    try simulator.run { effects in
      let log = try LogWorld.create(effects)
      for number in 0..<200 as Range<UInt64> {
        let byteCount = number == 120 ? 600_000 : Int(number % 5) * 3000
        entries.append(Entry(number, byteCount: byteCount))
        try log.commit(entries[Int(number)])
      }
      #expect(log.statistics.segmentsMade > 4)
      try log.close()
    }
    #expect(try LogWorld.reopen(simulator.disk.snapshot).entries == entries)
  }

  @Test func `no block that holds a batch is written twice`() throws {
    let simulator = Simulator(seed: 5)
    try simulator.run { effects in
      let log = try LogWorld.create(effects)
      for number in 0..<20 as Range<UInt64> {
        let before = simulator.disk.snapshot.contents(of: LogWorld.path(0))!
        try log.commit(Entry(number))
        let after = simulator.disk.snapshot.contents(of: LogWorld.path(0))!
        for block in 0..<16 {
          let range = block * 4096..<(block + 1) * 4096
          if before[range].contains(where: { $0 != 0 }) { #expect(before[range] == after[range]) }
        }
      }
      try log.close()
    }
  }

  @Test func `replay begins where it is told to`() throws {
    let simulator = Simulator(seed: 6)
    var ends: [LogPosition] = []
    try simulator.run { effects in
      let log = try LogWorld.create(effects)
      for number in 0..<10 as Range<UInt64> {
        ends.append(try number % 3 == 0 ? log.commit(Entry(number)) : log.add(Entry(number)))
      }
      try log.close()
    }
    for (index, end) in ends.enumerated() {
      let (entries, _) = try LogWorld.reopen(
        simulator.disk.snapshot, Superblock(from: end, durable: end))
      #expect(entries.map(\.number) == Array(UInt64(index + 1)..<10))
    }
  }

  @Test func `a reservation given back can be used by others`() throws {
    try Simulator(seed: 7).run { effects in
      let log = try LogWorld.create(effects)
      let made = log.statistics.segmentsMade
      for _ in 0..<1000 {
        try log.reserve(1000)
        log.cancelReservation(1000)
      }
      #expect(log.statistics.segmentsMade == made)
      try log.close()
    }
  }

  @Test func `an append without a reservation is a bug and stops the process`() async {
    await #expect(processExitsWith: .failure) {
      try Simulator(seed: 7).run { effects in
        let log = try LogWorld.create(effects)
        _ = log.append(
          .commit, transaction: TransactionID(1), timestamp: .zero, entryCount: 0, payload: .empty)
      }
    }
  }

  @Test func `progress never goes back, and ends at its end`() throws {
    let simulator = Simulator(seed: 8)
    try simulator.run { effects in
      let log = try LogWorld.create(effects)
      for number in 0..<50 as Range<UInt64> { try log.commit(Entry(number, byteCount: 3000)) }
      try log.close()
      var seen: [RecoveryProgress] = []
      let again = try RedoLog.recover(
        directory: LogWorld.directory, id: LogWorld.id, from: .zero, coveredThrough: .zero,
        generation: Generation(0), effects: effects, configuration: LogWorld.small,
        progress: { seen.append($0) }, replay: { _ in })
      try again.close()
      #expect(seen.map(\.bytesDone) == seen.map(\.bytesDone).sorted())
      #expect(seen.allSatisfy { $0.bytesDone <= $0.bytesTotal })
      #expect(seen.last?.bytesDone == seen.last?.bytesTotal)
      #expect(seen.last?.records == 50)
    }
  }

  @Test func `an error of the replay ends the recovery and changes no batch`() throws {
    struct Stop: Error {}
    let simulator = Simulator(seed: 9)
    try simulator.run { effects in
      let log = try LogWorld.create(effects)
      for number in 0..<5 as Range<UInt64> { try log.commit(Entry(number)) }
      try log.close()
      #expect(throws: Stop.self) {
        try RedoLog.recover(
          directory: LogWorld.directory, id: LogWorld.id, from: .zero, coveredThrough: .zero,
          generation: Generation(0), effects: effects, configuration: LogWorld.small,
          replay: { record in if record.transaction.rawValue == 3 { throw Stop() } })
      }
    }
    #expect(try LogWorld.reopen(simulator.disk.snapshot).entries.count == 5)
  }

  @Test func `verification reads every batch, and names a damaged one while the log goes on`()
    throws
  {
    let simulator = Simulator(seed: 10)
    try simulator.run { effects in
      let log = try LogWorld.create(effects)
      for number in 0..<60 as Range<UInt64> { try log.commit(Entry(number, byteCount: 3000)) }
      var findings: [CorruptionError] = []
      let sound = try log.verify { findings.append($0) }
      #expect(sound == log.statistics.batches)
      #expect(findings.isEmpty)

      simulator.disk.edit { $0.flipBit(of: LogWorld.path(0), at: 4096 * 5 + 80, bit: 3) }
      let left = try log.verify { findings.append($0) }
      #expect(left == sound - 1)
      #expect(findings.count == 1)
      #expect(findings.first?.location.contains("offset 20480") == true)
      try log.commit(Entry(60))
      try log.close()
    }
  }
}

@Suite("Creating a log")
struct LogCreationTests {
  @Test func `a directory tells whether it holds a log`() throws {
    let simulator = Simulator(seed: 1)
    try simulator.run { effects in
      try effects.files.createDirectory(LogWorld.directory)
      #expect(try RedoLog.presence(in: LogWorld.directory, effects: effects) == .absent)
      let log = try LogWorld.create(effects)
      #expect(try RedoLog.presence(in: LogWorld.directory, effects: effects) == .halfCreated)
      try log.commit(Entry(1))
      #expect(try RedoLog.presence(in: LogWorld.directory, effects: effects) == .present)
      try log.close()
    }
  }

  @Test func `a half-created log is replaced, a real one is not`() throws {
    let simulator = Simulator(seed: 2)
    try simulator.run { effects in
      try LogWorld.create(effects).close()
      let log = try LogWorld.create(effects)
      try log.commit(Entry(1))
      try log.close()
      #expect(throws: LogError.alreadyExists(path: LogWorld.directory)) {
        try LogWorld.create(effects)
      }
    }
    #expect(try LogWorld.reopen(simulator.disk.snapshot).entries == [Entry(1)])
  }

  @Test(arguments: LossModel.allCases)
  func `a power cut at any moment of a creation leaves nothing, half a log or a log`(
    model: LossModel
  ) throws {
    let simulator = Simulator(seed: 3)
    var images: [DiskImage] = []
    simulator.disk.observeChanges { change in
      images.append(simulator.disk.afterPowerCut(model, seed: UInt64(change)))
    }
    try simulator.run { effects in try LogWorld.create(effects).close() }
    simulator.disk.observeChanges(nil)
    #expect(images.count > 8)
    for image in images {
      let again = Simulator(seed: 4, disk: image)
      try again.run { effects in
        let log = try LogWorld.create(effects)
        try log.commit(Entry(1))
        try log.close()
      }
      let temporaries = again.disk.snapshot.paths.filter { $0.hasSuffix(".new") }
      #expect(temporaries.isEmpty)
      #expect(try LogWorld.reopen(again.disk.snapshot).entries == [Entry(1)])
    }
  }
}
