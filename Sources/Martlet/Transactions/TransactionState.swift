internal import BTreeIndex
internal import ConcurrencyControl
internal import Environment
internal import Primitives
internal import RawBytes
internal import Synchronization
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
// SAFETY: what lies behind the pointers is allocated as long as the object, and used by one thread at
// a time: what others look at, they look at under `pendingLatch`.
@safe
@usableFromInline
final class TransactionState {
  /// What changes from one use to the next; behind a pointer, so that touching it costs no
  /// exclusivity check, of which a small transaction would make fifty.
  private struct Content {
    var id = TransactionID(0)
    var durability = Durability.full
    var control: any ConcurrencyProtocol {
      didSet {
        locksAsItWrites = control.locksAsItWrites
        firstUpdaterWins = control.firstUpdaterWins
      }
    }
    /// What every write asks of the protocol, at hand.
    private(set) var locksAsItWrites = true
    private(set) var firstUpdaterWins = true
    var level = IsolationLevel.snapshot
    /// Whether the keys written so far are locked, so that dirty readers may see them.
    var areWritesLocked = false
    /// How long it may wait, and for whom it counts.
    var waiting = LockRequester(transaction: TransactionID(0), timeout: 0)
    var tracking: Tracking?
    var certifiedFrom = Timestamp.zero
    var largeValues: [OverflowReference] = []
    /// Whether anything of a large value may be in the log.
    var hasLargeValues = false
    var doom: DatabaseError?
    var savepoints: [Int] = []
    var savepointSerial = 0
    var isRunning = false
    /// The keyspaces with merges.
    var mergedKeyspaces: [Keyspace] = []
    /// A merge was resolved against a value that is newer than the snapshot.
    var hasMergedLate = false
    var unflushedByteCount = 0
    /// Keyspaces written so far that want what is replaced in the log.
    var recordedKeyspaces: [KeyspaceID] = []
  }

  let reads: ReadContext
  // What operations use of the engine; see `ReadContext`.
  let store: VersionStore
  let pipeline: CommitPipeline
  private let locks: LockService
  let maximumInlineByteCount: Int
  let maximumKeyByteCount: Int
  private let sizeLimit: Int
  private let memory: UnsafeMutablePointer<Content>
  private let writesMemory: UnsafeMutablePointer<WriteSet>
  private let writtenKeysMemory: UnsafeMutablePointer<WrittenKeys>
  /// Held while the write set changes, and by whoever looks at it from another thread.
  private let pendingLatch = ShortMutex(())
  /// The generation of the collections that it writes; zero when it writes none.
  let collectionGeneration = Atomic<UInt64>(0)

  init(reads: ReadContext, control: any ConcurrencyProtocol) {
    self.reads = reads
    let engine = unsafe reads.engine
    store = engine.store
    pipeline = engine.pipeline
    locks = engine.locks
    maximumInlineByteCount = engine.maximumInlineByteCount
    maximumKeyByteCount = engine.maximumKeyByteCount
    sizeLimit = engine.configuration.transactionSizeLimit
    unsafe memory = .allocate(capacity: 1)
    unsafe memory.initialize(to: Content(control: control))
    unsafe writesMemory = .allocate(capacity: 1)
    unsafe writesMemory.initialize(to: WriteSet())
    unsafe writtenKeysMemory = .allocate(capacity: 1)
    unsafe writtenKeysMemory.initialize(to: WrittenKeys())
  }

  deinit {
    precondition(!content.isRunning, "X3: a transaction was left unfinished")
    unsafe memory.deinitialize(count: 1)
    unsafe memory.deallocate()
    unsafe writesMemory.deinitialize(count: 1)
    unsafe writesMemory.deallocate()
    unsafe writtenKeysMemory.deinitialize(count: 1)
    unsafe writtenKeysMemory.deallocate()
  }

  private var content: Content {
    unsafeAddress { unsafe UnsafePointer(memory) }
    unsafeMutableAddress { unsafe memory }
  }

  private(set) var writes: WriteSet {
    unsafeAddress { unsafe UnsafePointer(writesMemory) }
    unsafeMutableAddress { unsafe writesMemory }
  }

  /// What the commit writes, by name, when the conflict history wants to know.
  private(set) var writtenKeys: WrittenKeys {
    unsafeAddress { unsafe UnsafePointer(writtenKeysMemory) }
    unsafeMutableAddress { unsafe writtenKeysMemory }
  }

