internal import BTreeIndex
internal import ConcurrencyControl
internal import Primitives
internal import RawBytes
internal import VersionStore

/// What a snapshot and a transaction have in common: a moment of the store, the note of what was
/// read, and memory to lend values from.
///
/// Used by one thread at a time, and again by the next transaction of the thread.
///
/// - Invariant RX1: `horizon` is at or beyond the log record of everything that was shown.
/// - Invariant RX2: while reads are noted, a key is in the note when `find` returns, whether it is
///   there or not (rule S8), and the note only grows: rolling back to a savepoint does not undo a
///   read (rule S6).
// SAFETY: the engine outlives its contexts: they live in its pool, or in a transaction that it
// counts. `state` and `readSetMemory` are allocated as long as the object.
@safe
@usableFromInline
final class ReadContext {
  /// What changes from one use to the next; behind a pointer, so that reading it costs no
  /// exclusivity check.
  private struct State: BitwiseCopyable {
    var snapshot: StoreSnapshot
    var horizon: LogPosition
    var isCancellable: Bool
    var notesReads: Bool
    var owner: SnapshotOwner?
    /// That of the engine when this use began, as an even number, or was asked what it does.
    var interruption: UInt64 = 0
  }

  unowned(unsafe) let engine: Engine
  // What operations use of the engine, by references of the context's own: reaching it through the
  // engine would count references to objects that all threads share.
  let store: VersionStore
  let pipeline: CommitPipeline
  let collectionRegistry: CollectionRegistry
  /// The collections used last, and memory for records.
  let collections = CollectionCache()
  private let databaseID: DatabaseID
  private let state: UnsafeMutablePointer<State>
  private let scratch = ScratchStack()
  private let lookupCounters: LookupCounters
  private let lookups: LookupCounters.Lane
  private(set) var cancellation: CancellationFlag?
  private let readSetMemory: UnsafeMutablePointer<ReadSet>
  private var spareCursorMemory: AlignedMemory?

  init(engine: Engine, snapshot: StoreSnapshot) {
    unsafe self.engine = engine
    store = engine.store
    pipeline = engine.pipeline
    collectionRegistry = engine.collections
    databaseID = engine.id
    lookupCounters = engine.counters.lookups
    lookups = lookupCounters.makeLane()
    unsafe readSetMemory = .allocate(capacity: 1)
    unsafe readSetMemory.initialize(to: ReadSet())
    unsafe state = .allocate(capacity: 1)
    unsafe state.initialize(
      to: State(
        snapshot: snapshot, horizon: .zero, isCancellable: false, notesReads: false,
        owner: nil))
  }

  deinit {
    lookupCounters.retire(lookups)
    unsafe readSetMemory.deinitialize(count: 1)
    unsafe readSetMemory.deallocate()
    unsafe state.deallocate()
  }

  /// What was read, for the conflict history. Behind a pointer like the rest, so that noting a read
  /// checks no exclusivity and the commit section looks at it without a copy.
  var readSet: ReadSet {
    unsafeAddress { unsafe UnsafePointer(readSetMemory) }
    unsafeMutableAddress { unsafe readSetMemory }
  }

  /// Begins a use.
  func begin(
    _ snapshot: StoreSnapshot, horizon: LogPosition, cancellation: CancellationFlag?,
    owner: SnapshotOwner?, notesReads: Bool = false
  ) {
    unsafe state.pointee = State(
      snapshot: snapshot, horizon: horizon, isCancellable: cancellation != nil,
      notesReads: notesReads, owner: owner,
      interruption: unsafe engine.interruption & ~1)
    if cancellation != nil || self.cancellation != nil { self.cancellation = cancellation }
    if notesReads { readSet.removeAll() }
  }

  /// Moves on to the newest published state, if there is a newer one.
  func refresh() {
    let old = snapshot
    guard store.publishedTimestamp > old.timestamp else { return }
    unsafe state.pointee.snapshot = engine.store.beginSnapshot(
      .published, for: owner, moment: old.moment)
    unsafe state.pointee.horizon = pipeline.publishedPosition
    store.endSnapshot(old)
  }

