import Environment
import Martlet
import Primitives
import RawBytes
import Seeds
import Simulation
import Synchronization
import Testing

/// The whole of it under simulated threads, in orders that the seed decides: every value is the state
/// at its moment, moments rise, and the last state arrives. An observer that misses it sleeps for
/// ever, which the simulator reports.
@Suite struct `In simulated time, observers` {
  /// One value of a live query.
  private struct Seen: Sendable {
    let moment: Timestamp
    let rows: [Int: Int]
  }

  private final class Log: Sendable {
    let commits = Mutex<[(timestamp: Timestamp, key: Int, value: Int)]>([])

    /// What a reader of keys below a limit sees at a moment.
    func state(at moment: Timestamp, below limit: Int) -> [Int: Int] {
      commits.withLock { commits in
        commits.filter { $0.timestamp <= moment && $0.key < limit }
          .sorted { $0.timestamp < $1.timestamp }
          .reduce(into: [:]) { $0[$1.key] = $1.value }
      }
    }
  }

  @Test func `see every state once and never miss the last one`() throws {
    var random = SplitMix(Seed.take(for: "simulated observers"))
    for _ in 0..<150 {
      let seed = random.next()
      let valueCount = try Self.run(seed: seed)
      #expect(valueCount > 3, "seed \(seed)")
    }
  }

  private static func run(seed: UInt64) throws -> Int {
    let simulator = Simulator(seed: seed)
    let valueCount = Atomic<Int>(0)
    try simulator.run { effects in
      let database = try Database(
        at: "/db", configuration: Configuration(cacheSize: 1 << 22), effects: effects)
      let rows = try database.keyspace("rows")
      let log = Log()
      let running = Atomic<Int>(3)
      let threads = (0..<3).map { writer in
        effects.background.start("writer") {
          var random = SplitMix(seed &+ UInt64(writer))
          for number in 0..<12 {
            let (key, value) = (random.below(6), writer * 100 + number)
            let durability: Durability? = random.below(3) == 0 ? .relaxed : nil
            do {
              let committed = try database.transact(durability: durability) { tx in
                try tx.set(value, for: [UInt8(key)], in: rows)
              }
              guard let timestamp = committed.timestamp else { continue }
              log.commits.withLock { $0.append((timestamp, key, value)) }
            } catch { Issue.record("seed \(seed): \(error)") }
          }
          running.subtract(1, ordering: .sequentiallyConsistent)
        }
      }
      let observers = [2, 6].map { limit in
        effects.background.start("observer") {
          let seen = watch(database, rows, below: limit, effects, until: log, running)
          valueCount.add(seen.count, ordering: .relaxed)
          var last = Timestamp.zero
          for value in seen {
            #expect(value.moment > last || last == .zero, "seed \(seed): moments do not rise")
            last = value.moment
            #expect(
              value.rows == log.state(at: value.moment, below: limit),
              "seed \(seed): a wrong state at \(value.moment)")
          }
        }
      }
      for thread in threads { thread.join() }
      for observer in observers { observer.join() }
      #expect(database.observerCount == 0)
      try database.close()
    }
    return valueCount.load(ordering: .relaxed)
  }

  /// Takes values until the writers have ended and the last state is there.
  private static func watch(
    _ database: Database, _ rows: Keyspace, below limit: Int, _ effects: Effects, until log: Log,
    _ running: borrowing Atomic<Int>
  ) -> [Seen] {
    let observer = database.observer { snapshot in
      var result: [Int: Int] = [:]
      try snapshot.forEach(in: rows, .upTo([UInt8(limit)])) { key, value in
        result[Int([UInt8](valueBytes: key)?.first ?? 0)] = Int(valueBytes: value)
        return .continue
      }
      return Seen(moment: snapshot.timestamp, rows: result)
    }
    defer { observer.end() }
    var seen: [Seen] = []
    while true {
      let isOver = running.load(ordering: .sequentiallyConsistent) == 0
      // Whatever was acknowledged before is in the log of the test.
      if isOver, let last = seen.last,
        last.rows == log.state(at: Timestamp(.max), below: limit)
      {
        return seen
      }
      let answer = Mutex<LiveOutcome<Seen>?>(nil)
      let ticket = effects.waits.makeTicket()
      observer.request { outcome in
        answer.withLock { $0 = outcome }
        effects.waits.wake(ticket)
      }
      _ = effects.waits.park(ticket, until: effects.time.monotonic() + 20_000_000_000)
      guard case .value(let value)? = answer.withLock({ $0 }) else {
        // The writers may have ended while it waited for a change that does not come.
        guard running.load(ordering: .sequentiallyConsistent) == 0,
          let last = seen.last, last.rows == log.state(at: Timestamp(.max), below: limit)
        else {
          Issue.record("the last state was missed")
          return seen
        }
        return seen
      }
      seen.append(value)
    }
  }
}
