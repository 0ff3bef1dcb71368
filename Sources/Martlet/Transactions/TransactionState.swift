internal import BTreeIndex
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
  var writes = WriteSet()
  /// Large values written so far, by ordinal; they belong to the transaction until its commit.
  private(set) var largeValues: [OverflowReference] = []
  /// Whether anything of a large value may be in the log.
  private var hasLargeValues = false
  private(set) var doom: DatabaseError?
  private var isRunning = false
  private var unflushedByteCount = 0

  var engine: Engine { unsafe reads.engine }

  init(reads: ReadContext, control: any ConcurrencyProtocol) {
    self.reads = reads
    self.control = control
  }

  deinit { precondition(!isRunning, "X3: a transaction was left unfinished") }

  /// Begins a use over the moment that `reads` shows.
  func begin(_ id: TransactionID, durability: Durability, control: any ConcurrencyProtocol) {
    precondition(!isRunning, "X3: a running transaction was begun again")
    isRunning = true
    self.id = id
    self.durability = durability
    self.control = control
  }

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
    let hash = try beginWrite(key, addedByteCount: value.count, in: keyspace)
    writes.set(key, to: value, in: keyspace.id, hash)
  }

  func remove(_ key: ByteView, in keyspace: Keyspace) throws(DatabaseError) {
    let hash = try beginWrite(key, addedByteCount: 0, in: keyspace)
    writes.remove(key, in: keyspace.id, hash)
  }

  /// Writes a large value piece by piece: into private overflow pages and, ahead of the commit,
  /// into the log.
  func setLarge(
    _ key: ByteView, byteCount: UInt64, in keyspace: Keyspace,
    fill: (LargeValueSink) throws(DatabaseError) -> Void
  ) throws(DatabaseError) {
    let hash = try beginWrite(key, addedByteCount: 0, in: keyspace)
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
    writes.setLarge(
      key, ordinal: largeValues.count, byteCount: byteCount, in: keyspace.id, hash)
    largeValues.append(reference)
  }

  /// Takes the lock and checks the limits. Returns the key's fingerprint.
  private func beginWrite(_ key: ByteView, addedByteCount: Int, in keyspace: Keyspace)
    throws(DatabaseError) -> UInt64
  {
    try requireKeyFits(key)
    let limit = engine.configuration.transactionSizeLimit
    if writes.byteCount + key.count + addedByteCount > limit {
      throw note(
        DatabaseError(
          .transactionTooLarge,
          "the transaction writes more than \(limit) bytes; commit in smaller batches or raise "
            + "Configuration.transactionSizeLimit"))
    }
    let fingerprint = Hash64.hash(key, seed: UInt64(keyspace.id.rawValue))
    do {
      try control.willWrite(key, in: keyspace.id, fingerprint: fingerprint, by: self)
    } catch {
      throw note(error)
    }
    return fingerprint
  }

  func requireKeyFits(_ key: ByteView) throws(DatabaseError) {
    if key.count > engine.maximumKeyByteCount {
      throw DatabaseError(
        .keyTooLong,
        "the key has \(key.count) bytes; at pages of \(engine.store.pageSize) bytes a key has at "
          + "most \(engine.maximumKeyByteCount)")
    }
  }

  /// Throws a write conflict when somebody committed the key after this snapshot (rule M7).
  func requireNotNewer(_ key: ByteView, in keyspace: KeyspaceID) throws(DatabaseError) {
    let newest: Timestamp?
    do { newest = try engine.store.newestTimestamp(of: key, in: keyspace) } catch {
      throw DatabaseError(error)
    }
    if let newest, newest > reads.snapshot.timestamp {
      throw DatabaseError.writeConflict(
        key: key.array, keyspace: keyspace, transaction: id, snapshot: reads.snapshot.timestamp,
        newer: newest)
    }
  }

  /// Keeps the log in memory bounded while a large value streams through.
  func appended(_ byteCount: Int, through position: LogPosition) throws(DatabaseError) {
    unflushedByteCount += byteCount
    guard unflushedByteCount >= LargeValue.unflushedLimit else { return }
    unflushedByteCount = 0
    try engine.pipeline.makeDurable(through: position)
  }

  // MARK: The end

  /// Steps 1 to 4 of the pipeline. Nil when there is nothing to write.
  func publish() throws(DatabaseError) -> CommitReceipt? {
    if let doom { throw doom }
    if let cancellation = reads.cancellation, cancellation.isCancelled {
      throw note(DatabaseError(.cancelled, "the task was cancelled before the commit"))
    }
    guard !writes.isEmpty else { return nil }
    let request = CommitRequest(
      transaction: id, batch: writes.seal(), keyspaces: writes.keyspaces, largeValues: largeValues,
      snapshot: control.checksFirstUpdater ? reads.snapshot : nil, droppedKeyspace: nil,
      durability: durability)
    do {
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
    control.ended(self)
    engine.store.endSnapshot(reads.snapshot)
    if hasLargeValues {
      hasLargeValues = false
      for reference in largeValues { engine.discard(reference) }
      largeValues.removeAll()
      engine.pipeline.forgetContinuations(of: id)
    }
    unflushedByteCount = 0
    doom = nil
    writes.removeAll()
  }
}
