public import Primitives
internal import Environment

/// What a transaction returned, and when it was committed.
public struct Committed<Value> {
  /// What the closure returned.
  public let value: Value
  /// The moment of the commit; nil when nothing was written.
  public let timestamp: Timestamp?
}

extension Committed: Sendable where Value: Sendable {}

extension Database {
  /// Runs a read-write transaction and commits it: when this returns, the commit is as durable as
  /// its grade promises.
  ///
  /// The closure sees one snapshot and its own writes. When another transaction interferes, it is
  /// rolled back and run again, with growing pauses, as `retry` allows.
  /// - Parameters:
  ///   - isolation: what it may see of others; this version offers `.snapshot`.
  ///   - durability: what the commit survives; the database's own grade when nil.
  ///   - retry: how often, and how long, it is tried again.
  ///   - body: what to do; runs once for each attempt.
  /// - Returns: what the closure returned.
  /// - Throws: what the closure throws, or a `DatabaseError`; the transaction is rolled back. After
  ///   `commitUnknown` its fate is known when the database is reopened.
  @discardableResult
  public func write<Result>(
    isolation: IsolationLevel = .snapshot, durability: Durability? = nil,
    retry: RetryPolicy = .automatic, _ body: (borrowing Transaction) throws -> Result
  ) throws -> Result {
    try transact(isolation: isolation, durability: durability, retry: retry, body).value
  }

  /// As `write`, and tells the timestamp of the commit.
  public func transact<Result>(
    isolation: IsolationLevel = .snapshot, durability: Durability? = nil,
    retry: RetryPolicy = .automatic, _ body: (borrowing Transaction) throws -> Result
  ) throws -> Committed<Result> {
    try engine.enter()
    defer { engine.leave() }
    let runner = TransactionRunner(
      engine: engine, durability: durability ?? engine.configuration.durability, retry: retry,
      cancellation: nil)
    try runner.requireSupported(isolation)
    let published = try runner.run(body)
    try published.outcome.awaitDurability(engine.pipeline)
    return Committed(value: published.value, timestamp: published.outcome.receipt?.timestamp)
  }

  /// Runs a read-only transaction over one snapshot.
  ///
  /// It takes no locks, and no writer ever aborts it.
  /// - Throws: what the closure throws, or a `DatabaseError`.
  public func read<Result>(_ body: (borrowing Snapshot) throws -> Result) throws -> Result {
    try engine.enter()
    defer { engine.leave() }
    let context = engine.beginRead()
    let result: Result
    do { result = try body(Snapshot(context: context)) } catch {
      try? engine.endRead(context)
      throw error
    }
    try engine.endRead(context)
    return result
  }

  /// The transactions that wait for a lock at this moment: for who must know without guessing from
  /// time.
  package var waitingTransactions: Set<TransactionID> { engine.locks.waitingTransactions }
}