  var engine: Engine { unsafe reads.engine }
  var id: TransactionID { content.id }
  var durability: Durability { content.durability }
  var control: any ConcurrencyProtocol { content.control }
  var level: IsolationLevel { content.level }
  /// Why the transaction cannot commit any more.
  var doom: DatabaseError? { content.doom }
  /// Its place in the conflict history, when that follows it.
  var tracking: Tracking? { content.tracking }
  /// Whether it changed, without reading it, what was committed after its snapshot: then what it did
  /// read has to be the newest as well.
  var hasMergedLate: Bool {
    get { content.hasMergedLate }
    set { content.hasMergedLate = newValue }
  }

  /// The moment of its first snapshot, against which reads are certified.
  var certifiedFrom: Timestamp { content.certifiedFrom }
  /// Large values written so far, by ordinal; they belong to the transaction until its commit.
  var largeValues: [OverflowReference] { content.largeValues }
  /// The serial numbers of the savepoints that can be rolled back to, in order.
  var savepoints: [Int] {
    get { content.savepoints }
    _modify { yield &content.savepoints }
  }

  /// The number of the newest savepoint of this and all earlier uses.
  var savepointSerial: Int {
    get { content.savepointSerial }
    set { content.savepointSerial = newValue }
  }

  /// Begins a use over the moment that `reads` shows.
  func begin(
    _ waiting: LockRequester, level: IsolationLevel, durability: Durability,
    control: any ConcurrencyProtocol, tracking: Tracking?
  ) {
    precondition(!content.isRunning, "X3: a running transaction was begun again")
    content.isRunning = true
    content.id = waiting.transaction
    content.waiting = waiting
    content.level = level
    content.durability = durability
    content.control = control
    content.tracking = tracking
    content.certifiedFrom = reads.snapshot.timestamp
    content.areWritesLocked = content.locksAsItWrites
    if !content.savepoints.isEmpty { content.savepoints.removeAll(keepingCapacity: true) }
  }

  /// Reads from now on as the weakest protocol that takes no locks to read.
  func readUnprotected() { content.control = StatementProtocol(showsPendingWrites: false) }

  /// Goes back to its own protocol.
  func resume(_ control: any ConcurrencyProtocol) { content.control = control }

  // MARK: Doom

