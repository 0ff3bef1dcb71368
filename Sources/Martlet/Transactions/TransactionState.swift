internal import BTreeIndex
internal import ConcurrencyControl
internal import Primitives
internal import RawBytes
internal import VersionStore

/// The state of one running read-write transaction: what it sees, what it wrote, and whether it is
/// doomed.
///
/// Used by one thread at a time, and again by the next transaction of the thread.
///
/// - Invariant X1: once doomed, every operation throws the same error, and commit refuses, even if
///   the closure swallowed the error.
/// - Invariant X2: nothing of it is visible to anybody before the commit pipeline has ordered it.
/// - Invariant X3: `finish` is called exactly once; afterwards no lock, snapshot, large value or log
///   retention of the transaction is left.
@safe
@usableFromInline
final class TransactionState {
  private(set) var id = TransactionID(0)
  let reads: ReadContext
  private(set) var durability = Durability.full
  private(set) var control: any ConcurrencyProtocol
  private(set) var level = IsolationLevel.snapshot
  /// Held while the write set changes, and by whoever looks at it from another thread.
  private let pendingLatch = ShortMutex(())
  private(set) var writes = WriteSet()
  /// Whether the keys written so far are locked, so that dirty readers may see them.
  private var areWritesLocked = false
  /// How long it may wait, and for whom it counts.
  private(set) var waiting: LockRequester
  /// Its place in the conflict history, when that follows it.
  private(set) var tracking: Tracking?
  /// The moment of its first snapshot, against which reads are certified.
  private(set) var certifiedFrom = Timestamp.zero
  /// Large values written so far, by ordinal; they belong to the transaction until its commit.
  private(set) var largeValues: [OverflowReference] = []
  /// Whether anything of a large value may be in the log.
  private var hasLargeValues = false
  private(set) var doom: DatabaseError?
  /// The serial numbers of the savepoints that can be rolled back to, in order.
  var savepoints: [Int] = []
  var savepointSerial = 0
  /// What the commit writes, by name, when the conflict history wants to know.
  private(set) var writtenKeys = WrittenKeys()
  private var isRunning = false
  private var unflushedByteCount = 0

  var engine: Engine { unsafe reads.engine }

  init(reads: ReadContext, control: any ConcurrencyProtocol) {
    self.reads = reads
    self.control = control
    waiting = LockRequester(transaction: TransactionID(0), timeout: 0)
  }

  deinit { precondition(!isRunning, "X3: a transaction was left unfinished") }

  /// Begins a use over the moment that `reads` shows.
  func begin(
    _ waiting: LockRequester, level: IsolationLevel, durability: Durability,
    control: any ConcurrencyProtocol, tracking: Tracking?
  ) {
    precondition(!isRunning, "X3: a running transaction was begun again")
    isRunning = true
    id = waiting.transaction
    self.waiting = waiting
    self.level = level
    self.durability = durability
    self.control = control
    self.tracking = tracking
    certifiedFrom = reads.snapshot.timestamp
    areWritesLocked = control.locksAsItWrites
    savepoints.removeAll(keepingCapacity: true)
  }

  /// Reads from now on as the weakest protocol that takes no locks to read.
  func readUnprotected() { control = StatementProtocol(showsPendingWrites: false) }

  /// Goes back to its own protocol.
  func resume(_ control: any ConcurrencyProtocol) { self.control = control }

  // MARK: Doom

  /// Checks what every operation checks.
  func requireUsable(_ keyspace: Keyspace) throws(DatabaseError) {
    if let doom { throw doom }
    do { try reads.requireUsable(keyspace) } catch {
      if error.code == .cancelled { doom = error }
      throw error
    }
  }

  /// Sets a value: the whole of what a `set` does.
  @usableFromInline
  func set(_ value: RawSpan, for key: RawSpan, in keyspace: Keyspace) throws(DatabaseError) {
    try requireUsable(keyspace)
    try key.withByteView { (key) throws(DatabaseError) in
      try value.withByteView { (value) throws(DatabaseError) in
        try set(key, to: value, in: keyspace)
      }
    }
  }

  /// Dooms the transaction for failures that end it, and passes the error on.
  func note(_ error: DatabaseError) -> DatabaseError {
    if doom == nil, error.endsTransaction { doom = error }
    return error
  }

