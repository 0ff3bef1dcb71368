package import Primitives
internal import Environment

/// A read-write transaction that is not bound to a closure: for whoever takes several through their
/// steps in turn, as test harnesses do. Never retried; used by one thread at a time.
///
/// - Invariant OT1: `commit` or `rollback` ends it exactly once; an operation that aborts it leaves
///   `rollback` to be called.
package final class OpenTransaction {
  private let engine: Engine
  private let options: TransactionOptions
  private var state: TransactionState?
  package let id: TransactionID

  init(engine: Engine, options: TransactionOptions) throws {
    try engine.enter()
    self.engine = engine
    self.options = options
    let state = engine.beginWrite(options, control: options.control)
    self.state = state
    id = state.id
  }

  deinit { rollback() }

  private var running: TransactionState {
    guard let state else { preconditionFailure("OT1: the transaction has ended") }
    return state
  }

  /// Whether neither `commit` nor `rollback` was called.
  package var isOpen: Bool { state != nil }

  /// Runs operations of the transaction.
  package func run<Result>(_ body: (borrowing Transaction) throws -> Result) throws -> Result {
    try body(Transaction(state: running))
  }

  /// Commits, and waits until that is as durable as promised. The timestamp is nil when nothing was
  /// written. After a throw the transaction is over as well.
  package func commit() throws -> Timestamp? {
    let state = running
    defer { engine.leave() }
    self.state = nil
    let receipt: CommitReceipt?
    do { receipt = try state.publish() } catch {
      engine.endWrite(state)
      engine.counters.countAbort(error)
      throw error
    }
    let horizon = state.reads.horizon
    engine.endWrite(state)
    if receipt != nil { engine.checkpointer.noteCommit() }
    try TransactionOutcome(
      receipt: receipt, durability: options.durability, horizon: horizon, timed: nil
    ).awaitDurability(engine.pipeline)
    return receipt?.timestamp
  }

  /// Rolls back; nothing when it is over.
  package func rollback() {
    guard let state else { return }
    self.state = nil
    if let doom = state.doom { engine.counters.countAbort(doom) }
    engine.endWrite(state)
    engine.leave()
  }
}

extension Database {
  /// Begins a transaction that is not bound to a closure.
  ///
  /// - Parameter lockTimeout: how long one wait for a lock may take; `.zero`: an operation that would
  ///   have to wait throws `lockTimeout` instead.
  package func open(
    isolation: IsolationLevel, using: TransactionProtocol? = nil,
    durability: Durability? = nil, lockTimeout: Duration? = nil
  ) throws -> OpenTransaction {
    var options = try engine.options(
      isolation, using, durability: durability, retry: .never, cancellation: nil)
    options.lockTimeout = lockTimeout
    return try OpenTransaction(engine: engine, options: options)
  }

  /// The transactions that wait for a lock now.
  package var waitingTransactions: Set<TransactionID> { engine.locks.waiting }
}
