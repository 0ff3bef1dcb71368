import Environment
import Martlet
import Seeds
import Simulation
import Synchronization
import Testing
import Verification

/// Every order of two or three threads at the calls into the world, up to a number of preemptions;
/// and a power cut in them (rules W5, R3, L9, O2).
///
/// The steps between two calls, where no thread can be preempted here, are explored one by one by
/// `HandshakeTests`: every interleaving of begins, commits and collectors over the atomic steps that
/// production code runs.
@Suite(.serialized) struct `Threads in any order` {
  private typealias Act = ConcurrentLives.Act

  /// Runs schedules level by level; returns how many were run on each, and how many choices the
  /// plain order has.
  private func explore(
    _ lives: ConcurrentLives, preemptions: Int, limit: Int,
    _ check: @escaping @Sendable (Simulator.Schedule, ConcurrentLives.Run) throws -> Void
  ) -> (counts: [Int], choiceCount: Int, failures: Parallel.Failures) {
    var level = [Simulator.Schedule()]
    var counts: [Int] = []
    var choiceCount = 0
    var messages: [String] = []
    for depth in 0...preemptions {
      if depth == 1 { choiceCount = level.count }
      // What is too much is thinned evenly.
      let step = Effort.isWhole ? 1 : max(1, level.count / limit)
      let sampled = stride(from: 0, to: level.count, by: step).map { level[$0] }
      let next = Mutex<[Simulator.Schedule]>([])
      let found = Parallel.failures(sampled) { schedule in
        do {
          let run = try lives.run(schedule)
          try check(schedule, run)
          if depth < preemptions {
            let extended = schedule.extended(over: run.choiceWidths)
            next.withLock { $0 += extended }
          }
        } catch {
          throw CrashSession.Violation(description: "schedule \(schedule): \(error)")
        }
      }
      counts.append(sampled.count)
      messages += found.messages
      level = next.withLock { $0.sorted { $0.description < $1.description } }
    }
    return (counts, choiceCount, .init(messages: messages, caseCount: counts.reduce(0, +)))
  }

  private func crashes(
    _ name: String, _ acts: [ConcurrentLives.Act], preemptions: Int = 2, limit: Int
  ) throws {
    let lives = ConcurrentLives(acts, seed: Seed.fixed)
    let cuts = Atomic<Int>(0)
    let clock = ContinuousClock.now
    let (counts, choiceCount, failures) = explore(
      lives, preemptions: preemptions, limit: limit
    ) { schedule, run in
      // At every change of the plain order; at one in turn of the others.
      let whole = schedule.deviations.isEmpty || Effort.isWhole
      let turn = schedule.deviations.reduce(0) { $0 + $1.key * 31 + $1.value }
      for (index, moment) in run.moments.enumerated()
      where whole || index % 8 == turn % 8 {
        let models = whole ? LossModel.allCases : [LossModel.allCases[(index / 8 + turn) % 3]]
        for model in models {
          try lives.check(moment, model)
          cuts.add(1, ordering: .relaxed)
        }
      }
    }
    print(
      "\(name): \(counts) schedules with 0, 1, … preemptions, \(cuts.load(ordering: .relaxed)) "
        + "power cuts, \(ContinuousClock.now - clock)")
    #expect(choiceCount > 20, "hardly any choice")
    failures.expectNone(name)
  }

  @Test func `a checkpoint and a commit`() throws {
    try crashes(
      "checkpoint, commit", [.checkpoint, .commits(1, isRelaxed: false)],
      preemptions: 3, limit: Effort.isDebug ? 20 : 1500)
  }

  @Test func `a checkpoint and two commits`() throws {
    try crashes(
      "checkpoint, commit, commit",
      [.checkpoint, .commits(1, isRelaxed: false), .commits(1, isRelaxed: false)],
      limit: Effort.isDebug ? 12 : 300)
  }

  @Test func `a checkpoint and two commits in a row, one of them relaxed`() throws {
    try crashes(
      "checkpoint, relaxed commits, keyspace",
      [.checkpoint, .commits(2, isRelaxed: true), .createKeyspace],
      limit: Effort.isDebug ? 12 : 300)
  }

  @Test func `a checkpoint and a commit that begins a new segment`() throws {
    try crashes(
      "checkpoint, new segment", [.checkpoint, .bulk], preemptions: 2,
      limit: Effort.isDebug ? 12 : 300)
  }

  @Test func `two checkpoints and a commit`() throws {
    try crashes(
      "checkpoint, checkpoint, commit",
      [.checkpoint, .checkpoint, .commits(1, isRelaxed: false)],
      limit: Effort.isDebug ? 12 : 300)
  }

  @Test func `a begin and a commit: no increment is lost`() throws {
    let lives = ConcurrentLives([.increment, .increment, .increment], seed: Seed.fixed)
    let clock = ContinuousClock.now
    let (counts, choiceCount, failures) = explore(
      lives, preemptions: 2, limit: Effort.isDebug ? 20 : 600
    ) { _, _ in }
    print("increments: \(counts) schedules, \(ContinuousClock.now - clock)")
    #expect(choiceCount > 10, "hardly any choice")
    failures.expectNone("increments")
  }
}