  // MARK: Locking

  /// Takes a lock on a key. True when it had to wait for another transaction.
  func lock(_ mode: LockMode, _ name: LockName, _ key: ByteView) throws(DatabaseError) -> Bool {
    waiting.weight = writes.byteCount
    return try engine.locks.acquire(mode, name, key, for: waiting)
  }

  /// Takes a shared lock on an interval of keys.
  func lock(_ interval: KeyInterval) throws(DatabaseError) {
    waiting.weight = writes.byteCount
    do { _ = try engine.locks.acquire(interval, for: waiting) } catch { throw note(error) }
  }

  /// Takes the exclusive locks of all keys written, in key order (rule O3).
  func lockWriteSet() throws(DatabaseError) {
    for index in writes.allSortedIndices() {
      let key = writes.key(at: index)
      _ = try lock(.exclusive, writes.name(at: index), key)
    }
    pendingLatch.withLock { _ in areWritesLocked = true }
  }

  /// Throws a write conflict when somebody committed the key after this snapshot (rule M7).
  func requireNotNewer(_ key: ByteView, _ name: LockName) throws(DatabaseError) {
    // The lock is held: whoever had it before has published. Mostly nobody did since the snapshot.
    guard engine.store.publishedTimestamp > reads.snapshot.timestamp else { return }
    let newest: Timestamp?
    do { newest = try engine.store.newestTimestamp(of: key, in: name.keyspace) } catch {
      throw DatabaseError(error)
    }
    if let newest, newest > reads.snapshot.timestamp {
      throw DatabaseError.writeConflict(
        key: key.array, keyspace: name.keyspace, transaction: id,
        by: engine.pipeline.committer(at: newest), snapshot: reads.snapshot.timestamp,
        newer: newest)
    }
  }

  // MARK: Writing

  func set(_ key: ByteView, to value: ByteView, in keyspace: Keyspace) throws(DatabaseError) {
    let engine = engine
    if key.count + value.count > engine.maximumInlineByteCount {
      try requireKeyFits(key)
      try setLarge(key, byteCount: UInt64(value.count), in: keyspace) {
        (writer) throws(DatabaseError) in try writer.append(value)
      }
      return
    }
    let name = try beginWrite(key, addedByteCount: value.count, in: keyspace)
    pendingLatch.withLock { _ in
      writes.set(key, to: value, in: keyspace.id, name.fingerprint)
    }
  }

  func remove(_ key: ByteView, in keyspace: Keyspace) throws(DatabaseError) {
    let name = try beginWrite(key, addedByteCount: 0, in: keyspace)
    pendingLatch.withLock { _ in writes.remove(key, in: keyspace.id, name.fingerprint) }
  }

  /// Writes a large value piece by piece: into private overflow pages and, ahead of the commit,
  /// into the log.
  func setLarge(
    _ key: ByteView, byteCount: UInt64, in keyspace: Keyspace,
    fill: (LargeValueSink) throws(DatabaseError) -> Void
  ) throws(DatabaseError) {
    let name = try beginWrite(key, addedByteCount: WriteSet.largeByteCount, in: keyspace)
    hasLargeValues = true
    let sink = LargeValueSink(
      transaction: self, ordinal: largeValues.count, byteCount: byteCount)
    let reference: OverflowReference
    do {
      try fill(sink)
      reference = try sink.finish()
    } catch {
      sink.abandon()
      throw note(error)
    }
    pendingLatch.withLock { _ in
      writes.setLarge(
        key, ordinal: largeValues.count, byteCount: byteCount, in: keyspace.id, name.fingerprint)
    }
    largeValues.append(reference)
  }

  /// Takes the lock and checks the limits. Returns the key's name.
  private func beginWrite(_ key: ByteView, addedByteCount: Int, in keyspace: Keyspace)
    throws(DatabaseError) -> LockName
  {
    try requireKeyFits(key)
    if level < keyspace.options.leastWriteIsolation { throw .isolationTooWeak(level, keyspace) }
    let limit = engine.configuration.transactionSizeLimit
    let byteCount = writes.byteCount(adding: key, valueByteCount: addedByteCount)
    if byteCount > limit {
      throw note(
        DatabaseError(
          .transactionTooLarge,
          "the transaction would hold \(byteCount) bytes of writes, and the limit is \(limit); "
            + "split it into several transactions, load sorted data with a bulk build, or raise "
            + "Configuration.transactionSizeLimit"))
    }
    let name = ReadContext.name(of: key, in: keyspace.id)
    do {
      try control.willWrite(key, name, by: self)
    } catch {
      throw note(error)
    }
    return name
  }

