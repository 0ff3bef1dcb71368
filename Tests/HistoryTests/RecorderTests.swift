import Environment
import Martlet
import Seeds
import Simulation
import Testing
import Verification

/// Workloads recorded from several threads, and what the checker says of them.
@Suite struct `The history recorder` {
  static func record(
    _ workload: HistoryWorkload, transactions: Int = 600, threads: Int = 3
  ) throws -> History {
    let database = try Database.inMemory()
    defer { try? database.close() }
    return try HistoryRecorder(
      workload, threadCount: threads, transactionLimit: transactions, durability: .relaxed
    ).record(on: database)
  }

  @Test(arguments: HistoryWorkload.Kind.allCases)
  func `records histories that snapshot isolation allows`(_ kind: HistoryWorkload.Kind) throws {
    let history = try Self.record(
      HistoryWorkload(kind, seed: Seed.take(for: "\(kind)"), keyCount: 6))
    #expect(history.transactions.count >= 600)
    #expect(history.transactions.allSatisfy { $0.level == .snapshotIsolation })
    let report = try HistoryChecker(.uniform(.snapshotIsolation)).check(history)
    #expect(report.isValid, "\(report.examples.filter(\.isForbidden))")
    #expect((report.outcomes[.ok] ?? 0) > 200)
    if kind == .listAppend || kind == .register {
      #expect(report.edgeCount(.read) > 100 && report.edgeCount(.antiDependency) > 100)
    }
    #expect(try History(decoding: history.encoded()) == history)
  }

  @Test func `shows write skew at snapshot isolation`() throws {
    var seed = Seed.take(for: #function)
    var shown = false
    // Threads that seldom meet need many: on a machine with other work.
    for _ in 0..<2_000 where !shown {
      let history = try Self.record(
        HistoryWorkload(
          .listAppend, seed: seed, keyCount: 3, operationLimit: 6, scanFraction: 0.2,
          writesPerKey: 40))
      let report = try HistoryChecker(.uniform(.serializable)).check(history)
      shown =
        !report.isValid && report.anomalies.values.contains { $0.kind == .itemAntiDependencyCycle }
      seed &+= 1
    }
    #expect(shown, "in two thousand recordings nobody skewed a write")
  }

  @Test func `asks the same under the same seed`() throws {
    func asked(_ seed: UInt64) throws -> [[Int]] {
      let history = try Self.record(
        HistoryWorkload(.register, seed: seed), transactions: 200, threads: 1)
      return history.transactions.map { transaction in
        transaction.operations.map { operation in
          switch operation {
          case .append(let key, let value), .write(let key, let value): key * 1_000 + value
          case .read(let key, _): key
          case .scan(let lower, let upper, _): lower * 1_000 + upper
          }
        }
      }
    }
    #expect(try asked(7) == asked(7))
    #expect(try asked(7) != asked(8))
  }

  @Test(arguments: KeyDistribution.allCases)
  func `chooses keys as it is told`(_ distribution: KeyDistribution) throws {
    let history = try Self.record(
      HistoryWorkload(
        .listAppend, seed: Seed.take(for: "\(distribution)"), keyCount: 20,
        distribution: distribution,
        scanFraction: 0, writesPerKey: 100_000), transactions: 1_000, threads: 1)
    var counts = [Int](repeating: 0, count: 20)
    for transaction in history.transactions {
      for operation in transaction.operations {
        switch operation {
        case .append(let key, _), .read(let key, _): counts[key] += 1
        case .write, .scan: break
        }
      }
    }
    let first = Double(counts[0]) / Double(counts.reduce(0, +))
    switch distribution {
    case .uniform: #expect((0.02...0.09).contains(first))
    case .zipfian: #expect((0.2...0.36).contains(first))
    case .hot: #expect((0.35...0.55).contains(first))
    }
    #expect(counts.allSatisfy { $0 > 0 })
  }

  @Test func `records under the simulator, the same again from the same seed`() throws {
    func run(_ seed: UInt64) throws -> History {
      let simulator = Simulator(seed: seed)
      return try simulator.run { effects in
        let database = try Database(
          at: "/db", configuration: CrashSession.smallConfiguration, effects: effects)
        let history = try HistoryRecorder(
          HistoryWorkload(.listAppend, seed: seed, keyCount: 3, writesPerKey: 20),
          threadCount: 3, transactionLimit: 60, durability: .relaxed
        ).record(on: database, keyspace: "history", effects: effects)
        try database.close()
        return history
      }
    }
    let seed = Seed.take(for: #function)
    let history = try run(seed)
    #expect(history == (try run(seed)))
    #expect(try HistoryChecker(.uniform(.snapshotIsolation)).check(history).isValid)
  }

  @Test func `records an unknown commit as unknown, and goes on as another process`() throws {
    let simulator = Simulator(seed: 5)
    let history = try simulator.run { effects -> History in
      let database = try Database(
        at: "/db", configuration: CrashSession.smallConfiguration, effects: effects)
      simulator.disk.inject(
        Fault(.fails(Fault.inputOutput), on: [.write, .sync], .from(20), path: "log-"))
      defer { try? database.close() }
      return try HistoryRecorder(
        HistoryWorkload(.listAppend, keyCount: 3), threadCount: 2, transactionLimit: 500,
        durability: .full
      ).record(on: database, keyspace: "history", effects: effects)
    }
    let unknown = try #require(history.transactions.first { $0.outcome == .info })
    #expect(unknown.error == "commitUnknown")
    for later in history.transactions
    where later.invocationIndex > unknown.completionIndex ?? .max {
      #expect(later.process != unknown.process)
    }
    #expect(try HistoryChecker(.uniform(.snapshotIsolation)).check(history).isValid)
  }
}
