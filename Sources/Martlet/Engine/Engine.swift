internal import BTreeIndex
internal import Environment
internal import Primitives
internal import RawBytes
internal import RedoLog
internal import Synchronization
internal import VersionStore

/// The composition root: one version store, one redo log, and what joins them.
///
/// - Invariant N1: the directory lock is held from before the first byte is read until after the
///   last is written (rule F8).
/// - Invariant N2: no transaction begins after `close` has begun, and `close` waits for those that
///   run.
// SENDABLE: mutable state is in Mutexes and atomics.
final class Engine: @unchecked Sendable {
  let id: DatabaseID
  let configuration: Configuration
  let effects: Effects
  let store: VersionStore
  let log: RedoLog
  let pipeline: CommitPipeline
  let locks: LockService
  let snapshotProtocol: SnapshotProtocol
  let checkpointer: Checkpointer
  let workers: TransactionWorkers
  let counters = EngineCounters()
  let maximumKeyByteCount: Int
  let maximumInlineByteCount: Int

  private let directoryLock: any FileLock
  private let nextTransaction: Atomic<UInt64>
  private let activity = Mutex(Activity())

  private struct Activity {
    var running = 0
    var isClosing = false
  }

  init(
    parts: EngineParts, configuration: Configuration, effects: Effects,
    directoryLock: any FileLock
  ) {
    id = parts.id
    self.configuration = configuration
    self.effects = effects
    self.directoryLock = directoryLock
    store = parts.store
    log = parts.log
    nextTransaction = Atomic(parts.nextTransaction.rawValue)
    maximumKeyByteCount = parts.store.maximumKeyByteCount
    maximumInlineByteCount = parts.store.maximumInlineByteCount
    pipeline = CommitPipeline(
      store: parts.store, log: parts.log, effects: effects, published: parts.published,
      clockFloor: parts.clockFloor)
    locks = LockService(effects: effects, timeout: configuration.lockTimeout)
    snapshotProtocol = SnapshotProtocol(locks: locks)
    checkpointer = Checkpointer(
      store: parts.store, log: parts.log, pipeline: pipeline, configuration: configuration,
      effects: effects)
    workers = TransactionWorkers(
      effects: effects, limit: configuration.asynchronousTransactionLimit)
    checkpointer.start { [unowned self] in transactionFloor }
  }

  // MARK: Transactions

  /// A number for a new transaction.
  func makeTransactionID() -> TransactionID {
    TransactionID(nextTransaction.wrappingAdd(1, ordering: .relaxed).oldValue)
  }

  /// Above every transaction that has written to the log.
  var transactionFloor: TransactionID { TransactionID(nextTransaction.load(ordering: .relaxed)) }

  /// Counts a transaction in, or says that the database is closed.
  func enter() throws(DatabaseError) {
    let isOpen = activity.withLock { state in
      if state.isClosing { return false }
      state.running += 1
      return true
    }
    guard isOpen else { throw DatabaseError(.closed, "the database was closed") }
  }

  func leave() { activity.withLock { $0.running -= 1 } }

  /// Begins a read-only snapshot at the acknowledged watermark.
  func beginRead(cancellation: CancellationFlag? = nil) -> ReadContext {
    let snapshot = store.beginSnapshot(.acknowledged)
    return ReadContext(
      engine: self, snapshot: snapshot, horizon: pipeline.acknowledgedPosition,
      cancellation: cancellation)
  }

  /// Ends a snapshot; answers only when what it can have seen is durable, unless the database
  /// promises no more than `relaxed`.
  func endRead(_ context: ReadContext) throws(DatabaseError) {
    store.endSnapshot(context.snapshot)
    if configuration.durability != .relaxed {
      try pipeline.makeDurable(through: context.horizon)
    }
  }

  /// Begins a read-write transaction at the published watermark.
  func beginWrite(durability: Durability, cancellation: CancellationFlag?) -> TransactionState {
    let snapshot = store.beginSnapshot(.published)
    let reads = ReadContext(
      engine: self, snapshot: snapshot, horizon: pipeline.publishedPosition,
      cancellation: cancellation)
    return TransactionState(
      id: makeTransactionID(), reads: reads, durability: durability, control: snapshotProtocol)
  }

  /// Frees the pages of a large value that was never committed.
  func discard(_ reference: OverflowReference) {
    do { try store.discard(reference) } catch {
      // The pages stay allocated until the database is reopened: they are in no checkpoint.
      effects.events.report(
        Event(.warning, "pages of an uncommitted large value could not be freed: \(error)"))
    }
  }

  // MARK: The end

  /// Waits for running transactions, writes a last checkpoint when one is due, stops the threads
  /// and lets go of the directory. Later calls do nothing.
  func close() throws(DatabaseError) {
    let isFirst = activity.withLock { state in
      defer { state.isClosing = true }
      return !state.isClosing
    }
    guard isFirst else { return }
    workers.close()
    var attempt = 0
    while activity.withLock({ $0.running > 0 }) {
      effects.waits.yield(attempt: attempt)
      attempt += 1
    }
    checkpointer.stop()
    var failure: DatabaseError?
    if !pipeline.isPoisoned && !store.isPoisoned {
      do { try checkpointer.runIfNeeded() } catch { failure = error }
    }
    do { try log.close(clock: pipeline.lastTimestamp) } catch { failure = failure ?? DatabaseError(error) }
    store.close()
    directoryLock.unlock()
    if let failure { throw failure }
  }
}

/// What opening a directory yields.
struct EngineParts {
  let id: DatabaseID
  let store: VersionStore
  let log: RedoLog
  /// The newest commit of the store.
  let published: Timestamp
  /// No timestamp at or below it is given again.
  let clockFloor: Timestamp
  let nextTransaction: TransactionID
}