  func requireKeyFits(_ key: ByteView) throws(DatabaseError) {
    if key.count > engine.maximumKeyByteCount {
      throw DatabaseError(
        .keyTooLong,
        "the key has \(key.count) bytes; at pages of \(engine.store.pageSize) bytes a key has at "
          + "most \(engine.maximumKeyByteCount)")
    }
  }

  /// Keeps the log in memory bounded while a large value streams through.
  func appended(_ byteCount: Int, through position: LogPosition) throws(DatabaseError) {
    unflushedByteCount += byteCount
    guard unflushedByteCount >= LargeValue.unflushedLimit else { return }
    unflushedByteCount = 0
    try engine.pipeline.makeDurable(through: position)
  }

  // MARK: Pending writes and savepoints

  /// Lends the write set to a dirty reader on another thread; nil while it shows nothing.
  func withPendingWrites<Result>(_ body: (borrowing WriteSet) -> Result?) -> Result? {
    pendingLatch.withLock { _ in
      guard areWritesLocked, !writes.isEmpty else { return nil }
      return body(writes)
    }
  }

  /// Whether the transaction itself has written a key.
  func hasPendingWrite(of key: ByteView, in keyspace: KeyspaceID) -> Bool {
    guard !writes.isEmpty else { return false }
    let name = ReadContext.name(of: key, in: keyspace)
    return writes.newest(of: key, in: keyspace, name.fingerprint) != nil
  }

  /// Undoes all writes since a mark. Locks are kept, and so is the note of what was read (rule S6);
  /// large values are kept to the end, unreferred to, for their ordinals are in the log.
  func rollBack(to mark: WriteSet.Mark) {
    pendingLatch.withLock { _ in writes.rollBack(to: mark) }
  }

  // MARK: The end

  /// Names what the commit writes, once, for the conflict history.
  func nameWrittenKeys(of batch: WriteBatch) {
    guard writtenKeys.isEmpty else { return }
    var entries = batch.makeIterator()
    while let entry = entries.next() {
      unsafe writtenKeys.append(
        ReadContext.name(of: entry.key, in: entry.keyspace), key: entry.key.buffer.bytes)
    }
  }

  /// Steps 1 to 4 of the pipeline. Nil when there is nothing to write.
  func publish() throws(DatabaseError) -> CommitReceipt? {
    if let doom { throw doom }
    if let cancellation = reads.cancellation, cancellation.isCancelled {
      throw note(DatabaseError(.cancelled, "the task was cancelled before the commit"))
    }
    do {
      guard !writes.isEmpty else {
        try engine.pipeline.finishReading(self)
        return nil
      }
      try control.willCommit(self)
      // All keys are locked: under these protocols whatever the newest state is, it is overwritten.
      if !control.firstUpdaterWins { reads.refresh() }
      let request = CommitRequest(
        transaction: id, batch: writes.seal(), keyspaces: writes.keyspaces,
        largeValues: largeValues, snapshot: reads.snapshot, certified: self, droppedKeyspace: nil,
        durability: durability)
      try engine.pipeline.prepare(request)
      let receipt = try engine.pipeline.publish(request)
      largeValues.removeAll()
      return receipt
    } catch {
      throw note(error)
    }
  }

  /// Lets go of everything; what was not committed is gone.
  func finish() {
    precondition(isRunning, "X3: finished twice")
    isRunning = false
    pendingLatch.withLock { _ in
      areWritesLocked = false
      writes.removeAll()
    }
    if let tracking {
      engine.pipeline.endTracking(tracking)
      self.tracking = nil
    }
    engine.locks.releaseAll(of: id)
    engine.store.endSnapshot(reads.snapshot)
    if hasLargeValues {
      hasLargeValues = false
      for reference in largeValues { engine.discard(reference) }
      largeValues.removeAll()
      engine.pipeline.forgetContinuations(of: id)
    }
    unflushedByteCount = 0
    doom = nil
    writtenKeys.removeAll()
  }
}
