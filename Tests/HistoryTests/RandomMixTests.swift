import Foundation
import Martlet
import Seeds
import Testing
import Verification

/// Random transactions of real threads under every mix of levels and protocols, judged from their
/// answers alone (rule M1): a million of them in release mode.
@Suite struct `Random transactions of any mix` {
  /// A mix, how the database around it is set up, and what its histories are held against.
  struct Course: Sendable, CustomStringConvertible {
    let name: String
    let kind: HistoryWorkload.Kind
    let choices: [HistoryWorkload.Choice]
    let model: HistoryModel
    var lockTimeout = Duration.seconds(10)
    var conflictBudget = 64 << 20
    var keyCount = 8

    var description: String { name }
  }

  private static func strict(_ choices: TransactionProtocol...) -> [HistoryWorkload.Choice] {
    choices.map { .init(.strictSerializable, using: $0) }
  }

  static let courses: [Course] = [
    Course(
      name: "locking", kind: .listAppend, choices: strict(.twoPhaseLocking),
      model: .uniform(.strictSerializable)),
    Course(
      name: "optimistic", kind: .listAppend, choices: strict(.optimistic),
      model: .uniform(.strictSerializable)),
    Course(
      name: "serializable snapshots", kind: .listAppend, choices: strict(.serializableSnapshot),
      model: .uniform(.strictSerializable)),
    Course(
      name: "all three", kind: .listAppend,
      choices: strict(.twoPhaseLocking, .optimistic, .serializableSnapshot),
      model: .uniform(.strictSerializable)),
    Course(
      name: "all three, registers", kind: .register, choices: HistoryWorkload.Choice.serializable,
      model: .uniform(.serializable)),
    Course(
      name: "all three with little memory", kind: .listAppend,
      choices: strict(.twoPhaseLocking, .optimistic, .serializableSnapshot),
      model: .uniform(.strictSerializable), conflictBudget: 1 << 16, keyCount: 30),
    Course(
      name: "impatient", kind: .listAppend,
      choices: strict(.twoPhaseLocking, .optimistic, .serializableSnapshot),
      model: .uniform(.strictSerializable), lockTimeout: .zero, keyCount: 3),
    Course(
      name: "every level", kind: .listAppend, choices: HistoryWorkload.Choice.all, model: .mixed),
  ]

  #if DEBUG
    private static let transactionsPerCourse = 3_000
    private static let roundCount = 1
  #else
    private static let transactionsPerCourse = 25_000
    private static let roundCount = 5
  #endif

  /// What the courses have shown together.
  private struct Tally {
    var edges: [DependencyKind: Int] = [:]
    var causes: [String: UInt64] = [:]
    var committed = 0
    var transactions = 0
  }

  @Test func `keep what their levels promise, and meet often enough to show it`() throws {
    var tally = Tally()
    for course in Self.courses {
      for round in 0..<Self.roundCount {
        let seed = Seed.take(for: "\(course), round \(round)")
        let (report, statistics) = try Self.run(course, seed: seed)
        #expect(
          report.isValid,
          "\(course), seed \(seed): \(report.examples.filter(\.isForbidden).prefix(2))")
        for (kind, count) in report.edges { tally.edges[kind, default: 0] += count }
        for (cause, count) in statistics.abortCauses { tally.causes[cause, default: 0] += count }
        tally.committed += report.outcomes[.ok] ?? 0
        tally.transactions += Self.transactionsPerCourse
      }
    }
    print(
      "\(tally.transactions) transactions, \(tally.committed) committed; edges: "
        + tally.edges.map { "\($0.key) \($0.value)" }.sorted().joined(separator: ", ")
        + "; aborts: "
        + tally.causes.map { "\($0.key) \($0.value)" }.sorted().joined(separator: ", "))
    // A test that meets nothing shows nothing.
    let scale = tally.transactions / 50_000
    for kind in [DependencyKind.write, .read, .antiDependency, .predicateAntiDependency] {
      #expect((tally.edges[kind] ?? 0) >= 50 * scale, "too few edges \(kind)")
    }
    #if !DEBUG
      for kind in [DependencyKind.write, .read, .antiDependency, .predicateAntiDependency] {
        #expect((tally.edges[kind] ?? 0) >= 1_000, "too few edges \(kind)")
      }
      for cause in [
        AbortExplanation.Cause.firstUpdaterWins, .pivot, .readerOfPivot, .staleRead, .deadlock,
        .lockTimeout,
      ] {
        #expect((tally.causes[cause.rawValue] ?? 0) >= 100, "too few aborts by \(cause)")
      }
    #endif
  }

  @Test func `show write skew in the same work at snapshot isolation`() throws {
    var skews = 0
    for round in 0..<20 where skews == 0 {
      let course = Course(
        name: "snapshot", kind: .listAppend, choices: [.init(.snapshot)],
        model: .uniform(.serializable))
      let (report, _) = try Self.run(course, seed: Seed.take(for: "snapshot, round \(round)"))
      skews += report.anomalies.values.filter { $0.kind == .itemAntiDependencyCycle }
        .reduce(0) { $0 + $1.forbidden }
    }
    #expect(skews > 0)
  }

  private static func run(_ course: Course, seed: UInt64) throws -> (HistoryReport, Statistics) {
    let database = try Database.inMemory(
      configuration: Configuration(
        lockTimeout: course.lockTimeout, conflictBudget: course.conflictBudget))
    defer { try? database.close() }
    let workload = HistoryWorkload(
      course.kind, seed: seed, keyCount: course.keyCount, operationLimit: 5, scanFraction: 0.25,
      writesPerKey: 20, choices: course.choices)
    let history = try HistoryRecorder(
      workload, threadCount: 4, transactionLimit: transactionsPerCourse, durability: .relaxed,
      isInterleaved: true
    ).record(on: database)
    return (try HistoryChecker(course.model).check(history), database.statistics)
  }
}
