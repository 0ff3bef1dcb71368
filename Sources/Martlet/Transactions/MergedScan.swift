internal import BTreeIndex
internal import ConcurrencyControl
internal import Primitives
internal import RawBytes
internal import VersionStore

/// A scan of one keyspace as a transaction sees it: the entries of a moment, overlaid with the
/// transaction's own writes as of the scan's start.
///
/// Which moment, and what is locked before it is read, is the protocol's decision: one snapshot, the
/// newest state, or piece by piece under locks (`MergedScan+Locking`).
///
/// - Invariant MS1: keys are visited in order, each once; the transaction's own write of a key
///   hides the stored one.
/// - Invariant MS2: when the scan ends, the interval that it covered is noted, up to where it
///   stopped (rule S9): the whole of it when nothing was found or the body threw.
struct MergedScan: ~Copyable {
  let context: ReadContext
  let transaction: TransactionState?
  let keyspace: Keyspace
  let bounds: KeyBounds
  let isReverse: Bool
  var limit: Int
  /// The moment of a statement that the scan is a part of; nil: as the protocol says.
  var moment: StoreSnapshot?
  /// The key at which the body or the limit said stop.
  var stoppedAt: [UInt8]?

  init(
    context: ReadContext, transaction: TransactionState?, keyspace: Keyspace, bounds: KeyBounds,
    isReverse: Bool, limit: Int
  ) {
    self.context = context
    self.transaction = transaction
    self.keyspace = keyspace
    self.bounds = bounds
    self.isReverse = isReverse
    self.limit = limit
  }

  /// Visits entries until the body or the limit says stop. User errors pass through as they are.
  ///
  /// A body that answers nil has not visited the entry.
  mutating func run(_ body: (ByteView, ScannedValue) throws -> ScanStep?) throws {
    guard limit > 0 else { return }
    try transaction?.pinMerges(in: keyspace, bounds)
    var overlay = ScanOverlay(
      transaction: transaction, keyspace: keyspace.id, bounds: bounds, isReverse: isReverse)
    switch transaction?.control.scanning ?? .free {
    case .free: try runFree(&overlay, body)
    case .lockedKeys: try runLockingKeys(&overlay, body)
    case .lockedIntervals: try runLockingIntervals(&overlay, body)
    }
  }

  private mutating func runFree(
    _ overlay: inout ScanOverlay, _ body: (ByteView, ScannedValue) throws -> ScanStep?
  ) throws {
    let notes = context.notesReads
    do {
      if let moment {
        _ = try walk(Piece(bounds), at: moment, &overlay, body)
      } else if let transaction, transaction.control.view != .snapshot {
        let newest = context.beginNewest()
        defer { context.store.endSnapshot(newest) }
        _ = try walk(Piece(bounds), at: newest, &overlay, body)
      } else {
        _ = try walk(Piece(bounds), at: context.snapshot, &overlay, body)
      }
    } catch {
      if notes { context.readSet.note(KeyInterval(bounds, in: keyspace.id)) }
      throw error
    }
    if notes { context.readSet.note(covered) }
  }

  /// The interval from where the scan began to where it stopped.
  private var covered: KeyInterval {
    guard let stoppedAt else { return KeyInterval(bounds, in: keyspace.id) }
    return isReverse
      ? KeyInterval(keyspace: keyspace.id, lower: stoppedAt, upper: bounds.upper)
      : KeyInterval(
        keyspace: keyspace.id, lower: bounds.lower ?? [], upper: stoppedAt.successor)
  }

  // MARK: Walking

  /// Part of a scan: its bounds, kept where cursors can see them.
  struct Piece: ~Copyable {
    let lower: OwnedBytes
    let upper: OwnedBytes

    init(_ bounds: KeyBounds) {
      lower = OwnedBytes(bounds.lower)
      upper = OwnedBytes(bounds.upper)
    }

    /// Whether a key that a walk came to lies beyond its end.
    func isBehind(_ key: ByteView, isReverse: Bool) -> Bool {
      if isReverse {
        if let lower = lower.view { return key < lower }
      } else if let upper = upper.view {
        return !(key < upper)
      }
      return false
    }
  }

  /// Visits the entries of a piece as of a moment. True when the scan is over: the body or the limit
  /// said stop.
  mutating func walk(
    _ piece: borrowing Piece, at snapshot: StoreSnapshot, _ overlay: inout ScanOverlay,
    _ body: (ByteView, ScannedValue) throws -> ScanStep?
  ) throws -> Bool {
    var cursor = try throwing { () throws(StoreError) in
      try context.store.makeCursor(
        in: keyspace.id, at: snapshot, reusing: context.takeCursorMemory())
    }
    // Lent values lie in it until the scan has ended.
    let memory = cursor.memory
    defer { context.keepCursorMemory(memory) }
    var hasStored = try throwing { () throws(StoreError) in try start(&cursor, piece) }
    if !overlay.hasCurrent { return try walkStored(&cursor, hasStored, piece, snapshot, body) }
    while true {
      if hasStored, piece.isBehind(cursor.key, isReverse: isReverse) { hasStored = false }
      let hasOwn = overlay.hasCurrent && !overlay.isBehind(piece, isReverse: isReverse)
      guard hasStored || hasOwn else { return false }
      let order = hasOwn ? hasStored ? compare(cursor, overlay) : 1 : -1
      let step: ScanStep?
      if order < 0 {
        step = try body(cursor.key, value(of: cursor, at: snapshot))
        if isLast(step) { note(cursor.key) }
      } else {
        step = try overlay.lend(to: body, in: context)
        if isLast(step) { overlay.withKey { note($0) } }
        overlay.advance()
      }
      if step != nil { limit -= 1 }
      if isStop(step) { return true }
      try requireGoingOn()
      if order <= 0 {
        // The stored entry was visited, or the transaction's own write hides it.
        hasStored = try advance(&cursor)
      }
    }
  }

