import Foundation
import Seeds
import Testing
import Verification

extension SplitMix {
  mutating func below(_ bound: Int) -> Int { Int.random(in: 0..<bound, using: &self) }
}

/// A history under construction.
struct Story {
  var history = History()
  private var index = 0

  /// Whether transactions follow one another, or all are invoked before any completes.
  let isConcurrent: Bool

  init(concurrent: Bool = true) { isConcurrent = concurrent }

  @discardableResult
  mutating func add(
    outcome: HistoryTransaction.Outcome = .ok, level: ConsistencyModel? = nil,
    process: Int? = nil, function: String? = nil, _ operations: HistoryOperation...
  ) -> Int {
    let number = history.transactions.count
    let invocation = isConcurrent ? number : 2 * number
    history.transactions.append(
      HistoryTransaction(
        process: process ?? number, outcome: outcome, operations, invocationIndex: invocation,
        completionIndex: isConcurrent ? 1_000_000 + number : invocation + 1, level: level,
        error: outcome == .fail ? "writeConflict" : nil, function: function))
    return number
  }

  func report(_ model: HistoryModel = .uniform(.serializable)) throws -> HistoryReport {
    var checker = HistoryChecker(model)
    checker.reportsRealTime = !isConcurrent
    return try checker.check(history)
  }

  /// The names of everything found.
  func names() throws -> Set<String> { Set(try report().anomalies.keys) }

  func isValid(_ model: ConsistencyModel) throws -> Bool {
    try report(.uniform(model)).isValid
  }

  /// The weakest models that forbid it, those that a weaker one implies left out.
  func firstForbidden() throws -> [ConsistencyModel] {
    try ConsistencyModel.allCases.filter { try !isValid($0) }
  }
}

func append(_ key: Int, _ value: Int) -> HistoryOperation { .append(key: key, value: value) }
func write(_ key: Int, _ value: Int) -> HistoryOperation { .write(key: key, value: value) }
func list(_ key: Int, _ elements: Int...) -> HistoryOperation { .read(key: key, .list(elements)) }
func absent(_ key: Int) -> HistoryOperation { .read(key: key, .absent) }
func register(_ key: Int, _ value: Int) -> HistoryOperation { .read(key: key, .register(value)) }
func scan(_ range: Range<Int>, _ entries: [Int: [Int]]) -> HistoryOperation {
  .scan(
    lower: range.lowerBound, upper: range.upperBound,
    entries.sorted { $0.key < $1.key }.map { HistoryEntry($0.key, .list($0.value)) })
}
func scanRegisters(_ range: Range<Int>, _ entries: [Int: Int]) -> HistoryOperation {
  .scan(
    lower: range.lowerBound, upper: range.upperBound,
    entries.sorted { $0.key < $1.key }.map { HistoryEntry($0.key, .register($0.value)) })
}

extension HistoryReport {
  func edgeCount(_ kind: DependencyKind) -> Int { edges[kind] ?? 0 }
}
