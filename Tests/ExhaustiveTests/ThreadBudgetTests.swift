import Environment
import Martlet
import RedoLog
import Seeds
import Simulation
import Synchronization
import Testing
import Verification

/// Budgets that threads share: pages of the cache, threads for the asynchronous forms, and bytes of
/// log that are not flushed yet.
@Suite(.serialized) struct `A budget that threads share` {
  private typealias Violation = CrashSession.Violation

  /// Sixty-four pages, as few as there may be, under ever more threads that write, scan and stream
  /// large values: whatever is refused says why, and the work of the others is there.
  @Test func `for pages, under any number of threads`() throws {
    let counts = Effort.sample(Array(1...32), debug: 16, release: 4)
    let refused = Atomic<Int>(0)
    let found = Parallel.failures(counts) { count in
      let simulator = Simulator(seed: Seed.fixed &+ UInt64(count))
      let stage = Stage()
      try simulator.run { effects in
        let database = try Database(
          at: CrashSession.directory, configuration: CrashSession.smallConfiguration,
          effects: effects)
        let main = try database.keyspace("main")
        let threads = (0..<count).map { number in
          effects.background.start("worker \(number)") {
            for round in 0..<6 {
              stage.note(number, round) { try work(database, main, number, round) }
            }
          }
        }
        for thread in threads { thread.join() }
        if let stranger = stage.strangers.first { throw Violation(description: stranger) }
        for (number, round) in stage.done {
          let value = try database.read {
            try $0.get(key(number, round), in: main)
          }
          guard value == large(number, round) else {
            throw Violation(description: "\(count) threads: round \(round) of \(number) is wrong")
          }
        }
        let report = try database.verify()
        guard report.isClean else { throw Violation(description: "\(report.findings[0])") }
        try database.close()
      }
      refused.add(count * 6 - stage.done.count, ordering: .relaxed)
    }
    print("up to 32 threads: \(refused.load(ordering: .relaxed)) refusals")
    found.expectNone("threads")
  }

  /// What threads of a simulation tell; the baton orders them.
  private final class Stage: @unchecked Sendable {
    // SENDABLE: touched by threads of one simulation only, and by the test after it.
    var done: [(Int, Int)] = []
    var strangers: [String] = []

    func note(_ number: Int, _ round: Int, _ body: () throws -> Void) {
      do {
        try body()
        done.append((number, round))
      } catch let error as DatabaseError {
        // The only budget here is the cache's; a conflict is none of these keys' business.
        if error.code != .invalidArgument || !error.message.contains("cache") {
          strangers.append("\(error)")
        }
      } catch {
        strangers.append("\(error)")
      }
    }
  }

  private func key(_ number: Int, _ round: Int) -> [UInt8] { Array("\(round)/\(number)".utf8) }

  private func large(_ number: Int, _ round: Int) -> [UInt8] {
    [UInt8](repeating: UInt8(number * 6 + round & 255), count: 9_000 + number * 100)
  }

  private func work(
    _ database: Database, _ main: Keyspace, _ number: Int, _ round: Int
  ) throws {
    try database.write { transaction in
      try transaction.set(large(number, round), for: key(number, round), in: main)
      for other in 0..<12 {
        try transaction.set(
          [UInt8](repeating: 1, count: 800), for: Array("\(other)/small/\(number)".utf8), in: main)
      }
    }
    try database.read { snapshot in
      var count = 0
      try snapshot.forEach(in: main) { _, _ in
        count += 1
        return count < 60 ? .continue : .stop
      }
    }
  }

  @Test func `for asynchronous bodies: never more at a time, and every job once (WP1, WP2)`() {
    for limit in 1...5 {
      for jobCount in [1, limit, limit + 1, 3 * limit + 2] {
        for seed in 0..<UInt64(Effort.isDebug ? 4 : 25) {
          let simulator = Simulator(seed: Seed.fixed &+ seed)
          let running = Counter()
          simulator.run { effects in
            let pool = WorkerPool(name: "pool", limit: limit, effects: effects)
            for _ in 0..<jobCount {
              pool.submit {
                running.begin()
                for _ in 0..<5 { _ = effects.time.monotonic() }
                running.end()
              }
            }
            pool.close()
            pool.submit {
              running.begin(); running.end()
            }
          }
          #expect(running.most <= limit)
          #expect(running.ended == jobCount + 1)
          if jobCount > 2 * limit { #expect(running.most > 0) }
        }
      }
    }
  }

  private final class Counter: @unchecked Sendable {
    // SENDABLE: touched by threads of one simulation only.
    var now = 0
    var most = 0
    var ended = 0

    func begin() {
      now += 1
      most = max(most, now)
    }

    func end() {
      now -= 1
      ended += 1
    }
  }

  /// `reserve` waits for a flush before it lets more in: at every limit the same life must come out.
  @Test func `for log bytes not flushed yet, from one on`() throws {
    let limits = Effort.sample(
      [1, 100, 512, 1000, 2000, 4000, 4096, 5000, 8192, 12_000, 20_000, 40_000], debug: 4)
    let script = CrashScript.short(seed: Seed.fixed)
    let found = Parallel.failures(limits) { limit in
      var configuration = CrashSession.smallConfiguration
      configuration.log.unflushedByteLimit = limit
      let session = StubbornSession(script: script, configuration: configuration)
      let simulator = Simulator(seed: Seed.fixed)
      try simulator.run { try session.run($0) {} }
      guard session.outcome.errors.isEmpty, session.outcome.resumed else {
        throw Violation(description: "limit \(limit): \(session.outcome.errors)")
      }
      try session.checkLater(simulator.disk.snapshot, seed: Seed.fixed)
    }
    found.expectNone("limits")
  }
}