  /// A snapshot of the newest published state beside the context's own; ended by the caller.
  func beginNewest() -> StoreSnapshot {
    let snapshot = store.beginSnapshot(
      .published, for: owner, moment: self.snapshot.moment)
    unsafe state.pointee.horizon = max(horizon, pipeline.publishedPosition)
    return snapshot
  }

  /// The moment against which expiry is judged, the same for the whole use.
  var expiryMoment: UInt64 {
    if snapshot.moment == 0 { unsafe state.pointee.snapshot.judgeExpiry(at: store.expiries.now) }
    return snapshot.moment
  }

  /// Whether an entry that expires then is absent; zero: it does not expire.
  @inline(__always)
  func hasExpired(_ expiry: UInt64) -> Bool { expiry != 0 && expiry <= expiryMoment }

  /// The moment it shows.
  var snapshot: StoreSnapshot { unsafe state.pointee.snapshot }

  /// Who reads; nil: a reader without a name.
  var owner: SnapshotOwner? { unsafe state.pointee.owner }

  /// Where the newest commit that this context can see ends in the log.
  var horizon: LogPosition { unsafe state.pointee.horizon }

  /// Whether reads are noted. Can be switched off and on within a transaction.
  var notesReads: Bool {
    get { unsafe state.pointee.notesReads }
    set { unsafe state.pointee.notesReads = newValue }
  }

  /// The name by which a key is locked and noted.
  static func name(of key: ByteView, in keyspace: KeyspaceID) -> LockName {
    LockName(keyspace: keyspace, fingerprint: Hash64.hash(key, seed: UInt64(keyspace.rawValue)))
  }

  /// Checks what every operation checks.
  func requireUsable(_ keyspace: Keyspace) throws(DatabaseError) {
    if keyspace.database != databaseID {
      throw DatabaseError(
        .wrongDatabase, "keyspace \"\(keyspace.name)\" belongs to another database")
    }
    if unsafe state.pointee.isCancellable { try requireNotCancelled() }
    try requireNotInterrupted()
  }

  /// Checks that no suspension has ended this use.
  @inline(__always)
  func requireNotInterrupted() throws(DatabaseError) {
    if unsafe engine.interruption != state.pointee.interruption { try answer() }
  }

  /// Somebody asks whether this use does anything, or a suspension has ended it.
  @inline(never)
  private func answer() throws(DatabaseError) {
    let asked = unsafe engine.interruption
    let known = unsafe state.pointee.interruption
    guard UInt32(truncatingIfNeeded: asked) == UInt32(truncatingIfNeeded: known) else {
      throw .interrupted
    }
    unsafe state.pointee.interruption = asked
    unsafe engine.idleWatch.noteActivity(of: IdleWatch.User(owner, snapshot))
  }

  /// Checks what each step of a scan checks.
  @inline(__always)
  func requireGoingOn() throws(DatabaseError) {
    try requireNotInterrupted()
    if unsafe state.pointee.isCancellable { try requireNotCancelled() }
  }

  func requireNotCancelled() throws(DatabaseError) {
    if let cancellation, cancellation.isCancelled {
      throw DatabaseError(.cancelled, "the task was cancelled")
    }
  }

  // MARK: Scanning

  /// Memory of a scan that has ended; nil while a scan runs inside another.
  func takeCursorMemory() -> AlignedMemory? {
    defer { spareCursorMemory = nil }
    return spareCursorMemory
  }

  /// Keeps the memory of a scan that has ended for the next one.
  func keepCursorMemory(_ memory: AlignedMemory) { spareCursorMemory = memory }

  // MARK: Lending

  /// Copies the committed value of a key to scratch and lends it until `giveBack`; nil, and nothing
  /// to give back, when the key is absent.
  @usableFromInline
  func lend(_ key: RawSpan, in keyspace: Keyspace) throws(DatabaseError) -> UnsafeRawBufferPointer?
  {
    try requireUsable(keyspace)
    let level = scratch.push()
    do throws(DatabaseError) {
      let view = try key.withByteView { (key) throws(DatabaseError) -> ByteView? in
        guard let found = try find(key, in: keyspace.id, copyingTo: level) else { return nil }
        return try bytes(of: found, in: level)
      }
      guard let view else {
        scratch.pop()
        return nil
      }
      return unsafe view.buffer
    } catch {
      scratch.pop()
      throw error
    }
  }