  /// The walk of a transaction that has written nothing here: no merging.
  private mutating func walkStored(
    _ cursor: inout StoreCursor, _ hasFirst: Bool, _ piece: borrowing Piece,
    _ snapshot: StoreSnapshot, _ body: (ByteView, ScannedValue) throws -> ScanStep?
  ) throws -> Bool {
    var isThere = hasFirst
    while isThere, !piece.isBehind(cursor.key, isReverse: isReverse) {
      let step = try body(cursor.key, value(of: cursor, at: snapshot))
      if isLast(step) { note(cursor.key) }
      if step != nil { limit -= 1 }
      if isStop(step) { return true }
      try requireGoingOn()
      isThere = try advance(&cursor)
    }
    return false
  }

  /// After the body has run: it may have doomed the transaction, and the task may be cancelled.
  @inline(__always)
  private func requireGoingOn() throws(DatabaseError) {
    if let transaction {
      try transaction.requireUsable(keyspace)
    } else {
      try context.requireGoingOn()
    }
  }

  private mutating func advance(_ cursor: inout StoreCursor) throws(DatabaseError) -> Bool {
    do throws(StoreError) {
      return try isReverse ? cursor.previous() : cursor.next()
    } catch {
      throw noted(error)
    }
  }

  /// Places a cursor on the first entry of a piece, if there is any at or behind its start.
  func start(_ cursor: inout StoreCursor, _ piece: borrowing Piece) throws(StoreError) -> Bool {
    if isReverse {
      guard let upper = piece.upper.view else { return try cursor.seekLast() }
      return try cursor.seek(before: upper)
    }
    guard let lower = piece.lower.view else { return try cursor.seekFirst() }
    return try cursor.seek(atOrAfter: lower)
  }

  private func compare(_ cursor: borrowing StoreCursor, _ overlay: borrowing ScanOverlay) -> Int {
    let order = overlay.withKey { cursor.key.compare($0) }
    return isReverse ? -order : order
  }

  /// Whether the scan ends with this step.
  private func isLast(_ step: ScanStep?) -> Bool {
    step == .stop || (step != nil && limit == 1)
  }

  /// The same, after the limit has been counted down.
  private func isStop(_ step: ScanStep?) -> Bool { step == .stop || limit == 0 }

  private mutating func note(_ key: ByteView) {
    if context.notesReads { stoppedAt = key.array }
  }

  /// What the cursor stands on; the views live until it moves, which it does after the body has
  /// returned.
  private func value(of cursor: borrowing StoreCursor, at snapshot: StoreSnapshot) -> ScannedValue {
    cursor.overflow.map { .large($0, at: snapshot) } ?? .bytes(cursor.value)
  }

  func throwing<Result: ~Copyable>(
    _ body: () throws(StoreError) -> Result
  ) throws(DatabaseError) -> Result {
    do { return try body() } catch { throw noted(error) }
  }

  private func noted(_ error: StoreError) -> DatabaseError {
    let failure = DatabaseError(error)
    return transaction?.note(failure) ?? failure
  }
}

/// A value that a scan has come to.
enum ScannedValue {
  /// Its bytes, lent until the scan moves on.
  case bytes(ByteView)
  /// It lies in overflow pages, seen by this snapshot, and nothing of it has been read.
  case large(OverflowReference, at: StoreSnapshot)

  var byteCount: Int {
    switch self {
    case .bytes(let view): view.count
    case .large(let reference, _): Int(reference.byteCount)
    }
  }
}

extension MergedScan {
  /// Visits keys and whole values.
  mutating func runEntries(_ body: (RawSpan, RawSpan) throws -> ScanStep) throws {
    let context = context
    try run { key, value in
      switch value {
      case .bytes(let bytes): return try unsafe body(key.buffer.bytes, bytes.buffer.bytes)
      case .large(let reference, let snapshot):
        return try context.withScratch { level in
          let bytes = try context.largeBytes(reference, in: level, at: snapshot)
          return try unsafe body(key.buffer.bytes, bytes.buffer.bytes)
        }
      }
    }
  }

  /// Visits keys, with the byte counts of their values, which are not read.
  mutating func runKeys(_ body: (RawSpan, Int) throws -> ScanStep) throws {
    try run { key, value in try unsafe body(key.buffer.bytes, value.byteCount) }
  }
}

/// Bytes of a bound, kept for the length of a scan.
struct OwnedBytes: ~Copyable {
  private let buffer: ByteBuffer
  private let isPresent: Bool

  init(_ bytes: [UInt8]?) {
    isPresent = bytes != nil
    var copy = ByteBuffer(capacity: bytes?.count ?? 0)
    bytes?.withByteView { copy.append($0) }
    buffer = copy
  }

  var view: ByteView? { isPresent ? buffer.view : nil }
}

extension KeyInterval {
  init(_ bounds: KeyBounds, in keyspace: KeyspaceID) {
    self.init(keyspace: keyspace, lower: bounds.lower ?? [], upper: bounds.upper)
  }
}

extension [UInt8] {
  /// The least key above this one.
  var successor: [UInt8] { self + [0] }
}
