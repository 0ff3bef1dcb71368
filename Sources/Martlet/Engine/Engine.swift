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
  let protocols: ProtocolTable
  let pendingWriters = PendingWriters()
  let checkpointer: Checkpointer
  let workers: TransactionWorkers
  let observation: ObservationRegistry
  let counters = EngineCounters()
  let builds = BuildNames()
  let collections = CollectionRegistry()
  let durableWatch: DurableWatch
  /// Held while a schema is opened or changed.
  let schemaTurn: TurnLock
  let queueClaims = QueueClaims()
  let directory: String
  let maximumKeyByteCount: Int
  /// Nanoseconds that a wait for a lock may take, unless a transaction says otherwise.
  let lockTimeout: UInt64
  /// Nanoseconds from which on a transaction is slow; the largest number: none is.
  let slowThreshold: UInt64
  let maximumInlineByteCount: Int

  private let sweeperReference = Mutex<ExpirySweeper?>(nil)
  let life: EngineLife
  let idleWatch: IdleWatch
  private let interruptions = Atomic<UInt64>(0)
  private let nextTransaction: Atomic<UInt64>
  private let readers = ObjectPool<ReadContext>()
  private let writers = ObjectPool<TransactionState>()
  let running = RunningTransactions()

  init(
    parts: EngineParts, directory: String, configuration: Configuration, effects: Effects,
    directoryLock: any FileLock
  ) {
    id = parts.id
    self.directory = directory
    self.configuration = configuration
    self.effects = effects
    life = EngineLife(lock: directoryLock)
    store = parts.store
    log = parts.log
    nextTransaction = Atomic(parts.nextTransaction.rawValue)
    lockTimeout = configuration.lockTimeout.nanoseconds
    slowThreshold = configuration.slowTransactionThreshold?.nanoseconds ?? .max
    idleWatch = IdleWatch(
      threshold: configuration.idleTransactionThreshold, events: effects.events)
    maximumKeyByteCount = parts.store.maximumKeyByteCount
    maximumInlineByteCount = parts.store.maximumInlineByteCount
    workers = TransactionWorkers(
      effects: effects, limit: configuration.asynchronousTransactionLimit)
    observation = ObservationRegistry(store: parts.store, workers: workers.observers)
    pipeline = CommitPipeline(
      store: parts.store, log: parts.log, effects: effects, published: parts.published,
      clockFloor: parts.clockFloor, conflictBudget: configuration.conflictBudget,
      observation: observation)
    locks = LockService(effects: effects, byteBudget: configuration.lockBudget)
    schemaTurn = TurnLock(waits: effects.waits)
    protocols = ProtocolTable(configuration)
    checkpointer = Checkpointer(
      store: parts.store, log: parts.log, pipeline: pipeline, directory: directory,
      configuration: configuration, effects: effects)
    durableWatch = DurableWatch(log: parts.log, effects: effects)
    checkpointer.start(
      transactionFloor: { [unowned self] in transactionFloor },
      looking: idleWatch.interval, { [unowned self] in lookForIdle() })
    if store.expiries.isInUse { sweeper.start() }
  }

  /// Entries that the sweeper has removed.
  var expiredRemovalCount: UInt64 { sweeperReference.withLock { $0?.removedCount ?? 0 } }

  /// Removes what has expired.
  var sweeper: ExpirySweeper {
    sweeperReference.withLock { sweeper in
      if let sweeper { return sweeper }
      let made = ExpirySweeper(engine: self)
      sweeper = made
      return made
    }
  }

  // MARK: Transactions

  /// A number for a new transaction.
  func makeTransactionID() -> TransactionID {
    TransactionID(nextTransaction.wrappingAdd(1, ordering: .relaxed).oldValue)
  }

  /// Above every transaction that has written to the log.
  var transactionFloor: TransactionID { TransactionID(nextTransaction.load(ordering: .relaxed)) }

  /// The transaction in whose body the calling thread is.
  var currentTransaction: TransactionID? {
    ThreadOccupation.number(of: self).map { TransactionID($0) }
  }

  /// Runs the body of a transaction, so that one begun inside it is known to be (rule L8).
  func whileCurrent(_ transaction: TransactionID, _ body: () throws -> Void) rethrows {
    try ThreadOccupation.with(transaction.rawValue, of: self, body)
  }

  /// Counts a transaction in, or says that the database is closed.
  func enter() throws(DatabaseError) {
    guard running.enter() else { throw life.refusal }
  }

  /// What every operation holds against what its use began with. The lower half is `suspension`; the
  /// upper half counts the questions of the idle watch.
  @inline(__always)
  var interruption: UInt64 { interruptions.load(ordering: .relaxed) }

  /// Odd while whatever runs is interrupted; else twice the number of suspensions that did so. A use
  /// remembers the even number at its begin, so that one which began too late is interrupted as well.
  var suspension: UInt32 { UInt32(truncatingIfNeeded: interruption) }

  /// Looks who has done nothing since the last look, and asks again. False when there is nobody.
  private func lookForIdle() -> Bool {
    let isAnybodyThere = idleWatch.look(
      store.openSnapshots, waiting: locks.waiting, now: effects.time.monotonic())
    if isAnybodyThere { interruptions.wrappingAdd(1 << 32, ordering: .relaxed) }
    return isAnybodyThere
  }

  /// Ends all transactions that run: their next call throws, and none of them commits.
  func interrupt() {
    interruptions.wrappingAdd(1, ordering: .sequentiallyConsistent)
    locks.withdrawAll()
  }

  /// Lets transactions begin again; those that were interrupted stay so.
  func endInterruption() {
    if suspension & 1 == 1 { interruptions.wrappingAdd(1, ordering: .sequentiallyConsistent) }
  }

  /// Counts the engine's own work in like a transaction; false when no more may begin.
  func enterQuietly() -> Bool { running.enter() }

  func leave() { running.leave() }

  /// Begins a read-only snapshot at a watermark.
  func beginRead(
    _ kind: SnapshotKind = .acknowledged, transaction: TransactionID = TransactionID(0),
    label: StaticString? = nil, cancellation: CancellationFlag? = nil
  ) -> ReadContext {
    // Without a name it is not timed: a look at a clock would be a good part of a small read.
    var owner: SnapshotOwner?
    if label != nil || transaction.rawValue != 0 {
      owner = SnapshotOwner(transaction: transaction, label: label, begun: effects.time.coarse())
    }
    let snapshot = store.beginSnapshot(kind, for: owner)
    let context = readers.take() ?? ReadContext(engine: self, snapshot: snapshot)
    let horizon =
      kind == .acknowledged ? pipeline.acknowledgedPosition : pipeline.publishedPosition
    context.begin(snapshot, horizon: horizon, cancellation: cancellation, owner: owner)
    return context
  }

  /// Ends a snapshot; answers only when what it can have seen is durable, unless the database
  /// promises no more than `relaxed`.
  func endRead(_ context: ReadContext) throws(DatabaseError) {
    let horizon = release(context)
    if configuration.durability != .relaxed { try pipeline.makeDurable(through: horizon) }
  }

  /// Ends a snapshot without waiting. Returns how far the log must be durable before anything is told
  /// of what it showed.
  func release(_ context: ReadContext) -> LogPosition {
    store.endSnapshot(context.snapshot)
    let horizon = context.horizon
    let owner = context.owner
    readers.put(context)
    if let owner { noteRead(owner) }
    return horizon
  }

  /// Begins a read-write transaction at the published watermark.
  func beginWrite(
    _ options: TransactionOptions, control: any ConcurrencyProtocol, timesVictim: Int = 0,
    deadline: LockRequester.Deadline? = nil
  ) -> TransactionState {
    let id = makeTransactionID()
    // Followed first, so that the snapshot misses nothing that the history does not know (O2).
    let tracking = control.certification.role.flatMap { pipeline.beginTracking(id, as: $0) }
    let owner = SnapshotOwner(
      transaction: id, label: options.label, begun: effects.time.coarse())
    let snapshot = store.beginSnapshot(.published, for: owner)
    if let tracking { pipeline.setSnapshot(snapshot.timestamp, of: tracking) }
    let state = writers.take() ?? makeTransactionState(snapshot)
    state.reads.begin(
      snapshot, horizon: pipeline.publishedPosition, cancellation: options.cancellation,
      owner: owner, notesReads: control.certification.notesReads)
    state.begin(
      LockRequester(
        transaction: id, timesVictim: timesVictim, enclosing: currentTransaction,
        timeout: options.lockTimeout?.nanoseconds ?? lockTimeout, deadline: deadline,
        end: options.end, cancellation: options.cancellation),
      level: options.isolation, durability: options.durability, control: control,
      tracking: tracking)
    return state
  }

  private func makeTransactionState(_ snapshot: StoreSnapshot) -> TransactionState {
    let state = TransactionState(
      reads: ReadContext(engine: self, snapshot: snapshot), control: protocols.escalated())
    pendingWriters.add(state)
    return state
  }

  /// Ends a read-write transaction, whatever became of it.
  ///
  /// - Returns: nanoseconds that it waited for locks.
  @discardableResult
  func endWrite(_ state: TransactionState) -> UInt64 {
    let waited = state.finish()
    if let discarded = writers.put(state) { pendingWriters.remove(discarded) }
    return waited
  }

  /// Frees the pages of a large value that was never committed.
  func discard(_ reference: OverflowReference) {
    do { try store.discard(reference) } catch {
      // The pages stay allocated until the database is reopened: they are in no checkpoint.
      effects.events.report(
        Event(
          .warning, kind: .background,
          "pages of an uncommitted large value could not be freed: \(error)"))
    }
  }

  // MARK: The end

  /// Waits for running transactions, writes a last checkpoint when one is due, stops the threads
  /// and lets go of the directory. Later calls do nothing.
  func close() throws(DatabaseError) {
    guard beginClosing() else { return }
    durableWatch.close()
    observation.close()
    workers.close()
    sweeperReference.withLock { $0 }?.stop()
    var attempt = 0
    while !running.isEmpty {
      effects.waits.yield(attempt: attempt)
      attempt += 1
    }
    sweeperReference.withLock { $0 }?.join()
    collections.close()
    checkpointer.stop()
    var failure: DatabaseError?
    if !pipeline.isPoisoned && !store.isPoisoned {
      do { try checkpointer.runIfNeeded() } catch { failure = error }
    }
    do { try log.close(clock: pipeline.lastTimestamp) } catch {
      failure = failure ?? DatabaseError(error)
    }
    store.close()
    life.unlock()
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
  /// A keyspace that is there, and of which no record tells yet (`KeyspaceReset`).
  var unfinishedBuild: KeyspaceReset?
}