  /// Ends the newest loan.
  @usableFromInline
  func giveBack() { scratch.pop() }

  /// Runs `body` with an empty scratch level.
  func withScratch<Result, Failure: Error>(
    _ body: (ScratchStack.Level) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    let level = scratch.push()
    defer { scratch.pop() }
    return try body(level)
  }

  /// A level for a loan of the caller's own; ended by `giveBack`.
  func pushScratch() -> ScratchStack.Level { scratch.push() }

  /// Copies the committed value of a key to scratch; nil when it is absent.
  func find(_ key: ByteView, in keyspace: KeyspaceID, copyingTo level: ScratchStack.Level)
    throws(DatabaseError) -> FoundValue?
  {
    if notesReads { readSet.note(Self.name(of: key, in: keyspace)) }
    return try lookUp(key, in: keyspace, copyingTo: level)
  }

  /// The same, by a caller who has named the key already.
  func find(_ key: ByteView, _ name: LockName, copyingTo level: ScratchStack.Level)
    throws(DatabaseError) -> FoundValue?
  {
    if notesReads { readSet.note(name) }
    return try lookUp(key, in: name.keyspace, copyingTo: level)
  }

  /// The same, and leaves no note: for a merge, which does not depend on what it finds.
  func findWithoutNote(_ key: ByteView, _ name: LockName, copyingTo level: ScratchStack.Level)
    throws(DatabaseError) -> FoundValue?
  {
    try lookUp(key, in: name.keyspace, copyingTo: level)
  }

  @inline(__always)
  private func lookUp(_ key: ByteView, in keyspace: KeyspaceID, copyingTo level: ScratchStack.Level)
    throws(DatabaseError) -> FoundValue?
  {
    lookups.count()
    do {
      return try store.find(
        key, in: keyspace, at: snapshot, appendingValueTo: &level.bytes)
    } catch {
      throw DatabaseError(error)
    }
  }

  /// The value's bytes: where they were copied, or the large value copied now.
  func bytes(of value: FoundValue, in level: ScratchStack.Level) throws(DatabaseError) -> ByteView {
    guard let overflow = value.overflow else { return level.bytes.view[value.valueRange] }
    return try largeBytes(overflow, in: level, at: snapshot)
  }

  /// Copies a whole large value that a snapshot sees to scratch.
  func largeBytes(
    _ reference: OverflowReference, in level: ScratchStack.Level, at snapshot: StoreSnapshot
  ) throws(DatabaseError) -> ByteView {
    guard reference.byteCount <= UInt64(LargeValue.lendingLimit) else {
      throw DatabaseError(
        .valueTooLarge,
        "the value has \(reference.byteCount) bytes; above \(LargeValue.lendingLimit) read it in "
          + "pieces with read(_:in:offset:count:)")
    }
    let byteCount = Int(reference.byteCount)
    level.bytes.removeAll()
    level.bytes.append(zeros: byteCount)
    try readLarge(
      reference, from: 0, into: level.bytes.mutableView[0..<byteCount], at: snapshot)
    return level.bytes.view
  }

  /// Copies part of a large value. `target` lies inside the value.
  func readLarge(
    _ reference: OverflowReference, from offset: UInt64, into target: MutableByteView,
    at snapshot: StoreSnapshot
  ) throws(DatabaseError) {
    var done = 0
    while done < target.count {
      let count: Int
      do {
        count = try store.readOverflow(
          reference, at: offset + UInt64(done), into: target[done..<target.count],
          snapshot: snapshot)
      } catch {
        throw DatabaseError(error)
      }
      guard count > 0 else {
        throw DatabaseError(
          .corrupt, "a large value of \(reference.byteCount) bytes ends at \(offset) + \(done)")
      }
      done += count
    }
  }
}
