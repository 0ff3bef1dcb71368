/// What transactions were asked and what they answered, as their clients saw it: all that a
/// checker needs, and all that it may use.
///
/// A history is made of invocations and completions, numbered in the order of real time. Here each
/// pair is one `HistoryTransaction`. Keys and values are integers.
///
/// - Invariant HI1: a value is written to a key once at most (but for bank histories, which are
///   judged by their total), so that a read tells which write it saw.
public struct History: Sendable, Equatable {
  /// The transactions, in the order of their invocations.
  public var transactions: [HistoryTransaction]

  /// A history of transactions that are in the order of their invocations.
  public init(_ transactions: [HistoryTransaction] = []) { self.transactions = transactions }

  /// Micro-operations in all.
  public var operationCount: Int {
    transactions.reduce(0) { $0 + $1.operations.count }
  }
}

/// One transaction of a history: its invocation and its completion.
public struct HistoryTransaction: Sendable, Equatable {
  /// How it ended, as far as its client knows.
  public enum Outcome: String, Sendable, Hashable, CaseIterable {
    /// It committed.
    case ok
    /// It did not commit, for certain.
    case fail
    /// Nobody knows.
    case info
  }

  /// The logical thread that ran it; a thread takes a new number after an unknown outcome.
  public var process: Int
  /// How it ended.
  public var outcome: Outcome
  /// What it did, in order. Reads that never returned have no value.
  public var operations: [HistoryOperation]
  /// The place of its invocation in the order of events.
  public var invocationIndex: Int
  /// The place of its completion in the order of events; nil when it never completed.
  public var completionIndex: Int?
  /// When it was invoked, in nanoseconds.
  public var invocationTime: Int
  /// When it completed, in nanoseconds.
  public var completionTime: Int
  /// The level it ran at, when the history says so.
  public var level: ConsistencyModel?
  /// The protocol it ran under, when the history says so.
  public var concurrencyProtocol: String?
  /// Why it failed, or why nobody knows.
  public var error: String?
  /// What kind of transaction it is (`f` of Jepsen); nil for `txn`.
  public var function: String?

  /// A transaction.
  public init(
    process: Int, outcome: Outcome = .ok, _ operations: [HistoryOperation],
    invocationIndex: Int, completionIndex: Int?, invocationTime: Int = 0, completionTime: Int = 0,
    level: ConsistencyModel? = nil, concurrencyProtocol: String? = nil, error: String? = nil,
    function: String? = nil
  ) {
    self.process = process
    self.outcome = outcome
    self.operations = operations
    self.invocationIndex = invocationIndex
    self.completionIndex = completionIndex
    self.invocationTime = invocationTime
    self.completionTime = completionTime
    self.level = level
    self.concurrencyProtocol = concurrencyProtocol
    self.error = error
    self.function = function
  }
}
