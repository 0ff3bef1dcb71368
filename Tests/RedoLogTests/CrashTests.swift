import Environment
import Primitives
import RawBytes
import RedoLog
import Seeds
import Simulation
import Synchronization
import Testing

/// The power goes at every change of the disk; then the log is opened twice, with a power cut
/// between and within, and compared with what its owner had been told.
@Suite("Power cuts")
struct CrashTests {
  /// What a run had done when the power went.
  struct Moment {
    var image: DiskImage
    var superblock: Superblock
    /// In log order, and where each ends.
    var appended: [(entry: Entry, end: LogPosition)]
    var acknowledged: LogPosition
  }

  final class Course: @unchecked Sendable {
    // SENDABLE: touched by the simulated thread that has the baton only.
    var superblock = Superblock()
    var appended: [(entry: Entry, end: LogPosition)] = []
    var acknowledged = LogPosition.zero
    var moments: [Moment] = []
  }

  /// A life of a log: full and relaxed commits of two threads, checkpoints, reuse of segments.
  private func live(
    _ simulator: Simulator, _ course: Course, seed: UInt64, commits: UInt64 = 40
  ) throws {
    try simulator.run { effects in
      let log = try LogWorld.create(effects)
      defer { try? log.close() }
      let relaxed = effects.background.start("relaxed") {
        var generator = SeededGenerator(seed: seed)
        for number in 1000..<1000 + commits / 2 {
          let entry = Entry(number, byteCount: generator.below(3000))
          guard (try? log.reserve(entry.byteCount)) != nil else { return }
          Self.append(entry, to: log, course)
          log.flushInBackground()
        }
      }
      var generator = SeededGenerator(seed: seed &+ 1)
      do {
        for number in 0..<commits {
          let entry = Entry(number, byteCount: generator.below(12_000))
          try log.reserve(entry.byteCount)
          let end = Self.append(entry, to: log, course)
          try log.makeDurable(through: end)
          course.acknowledged = max(course.acknowledged, end)
          if number % 13 == 12 {
            let durable = log.endPosition
            // Replay may have to begin well before the checkpoint: where the oldest commit in
            // flight then has its first continuation.
            let back = min(generator.below(12), course.appended.count - 1)
            let from = max(
              course.superblock.from, course.appended[course.appended.count - 1 - back].end)
            try log.makeDurable(through: durable)
            course.acknowledged = max(course.acknowledged, durable)
            let generation = course.superblock.generation.next
            course.superblock = Superblock(from: from, durable: durable, generation: generation)
            try log.checkpointCompleted(generation: generation, replayFrom: from)
          }
        }
      } catch {
        relaxed.join()
        throw error
      }
      relaxed.join()
    }
  }

  @discardableResult
  private static func append(_ entry: Entry, to log: RedoLog, _ course: Course) -> LogPosition {
    entry.payload.withByteView { payload in
      let end = log.append(
        entry.kind, transaction: TransactionID(entry.number), timestamp: entry.timestamp,
        entryCount: UInt32(entry.number + 5), payload: payload)
      course.appended.append((entry, end))
      return end
    }
  }

  private func moments(
    seed: UInt64, model: LossModel, commits: UInt64 = 60
  ) throws -> (moments: [Moment], reused: Int) {
    let simulator = Simulator(seed: seed)
    let course = Course()
    simulator.disk.observeChanges { change in
      course.moments.append(
        Moment(
          image: simulator.disk.afterPowerCut(model, seed: seed &+ UInt64(change)),
          superblock: course.superblock, appended: course.appended,
          acknowledged: course.acknowledged))
    }
    try live(simulator, course, seed: seed, commits: commits)
    simulator.disk.observeChanges(nil)
    return (course.moments, simulator.disk.counters.count(of: .rename))
  }

  /// Everything acknowledged is there, in order, and what else there is, is a prefix.
  private func problem(_ entries: [Entry], _ moment: Moment) -> String? {
    let expected = moment.appended.filter { $0.end > moment.superblock.from }
    guard entries.count <= expected.count else { return "more records than were appended" }
    for (index, entry) in entries.enumerated() where entry != expected[index].entry {
      return "record \(index) is \(entry) and not \(expected[index].entry)"
    }
    let needed = expected.count { $0.end <= moment.acknowledged }
    return entries.count >= needed
      ? nil : "\(entries.count) records, but \(needed) were acknowledged"
  }

  /// Whether the log's first batch was durable: before, its owner had no database.
  private func isCreated(_ moment: Moment) -> Bool {
    moment.acknowledged > .zero || moment.superblock.generation > Generation(0)
  }

