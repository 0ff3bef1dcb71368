internal import Environment
internal import Primitives
internal import Synchronization

/// Runs the body of a read-write transaction, again after an abort that a retry may cure.
struct TransactionRunner {
  let engine: Engine
  let durability: Durability
  let retry: RetryPolicy
  let cancellation: CancellationFlag?

  /// What a successful attempt leaves to be done: the wait for durability.
  struct Outcome {
    /// Nil when nothing was written.
    let receipt: CommitReceipt?
    let durability: Durability
    /// Where the newest commit that the transaction can have read ends in the log.
    let horizon: LogPosition

    /// Waits until the commit, or what was read, is as durable as promised (rule L9).
    func awaitDurability(_ pipeline: CommitPipeline) throws(DatabaseError) {
      guard durability != .relaxed else { return }
      if let receipt {
        try pipeline.awaitDurability(receipt, durability)
      } else {
        try pipeline.makeDurable(through: horizon, durability)
      }
    }
  }

  /// What a published transaction returned, and what is still to be done.
  struct Published<Value> {
    let value: Value
    let outcome: Outcome
  }

  func requireSupported(_ isolation: IsolationLevel) throws(DatabaseError) {
    guard isolation == .snapshot else {
      throw DatabaseError(
        .unsupportedIsolationLevel,
        "this version runs every write transaction at .snapshot; .\(isolation.rawValue) is not "
          + "available yet")
    }
  }

  /// Runs attempts until one is published. On return the transaction holds nothing any more.
  func run<Result>(_ body: (borrowing Transaction) throws -> Result) throws -> Published<Result> {
    let begin = engine.effects.time.monotonic()
    var attempt = 1
    while true {
      do {
        return try runOnce(body)
      } catch let error as Doomed {
        engine.counters.countAbort(error.cause.code)
        guard error.cause.isRetryable, mayRetry(after: attempt, since: begin) else {
          var cause = error.cause
          cause.attempts = attempt
          throw cause
        }
        engine.counters.retries.add(1, ordering: .relaxed)
        pause(afterAttempt: attempt)
        attempt += 1
      }
    }
  }

  /// The transaction aborted, whatever its closure then threw.
  private struct Doomed: Error { let cause: DatabaseError }

  private func runOnce<Result>(_ body: (borrowing Transaction) throws -> Result) throws
    -> Published<Result>
  {
    let state = engine.beginWrite(durability: durability, cancellation: cancellation)
    let value: Result
    do {
      value = try body(Transaction(state: state))
    } catch {
      let doom = state.doom
      let horizon = state.reads.horizon
      engine.endWrite(state)
      // What it read may not be durable, and its error may tell of it (rule L9).
      if durability != .relaxed { try engine.pipeline.makeDurable(through: horizon) }
      if let doom { throw Doomed(cause: doom) }
      throw error
    }
    let receipt: CommitReceipt?
    do {
      receipt = try state.publish()
    } catch {
      engine.endWrite(state)
      throw Doomed(cause: error)
    }
    let horizon = state.reads.horizon
    engine.endWrite(state)
    if receipt != nil { engine.checkpointer.noteCommit() }
    return Published(
      value: value, outcome: Outcome(receipt: receipt, durability: durability, horizon: horizon))
  }

  private func mayRetry(after attempt: Int, since begin: UInt64) -> Bool {
    guard attempt < retry.attemptLimit else { return false }
    if let cancellation, cancellation.isCancelled { return false }
    return engine.effects.time.monotonic() - begin < retry.timeLimit.nanoseconds
  }

  /// A jittered pause, so that rivals do not meet again at once.
  private func pause(afterAttempt attempt: Int) {
    let bound = retry.backOffBound(afterAttempt: attempt)
    let nanoseconds = engine.effects.entropy.next() % bound
    let ticket = engine.effects.waits.makeTicket()
    _ = engine.effects.waits.park(
      ticket, until: engine.effects.time.monotonic() + nanoseconds)
  }
}
