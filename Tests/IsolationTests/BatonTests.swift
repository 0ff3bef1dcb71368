import Environment
import Foundation
import Martlet
import RedoLog
import Simulation
import Seeds
import Testing

/// Small transactions on threads of their own, which the simulator lets go on in an order of our
/// choice: here operations really wait for locks, are woken, time out or end in a deadlock, where
/// `Small transactions in every order` stops at the first wait (rules L5 to L8, M7).
@Suite struct `Small transactions on threads in any order` {
  /// What the threads of one run share; the baton orders them.
  private final class Stage: @unchecked Sendable {
    // SENDABLE: touched by threads of one simulation only, and by the test after it.
    var outcomes: [SmallOutcome]
    var moment = 0
    var final: [Int] = []
    var widths: [Int] = []
    var lockWaits: UInt64 = 0
    var failure: (any Error)?

    init(count: Int) { outcomes = Array(repeating: SmallOutcome(), count: count) }

    func tick() -> Int {
      moment += 1
      return moment
    }
  }

  private static let configuration: Configuration = {
    var configuration = Configuration(
      pageSize: 4096, cacheSize: 64 * 4096, durability: .relaxed, versionBudget: 1 << 20)
    configuration.log = .init(
      firstSegmentByteCount: 64 << 10, largestSegmentByteCount: 128 << 10,
      spareByteCount: 256 << 10)
    return configuration
  }()

  private static func run(
    _ cast: [SmallProgram], _ disciplines: [Discipline], _ schedule: Simulator.Schedule,
    seed: UInt64
  ) throws -> Stage {
    let simulator = Simulator(seed: seed)
    let stage = Stage(count: cast.count)
    try simulator.run { effects in
      let database = try Database(
        at: "/database", configuration: Self.configuration, effects: effects)
      let keyspace = try database.keyspace("small")
      try database.write { tx in
        try tx.set(SmallExecution.initial, for: SmallKey.x.bytes, in: keyspace)
      }
      simulator.follow(schedule)
      let threads = cast.indices.map { index in
        effects.background.start("transaction \(index)") {
          do {
            try perform(index, cast[index], disciplines[index], database, keyspace, effects, stage)
          } catch {
            stage.failure = error
          }
        }
      }
      for thread in threads { thread.join() }
      stage.widths = simulator.choiceWidths
      simulator.follow(nil)
      stage.lockWaits = database.statistics.lockWaits
      stage.final = try database.read { snapshot in
        try SmallKey.allCases.map { key in
          try snapshot.value(for: key.bytes, in: keyspace, as: Int.self) ?? SmallExecution.absent
        }
      }
      try database.close()
    }
    if let failure = stage.failure { throw failure }
    return stage
  }

  private static func perform(
    _ index: Int, _ program: SmallProgram, _ discipline: Discipline, _ database: Database,
    _ keyspace: Keyspace, _ effects: Effects, _ stage: Stage
  ) throws {
    stage.outcomes[index].beganAt = stage.tick()
    do {
      let committed = try database.transact(
        isolation: discipline.isolation, using: discipline.using, retry: .never
      ) { tx in
        for (position, operation) in program.operations.enumerated() {
          let value = try SmallExecution.perform(
            operation, SmallExecution.value(index, position), tx, keyspace)
          if let value { stage.outcomes[index].reads.append((operation, value)) }
          // A call into the world, where another thread may go on.
          effects.waits.yield(attempt: 0)
        }
      }
      stage.outcomes[index].timestamp = committed.timestamp?.rawValue ?? 0
    } catch let error as DatabaseError where error.isRetryable {
      stage.outcomes[index].abort = error.code
    }
    stage.outcomes[index].endedAt = stage.tick()
  }

  @Test(arguments: `Small transactions in every order`.pairs)
  func `keep their level's promise when they wait for each other`(_ disciplines: [Discipline])
    throws
  {
    let seed = Seed.take()
    var generator = SplitMix(seed)
    let programs = SmallProgram.all(upTo: 2)
    #if DEBUG
      let castCount = 4
    #else
      let castCount = 12
    #endif
    var runs = 0
    var waits: UInt64 = 0
    var aborts: [String: Int] = [:]
    while runs < castCount * 60 {
      let cast = disciplines.map { _ in
        programs[Int.random(in: 0..<programs.count, using: &generator)]
      }
      guard SmallProgram.areEntangled(cast) else { continue }
      // Every order with one preemption, and some with two or three.
      var level = [Simulator.Schedule()]
      for _ in 0...3 {
        var next: [Simulator.Schedule] = []
        for schedule in level.shuffled(using: &generator).prefix(20) {
          let stage = try Self.run(cast, disciplines, schedule, seed: seed)
          runs += 1
          waits += stage.lockWaits
          for outcome in stage.outcomes {
            if let code = outcome.abort { aborts[code.name, default: 0] += 1 }
          }
          let judge = SmallJudge(cast, stage.outcomes, final: stage.final)
          if let violation = judge.violation(of: disciplines[0].isolation) {
            Issue.record(
              "\(violation): \(cast) under \(disciplines), seed \(seed), \(schedule): \(stage.outcomes)"
            )
            return
          }
          next += schedule.extended(over: stage.widths)
        }
        level = next
      }
    }
    print("\(disciplines): \(runs) runs on threads, \(waits) waits, aborts \(aborts), seed \(seed)")
    #if !DEBUG
      let isBlocking = disciplines.allSatisfy { $0.using != .optimistic }
      #expect(!isBlocking || waits > 0, "nobody ever waited")
    #endif
  }
}