  @Test(arguments: LossModel.allCases)
  func `every acknowledged record survives, and nothing but a suffix is lost`(
    model: LossModel
  ) throws {
    var seed = Seed.take(for: #function)
    var (moments, renames) = try moments(seed: seed, model: model)
    // In a rare life every checkpoint keeps the first segment; then the next one is looked at.
    for _ in 0..<10 where renames <= 4 {
      seed &+= 1
      (moments, renames) = try self.moments(seed: seed, model: model)
    }
    #expect(moments.count > 80)
    #expect(renames > 4, "no segment was reused")
    var torn = 0
    for (index, moment) in moments.enumerated() where isCreated(moment) {
      let (first, after) = try LogWorld.reopen(
        moment.image, moment.superblock, seed: seed &+ 1, leavingInOrder: false)
      if let problem = problem(first, moment) {
        Issue.record("change \(index), \(model): \(problem)")
        return
      }
      if first.count < moment.appended.count { torn += 1 }
      let next = Entry(9000, byteCount: 5000)
      let (second, more) = try LogWorld.reopen(
        after, moment.superblock, seed: seed &+ 2, leavingInOrder: index % 2 == 0
      ) { log, _ in try log.commit(next) }
      #expect(second == first, "change \(index): recovering twice gives the same (R1)")
      let (third, _) = try LogWorld.reopen(more, moment.superblock, seed: seed &+ 3)
      #expect(third == first + [next], "change \(index): what is accepted after a crash stays")
    }
    #expect(torn > 10)
  }

  @Test(arguments: LossModel.allCases)
  func `a power cut at any moment of a recovery changes nothing (R5, W4)`(
    model: LossModel
  ) throws {
    let seed = Seed.take(for: #function)
    var (moments, _) = try moments(seed: seed, model: .random, commits: 20)
    moments = moments.filter { isCreated($0) }
    for (index, moment) in moments.enumerated() where index % 7 == 0 {
      let simulator = Simulator(seed: seed, disk: moment.image)
      var images: [DiskImage] = []
      simulator.disk.observeChanges { change in
        images.append(simulator.disk.afterPowerCut(model, seed: seed &+ UInt64(change)))
      }
      let entries = try simulator.run { effects in
        let (log, entries, _) = try LogWorld.recover(effects, moment.superblock)
        try log.commit(Entry(9000, byteCount: 6000))
        log.poison()
        try? log.close()
        return entries
      }
      simulator.disk.observeChanges(nil)
      for (change, image) in images.enumerated() {
        let (again, _) = try LogWorld.reopen(image, moment.superblock, seed: seed)
        #expect(
          again == entries || again == entries + [Entry(9000, byteCount: 6000)],
          "change \(index), then \(change)")
      }
    }
  }

  @Test func `a disk that lies about durability is found out: the check can fail`() throws {
    let seed = Seed.take(for: #function)
    var losses = 0
    for round in 0..<5 as Range<UInt64> {
      let simulator = Simulator(seed: seed &+ round)
      let course = Course()
      var image = DiskImage()
      try simulator.run { effects in
        let log = try LogWorld.create(effects)
        simulator.disk.inject(Fault(.lies, on: [.write], .from(3)))
        for number in 0..<10 as Range<UInt64> {
          let entry = Entry(number)
          try log.reserve(entry.byteCount)
          let end = Self.append(entry, to: log, course)
          try log.makeDurable(through: end)
          course.acknowledged = end
        }
        image = simulator.disk.afterPowerCut(.loseAll, seed: round)
        log.poison()
        try? log.close()
      }
      let moment = Moment(
        image: image, superblock: course.superblock, appended: course.appended,
        acknowledged: course.acknowledged)
      let (entries, _) = try LogWorld.reopen(image)
      if problem(entries, moment) != nil { losses += 1 }
    }
    #expect(losses == 5)
  }

  @Test(arguments: [false, true])
  func `whichever call fails, once or from then on, what was acknowledged is there`(
    forGood: Bool
  ) throws {
    let seed = Seed.take(for: #function)
    var failed = 0
    for number in 1...260 where number % (forGood ? 3 : 2) == 1 {
      let simulator = Simulator(seed: seed)
      let course = Course()
      let effect: Fault.Effect =
        number % 4 == 0
        ? .failsHalfway(Fault.inputOutput) : .fails(Fault.inputOutput)
      simulator.disk.inject(Fault(effect, forGood ? .from(number) : .once(at: number)))
      do {
        try live(simulator, course, seed: seed, commits: 24)
      } catch {
        failed += 1
      }
      let wasHit =
        simulator.disk.counters.count(of: .failed)
        + simulator.disk.counters.count(of: .failedHalfway)
      guard wasHit > 0, course.acknowledged > .zero else { continue }
      for model in [LossModel.keepAll, .random] {
        let moment = Moment(
          image: simulator.disk.afterPowerCut(model, seed: seed), superblock: course.superblock,
          appended: course.appended, acknowledged: course.acknowledged)
        let (entries, after) = try LogWorld.reopen(
          moment.image, moment.superblock, leavingInOrder: false)
        if let problem = problem(entries, moment) {
          Issue.record("call \(number), \(model): \(problem)")
          return
        }
        #expect(try LogWorld.reopen(after, moment.superblock).entries == entries)
      }
    }
    #expect(failed > 10)
  }
}
