/// Collects contradictions: counts all, judges all, and keeps the first of each kind.
final class FindingLog {
  static let exampleLimit = 10

  let judge: HistoryJudge
  private(set) var counts: [String: AnomalyCount] = [:]
  private(set) var examples: [Anomaly] = []

  init(judge: HistoryJudge) { self.judge = judge }

  func add(
    _ kind: AnomalyKind, wronged: [Int], others: [Int] = [], key: Int? = nil,
    _ detail: @autoclosure () -> String
  ) {
    let finding = Finding(
      kind: kind, wronged: wronged, others: others, key: key,
      detail: isKept(kind.rawValue, false) || isKept(kind.rawValue, true) ? detail() : "")
    record(Anomaly(finding, isForbidden: judge.forbids(finding)))
  }

  func record(_ anomaly: Anomaly) {
    if isKept(anomaly.name, anomaly.isForbidden) { examples.append(anomaly) }
    counts[anomaly.name, default: AnomalyCount(kind: anomaly.kind)].add(anomaly.isForbidden)
  }

  /// Forbidden ones have a number of examples of their own: those that are allowed may be many.
  private func isKept(_ name: String, _ isForbidden: Bool) -> Bool {
    guard let count = counts[name] else { return true }
    let kept = isForbidden ? count.forbidden : count.found - count.forbidden
    return kept < Self.exampleLimit
  }
}

/// How often a kind of anomaly was found.
public struct AnomalyCount: Sendable, Equatable {
  /// The kind.
  public let kind: AnomalyKind
  /// How often; of cycles, in how many knots of transactions.
  public private(set) var found = 0
  /// How often the model forbids it.
  public private(set) var forbidden = 0

  init(kind: AnomalyKind) { self.kind = kind }

  mutating func add(_ isForbidden: Bool) {
    found += 1
    if isForbidden { forbidden += 1 }
  }
}

/// Says whether an anomaly is forbidden.
struct HistoryJudge: Sendable {
  let model: HistoryModel
  /// The level of each transaction, for mixed histories.
  let levels: [ConsistencyModel]

  /// A history with a transaction whose level is not told is judged as serializable there.
  init(_ model: HistoryModel, _ history: History) {
    self.model = model
    levels =
      model == .mixed ? history.transactions.map { $0.level ?? .serializable } : []
  }

  func forbids(_ finding: Finding) -> Bool {
    switch model {
    case .uniform(let model): model.forbids(finding.kind)
    case .mixed:
      finding.wronged.count { levels[$0].forbids(finding.kind) } >= finding.wrongedCount
    }
  }

  /// Whether one model for all forbids a cycle; mixed histories have a search of their own.
  func forbids(_ cycle: [Dependency], countsProcessOrder: Bool) -> Bool {
    guard case .uniform(let model) = model else { return false }
    if cycle.contains(where: { $0.kind == .realTime }), model != .strictSerializable {
      return false
    }
    if cycle.contains(where: { $0.kind == .process }), !countsProcessOrder { return false }
    return model.forbids(Anomaly.kind(of: cycle))
  }

  /// The rules of rule M1, when each transaction has a level of its own.
  var mixedRules: BindingRules? { model == .mixed ? .each(levels.map { BindingRule($0) }) : nil }
}

/// Against what a history is checked.
public enum HistoryModel: Sendable, Equatable {
  /// The same for every transaction.
  case uniform(ConsistencyModel)
  /// For each transaction the level that it ran at: rule M1, Adya's mixing-correctness.
  case mixed
}
