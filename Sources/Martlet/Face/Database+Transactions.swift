public import Primitives
internal import Environment

/// What a transaction returned, and when it was committed.
public struct Committed<Value> {
  /// What the closure returned.
  public let value: Value
  /// The moment of the commit; nil when nothing was written.
  public let timestamp: Timestamp?

  @inlinable
  init(value: Value, timestamp: Timestamp?) {
    self.value = value
    self.timestamp = timestamp
  }
}

extension Committed: Sendable where Value: Sendable {}

extension Database {
  /// Runs a read-write transaction and commits it: when this returns, the commit is as durable as
  /// its grade promises.
  ///
  /// When another transaction interferes, it is rolled back and run again, with growing pauses, as
  /// `retry` allows; a victim of certification runs under two-phase locking from the fourth attempt
  /// on.
  /// - Parameters:
  ///   - isolation: what it may see of others.
  ///   - using: how a serializable transaction is kept apart; the configuration's choice when nil.
  ///   - durability: what the commit survives; the database's own grade when nil.
  ///   - retry: how often, and how long, it is tried again.
  ///   - limit: how long it may take from this call on: then it is rolled back, with
  ///     `deadlineExceeded`, where it waits for a thread, a lock or its turn to try again, or when it
  ///     is about to commit. From there on the commit stands, and its flush is waited for; the body
  ///     itself is not interrupted between its operations' waits.
  ///   - label: what to call it in ``Statistics``, events and traces: a literal, since it names a
  ///     place in the program and not its data.
  ///   - body: what to do; runs once for each attempt.
  /// - Returns: what the closure returned.
  /// - Throws: what the closure throws, or a `DatabaseError`; the transaction is rolled back. After
  ///   `commitUnknown` its fate is known when the database is reopened.
  @discardableResult
  @inlinable
  public func write<Result>(
    isolation: IsolationLevel = .snapshot, using: TransactionProtocol? = nil,
    durability: Durability? = nil, retry: RetryPolicy = .automatic, within limit: Duration? = nil,
    label: StaticString? = nil, _ body: (borrowing Transaction) throws -> Result
  ) throws -> Result {
    try transact(
      isolation: isolation, using: using, durability: durability, retry: retry, within: limit,
      label: label, body
    ).value
  }

  /// As `write`, and tells the timestamp of the commit.
  @inlinable
  public func transact<Result>(
    isolation: IsolationLevel = .snapshot, using: TransactionProtocol? = nil,
    durability: Durability? = nil, retry: RetryPolicy = .automatic, within limit: Duration? = nil,
    label: StaticString? = nil, _ body: (borrowing Transaction) throws -> Result
  ) throws -> Committed<Result> {
    var result: Result?
    let timestamp = try run(isolation, using, durability, retry, limit, label) {
      result = try body($0)
    }
    guard let result else { preconditionFailure("a transaction without a run of its body") }
    return Committed(value: result, timestamp: timestamp)
  }

  /// What is not generic of a transaction: the whole of it but its result.
  @usableFromInline
  func run(
    _ isolation: IsolationLevel, _ using: TransactionProtocol?, _ durability: Durability?,
    _ retry: RetryPolicy, _ limit: Duration?, _ label: StaticString?,
    _ body: (borrowing Transaction) throws -> Void
  ) throws -> Timestamp? {
    try engine.enter()
    defer { engine.leave() }
    let options = try engine.options(
      isolation, using, durability: durability, retry: retry, end: engine.end(within: limit),
      label: label, cancellation: nil)
    let outcome = try engine.run(options, body)
    try engine.acknowledge(outcome)
    return outcome.receipt?.timestamp
  }

  /// Runs a read-only transaction over one snapshot.
  ///
  /// Up to `.snapshot` it takes no locks, waits for nobody, and no writer ever aborts it. What it
  /// shows was true at one moment; with writers that are serializable among themselves that moment
  /// may still be one that no serial order has (the read-only anomaly). At `.serializable` and above
  /// it is certified against them: at once where nobody who could make it so is running, else at
  /// the end, and then, rarely, it runs again. Levels below `.snapshot` are served by a snapshot.
  /// - Parameters:
  ///   - isolation: `.snapshot`, or `.serializable` and above.
  ///   - deferrable: whether to wait, up to `Configuration.lockTimeout`, for a snapshot of which it
  ///     is certain beforehand that it needs no second attempt (rule S13).
  ///   - retry: how often, and how long, it is tried again.
  ///   - limit: how long it may take from this call on, where it has to wait: for a thread, for a
  ///     safe snapshot, for its turn to try again. Then it throws `deadlineExceeded`.
  ///   - label: what to call it in ``Statistics``, events and traces: a literal, since it names a
  ///     place in the program and not its data.
  ///   - body: what to do; runs once for each attempt.
  /// - Throws: what the closure throws, or a `DatabaseError`.
  @inlinable
  public func read<Result>(
    isolation: IsolationLevel = .snapshot, deferrable: Bool = false,
    retry: RetryPolicy = .automatic, within limit: Duration? = nil, label: StaticString? = nil,
    _ body: (borrowing Snapshot) throws -> Result
  ) throws -> Result {
    if isolation > .snapshot { return try readCertified(deferrable, retry, limit, label, body) }
    let context = try beginRead(label)
    let result: Result
    do { result = try body(Snapshot(context: context)) } catch {
      try? endRead(context)
      throw error
    }
    try endRead(context)
    return result
  }

  @usableFromInline
  func readCertified<Result>(
    _ isDeferrable: Bool, _ retry: RetryPolicy, _ limit: Duration?, _ label: StaticString?,
    _ body: (borrowing Snapshot) throws -> Result
  ) throws -> Result {
    try engine.enter()
    defer { engine.leave() }
    return try SnapshotRunner(
      engine: engine, isDeferrable: isDeferrable, retry: retry, end: engine.end(within: limit),
      cancellation: nil, label: label
    ).run(body)
  }

  /// Begins a snapshot; ended by `endRead`.
  @usableFromInline
  func beginRead(_ label: StaticString?) throws(DatabaseError) -> ReadContext {
    try engine.enter()
    return engine.beginRead(label: label)
  }

  @usableFromInline
  func endRead(_ context: ReadContext) throws(DatabaseError) {
    defer { engine.leave() }
    try engine.endRead(context)
  }
}

extension Engine {
  /// What a caller asks of a read-write transaction.
  func options(
    _ isolation: IsolationLevel, _ wish: TransactionProtocol?, durability: Durability?,
    retry: RetryPolicy, end: UInt64? = nil, label: StaticString? = nil,
    cancellation: CancellationFlag?
  ) throws(DatabaseError) -> TransactionOptions {
    TransactionOptions(
      isolation: isolation, control: try protocols.resolve(isolation, wish),
      durability: durability ?? configuration.durability, retry: retry, end: end,
      cancellation: cancellation, label: label)
  }
}