  /// Checks what every operation checks.
  func requireUsable(_ keyspace: Keyspace) throws(DatabaseError) {
    if let doom { throw doom }
    do { try reads.requireUsable(keyspace) } catch {
      if error.code == .cancelled || error.code == .suspended { content.doom = error }
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
    if content.doom == nil, error.endsTransaction { content.doom = error }
    return error
  }

  // MARK: Locking

  /// Takes a lock on a key. True when it had to wait for another transaction.
  func lock(_ mode: LockMode, _ name: LockName, _ key: ByteView) throws(DatabaseError) -> Bool {
    content.waiting.weight = writes.byteCount
    return try locks.acquire(
      mode, name, key, for: content.waiting.claimant, waitingAs: content.waiting)
  }

  /// Takes a key's exclusive lock. Who had to wait and sees one snapshot has lost if the holder
  /// committed (rule M7).
  private func lockToWrite(_ key: ByteView, _ name: LockName) throws(DatabaseError) {
    do {
      let waited = try lock(.exclusive, name, key)
      if waited, content.firstUpdaterWins { try requireNotNewer(key, name) }
    } catch {
      throw note(error)
    }
  }

  /// Takes a shared lock on an interval of keys.
  func lock(_ interval: KeyInterval) throws(DatabaseError) {
    content.waiting.weight = writes.byteCount
    do { _ = try locks.acquire(interval, for: content.waiting) } catch { throw note(error) }
  }

  /// Takes the exclusive locks of all keys written, in key order (rule O3).
  func lockWriteSet() throws(DatabaseError) {
    for index in writes.allSortedIndices() {
      let key = writes.key(at: index)
      _ = try lock(.exclusive, writes.name(at: index), key)
    }
    pendingLatch.withLock { _ in content.areWritesLocked = true }
  }

  /// Throws a write conflict when somebody committed the key after this snapshot (rule M7).
  func requireNotNewer(_ key: ByteView, _ name: LockName) throws(DatabaseError) {
    // The lock is held: whoever had it before has published. Mostly nobody did since the snapshot.
    guard store.publishedTimestamp > reads.snapshot.timestamp else { return }
    let newest: Timestamp?
    do { newest = try store.newestTimestamp(of: key, in: name.keyspace) } catch {
      throw DatabaseError(error)
    }
    if let newest, newest > reads.snapshot.timestamp {
      throw DatabaseError.writeConflict(
        key: key.array, keyspace: name.keyspace, transaction: id,
        by: pipeline.committer(at: newest), snapshot: reads.snapshot.timestamp,
        newer: newest)
    }
  }

  // MARK: Writing

  /// Sets a value that expires as its keyspace says.
  func set(_ key: ByteView, to value: ByteView, in keyspace: Keyspace) throws(DatabaseError) {
    try set(key, to: value, expiry: defaultExpiry(in: keyspace), in: keyspace)
  }

  /// Sets a value that expires at a moment; zero: never.
  func set(_ key: ByteView, to value: ByteView, expiry: UInt64, in keyspace: Keyspace)
    throws(DatabaseError)
  {
    guard fitsInline(key, byteCount: value.count, expiry: expiry) else {
      try requireKeyFits(key)
      try setLarge(key, byteCount: UInt64(value.count), expiry: expiry, in: keyspace) {
        (writer) throws(DatabaseError) in try writer.append(value)
      }
      return
    }
    let name = try beginWrite(.set(key, to: value, in: keyspace.id), in: keyspace)
    pendingLatch.withLock { _ in
      writes.set(key, to: value, expiring: expiry, in: keyspace.id, name.fingerprint)
    }
  }

  /// Whether a value stands beside its key.
  @inline(__always)
  func fitsInline(_ key: ByteView, byteCount: Int, expiry: UInt64) -> Bool {
    key.count + byteCount + (expiry == 0 ? 0 : ExpiryField.byteCount) <= maximumInlineByteCount
  }

  /// Notes an operation on a key's value, to be resolved when the transaction commits: no lock is
  /// taken until then.
  func noteMerge(_ key: ByteView, _ noted: ByteView, in keyspace: Keyspace)
    throws(DatabaseError)
  {
    try checkWrite(.set(key, to: noted, in: keyspace.id), in: keyspace)
    if !content.mergedKeyspaces.contains(where: { $0.id == keyspace.id }) {
      content.mergedKeyspaces.append(keyspace)
    }
    let name = ReadContext.name(of: key, in: keyspace.id)
    pendingLatch.withLock { _ in
      writes.merge(key, noted, in: keyspace.id, name.fingerprint)
    }
  }

  func remove(_ key: ByteView, in keyspace: Keyspace) throws(DatabaseError) {
    let name = try beginWrite(.remove(key, in: keyspace.id), in: keyspace)
    pendingLatch.withLock { _ in writes.remove(key, in: keyspace.id, name.fingerprint) }
  }

  /// A keyspace by which a merge was noted.
  func mergedKeyspace(_ id: KeyspaceID) -> Keyspace {
    guard let keyspace = content.mergedKeyspaces.first(where: { $0.id == id }) else {
      preconditionFailure("a merge of an unknown keyspace")
    }
    return keyspace
  }

  /// Writes a large value piece by piece: into private overflow pages and, ahead of the commit,
  /// into the log.
  func setLarge(
    _ key: ByteView, byteCount: UInt64, expiry: UInt64, in keyspace: Keyspace,
    fill: (LargeValueSink) throws(DatabaseError) -> Void
  ) throws(DatabaseError) {
    let name = try beginWrite(
      .large(key, ordinal: largeValues.count, byteCount: byteCount, in: keyspace.id), in: keyspace)
    content.hasLargeValues = true
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
        key, ordinal: largeValues.count, byteCount: byteCount, expiring: expiry, in: keyspace.id,
        name.fingerprint)
    }
    content.largeValues.append(reference)
  }

  /// Takes the lock and checks the limits. Returns the key's name.
  private func beginWrite(_ entry: WriteBatchEntry, in keyspace: Keyspace)
    throws(DatabaseError) -> LockName
  {
    try checkWrite(entry, in: keyspace)
    let name = ReadContext.name(of: entry.key, in: keyspace.id)
    if content.locksAsItWrites { try lockToWrite(entry.key, name) }
    return name
  }

  /// Checks the limits.
  @inline(__always)
  private func checkWrite(_ entry: WriteBatchEntry, in keyspace: Keyspace) throws(DatabaseError) {
    try requireKeyFits(entry.key)
    if keyspace.writer != .engine, reads.collectionRegistry.mayOwn(keyspace) {
      try requireNotOwned(keyspace)
    }
    if level < keyspace.options.leastWriteIsolation { throw .isolationTooWeak(level, keyspace) }
    if writes.byteCount + entry.key.count + entry.value.count + WriteSet.entryByteCount
      > sizeLimit
    {
      try requireRoom(for: entry)
    }
    if keyspace.options.recordsPreviousValues { noteRecorded(keyspace.id) }
  }

  @inline(never)
  private func noteRecorded(_ keyspace: KeyspaceID) {
    if !content.recordedKeyspaces.contains(keyspace) { content.recordedKeyspaces.append(keyspace) }
  }

  /// The limit to the byte; asked only near it.
  @inline(never)
  private func requireRoom(for entry: WriteBatchEntry) throws(DatabaseError) {
    let byteCount = writes.byteCount(adding: entry)
    guard byteCount > sizeLimit else { return }
    throw note(
      DatabaseError(
        .transactionTooLarge,
        "the transaction would hold \(byteCount) bytes of writes, and the limit is \(sizeLimit); "
          + "split it into several transactions, load sorted data with a bulk build, or raise "
          + "Configuration.transactionSizeLimit"))
  }

  func requireKeyFits(_ key: ByteView) throws(DatabaseError) {
    if key.count > maximumKeyByteCount {
      throw DatabaseError(
        .keyTooLong,
        "the key has \(key.count) bytes; at pages of \(store.pageSize) bytes a key has at "
          + "most \(maximumKeyByteCount)")
    }
  }

  /// Keeps the log in memory bounded while a large value streams through.
  func appended(_ byteCount: Int, through position: LogPosition) throws(DatabaseError) {
    content.unflushedByteCount += byteCount
    guard content.unflushedByteCount >= LargeValue.unflushedLimit else { return }
    content.unflushedByteCount = 0
    try pipeline.makeDurable(through: position)
  }

  // MARK: Pending writes and savepoints

  /// Lends the write set to a dirty reader on another thread; nil while it shows nothing.
  func withPendingWrites<Result>(_ body: (borrowing WriteSet) -> Result?) -> Result? {
    pendingLatch.withLock { _ in
      guard content.areWritesLocked, !writes.isEmpty else { return nil }
      return body(writes)
    }
  }

  /// Lends the keyspaces written so far to another thread.
  func withPendingKeyspaces(_ body: ([KeyspaceID]) -> Bool) -> Bool {
    pendingLatch.withLock { _ in body(writes.keyspaces) }
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
    do { try reads.requireNotInterrupted() } catch { throw note(error) }
    if let cancellation = reads.cancellation, cancellation.isCancelled {
      throw note(DatabaseError(.cancelled, "the task was cancelled before the commit"))
    }
    if let end = content.waiting.end, engine.effects.time.monotonic() >= end {
      throw note(.deadlineExceeded("before the commit"))
    }
    do {
      guard !writes.isEmpty else {
        try pipeline.finishReading(self)
        return nil
      }
      try control.willCommit(self)
      if writes.mergeCount > 0 {
        try resolveMerges()
      } else if !control.firstUpdaterWins {
        // All keys are locked: under these protocols whatever the newest state is, it is overwritten.
        reads.refresh()
      }
      let batch = writes.seal()
      var recorder = PreviousValuesRecorder()
      let previous =
        content.recordedKeyspaces.isEmpty
        ? nil
        : try recorder.record(batch, content.recordedKeyspaces, store, reads.snapshot)
      let request = CommitRequest(
        transaction: id, batch: batch, keyspaces: writes.keyspaces,
        largeValues: largeValues, snapshot: reads.snapshot, certified: self, droppedKeyspace: nil,
        durability: durability, previousValues: previous)
      let leaf = try pipeline.prepare(request)
      let receipt = try pipeline.publish(request, leaf)
      content.largeValues.removeAll()
      if writes.leastExpiry != .max { engine.sweeper.note(writes.leastExpiry) }
      return receipt
    } catch {
      throw note(error)
    }
  }

  /// Lets go of everything; what was not committed is gone.
  ///
  /// - Returns: nanoseconds that it waited for locks.
  func finish() -> UInt64 {
    precondition(content.isRunning, "X3: finished twice")
    content.isRunning = false
    pendingLatch.withLock { _ in
      content.areWritesLocked = false
      writes.removeAll()
    }
    if let tracking = content.tracking {
      pipeline.endTracking(tracking)
      content.tracking = nil
    }
    let waited = locks.releaseAll(of: content.id)
    store.endSnapshot(reads.snapshot)
    endCollectionWrites()
    if content.hasLargeValues {
      content.hasLargeValues = false
      for reference in content.largeValues { engine.discard(reference) }
      content.largeValues.removeAll()
      pipeline.forgetContinuations(of: content.id)
    }
    content.unflushedByteCount = 0
    if !content.recordedKeyspaces.isEmpty { content.recordedKeyspaces.removeAll() }
    if !content.mergedKeyspaces.isEmpty { content.mergedKeyspaces.removeAll() }
    content.hasMergedLate = false
    content.doom = nil
    writtenKeys.removeAll()
    return waited
  }
}
