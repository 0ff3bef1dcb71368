/// What a checker found in a history: anomalies, and how much there was to find them in.
public struct HistoryReport: Sendable, Equatable {
  /// Against what it was checked.
  public let model: HistoryModel
  /// Micro-operations of all transactions.
  public let operationCount: Int
  /// Transactions by outcome.
  public let outcomes: [HistoryTransaction.Outcome: Int]
  /// Committed transactions by level and protocol, as `level protocol`; `-` for what is not told.
  public let kinds: [String: [HistoryTransaction.Outcome: Int]]
  /// Failed transactions by their error.
  public let aborts: [String: Int]
  /// Edges by kind. Those of real time are the transitive reduction.
  public let edges: [DependencyKind: Int]
  /// How often each anomaly was found, by name, whether it is forbidden or not.
  public let anomalies: [String: AnomalyCount]
  /// The first of each, those that are forbidden first.
  public let examples: [Anomaly]

  /// Whether the history is one that the model allows.
  public var isValid: Bool { anomalies.values.allSatisfy { $0.forbidden == 0 } }
}
