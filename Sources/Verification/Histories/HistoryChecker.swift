/// Decides from a history alone whether the transactions could have run as a model promises.
///
/// The naive way, to look for an order of the transactions that explains every answer, takes time
/// exponential in their number. The way taken is Elle's (Kingsbury and Alvaro, VLDB 2020): choose
/// operations whose answers tell which write they saw and what was before it, infer from them the
/// dependencies of Adya (1999), and search the graph for cycles. What is inferred is certain, so
/// what is reported has happened. The converse holds as far as reads are complete: a list that is
/// read once at the end leaves nothing open, registers written blindly leave much open.
///
/// A transaction of unknown outcome counts as committed as far as somebody saw its writes.
///
/// - Complexity: linear in the micro-operations and edges but for one sort of the events.
public struct HistoryChecker: Sendable {
  /// Against what to check.
  public var model: HistoryModel
  /// Look for cycles with edges of real time also when the model does not forbid them.
  public var reportsRealTime = false
  /// Count the order of each process as binding, as sessions do.
  public var countsProcessOrder = false
  /// The money in the accounts of a bank history; nil for what its first transaction wrote.
  public var total: Int?

  /// A checker for a model.
  public init(_ model: HistoryModel) { self.model = model }

  /// Checks a history.
  ///
  /// - Parameter progress: called now and then with what is being done.
  /// - Throws: `HistoryError` when the history cannot be judged: a value written twice, a key that
  ///   is both list and register.
  public func check(
    _ history: History, progress: (String) -> Void = { _ in }
  ) throws(HistoryError) -> HistoryReport {
    let log = FindingLog(judge: HistoryJudge(model, history))
    progress("inferring dependencies")
    var edges: [Dependency] = []
    try infer(history, &edges, log)
    if needsRealTime { edges += EventOrder.realTime(history) }
    if countsProcessOrder { edges += EventOrder.processes(history) }
    var counts: [DependencyKind: Int] = [:]
    for kind in DependencyKind.allCases { counts[kind] = edges.count { $0.kind == kind } }
    progress("searching cycles")
    let graph = DependencyGraph(nodeCount: history.transactions.count, edges)
    edges = []
    AnomalySurvey(
      graph: graph, log: log,
      looksAtRealTime: needsRealTime && (reportsRealTime || model != .mixed),
      countsProcessOrder: countsProcessOrder
    ).run()
    return report(history, counts, log)
  }

  private var needsRealTime: Bool {
    reportsRealTime || model == .uniform(.strictSerializable) || model == .mixed
  }

  private func infer(
    _ history: History, _ edges: inout [Dependency], _ log: FindingLog
  ) throws(HistoryError) {
    var bank: [(number: Int, HistoryTransaction)] = []
    var forks: [(number: Int, HistoryTransaction)] = []
    var rest = history
    for (number, transaction) in history.transactions.enumerated() {
      if transaction.function == BankInvariant.function {
        bank.append((number, transaction))
        rest.transactions[number].operations = []
      } else if transaction.function == LongForkInvariant.function {
        forks.append((number, transaction))
      }
    }
    BankInvariant.run(bank, total: total, log)
    LongForkInvariant.run(forks, log)
    let index = try WriteIndex(rest)
    ListInference.run(rest, index, &edges, log)
    RegisterInference.run(rest, index, &edges, log)
  }

  private func report(
    _ history: History, _ edges: [DependencyKind: Int], _ log: FindingLog
  ) -> HistoryReport {
    var outcomes: [HistoryTransaction.Outcome: Int] = [:]
    var kinds: [String: [HistoryTransaction.Outcome: Int]] = [:]
    var aborts: [String: Int] = [:]
    for transaction in history.transactions {
      outcomes[transaction.outcome, default: 0] += 1
      let kind = "\(transaction.level?.rawValue ?? "-") \(transaction.concurrencyProtocol ?? "-")"
      kinds[kind, default: [:]][transaction.outcome, default: 0] += 1
      if transaction.outcome == .fail { aborts[transaction.error ?? "-", default: 0] += 1 }
    }
    let examples = log.examples.filter(\.isForbidden) + log.examples.filter { !$0.isForbidden }
    return HistoryReport(
      model: model, operationCount: history.operationCount, outcomes: outcomes, kinds: kinds,
      aborts: aborts, edges: edges, anomalies: log.counts, examples: examples)
  }
}
