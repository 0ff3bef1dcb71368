internal import BTreeIndex
internal import Primitives
internal import RawBytes
internal import VersionStore

/// A scan of one keyspace as a transaction sees it: the snapshot's entries, overlaid with the
/// transaction's own writes as of the scan's start.
///
/// - Invariant MS1: keys are visited in order, each once; the transaction's own write of a key
///   hides the snapshot's.
struct MergedScan: ~Copyable {
  let context: ReadContext
  let transaction: TransactionState?
  let keyspace: Keyspace
  let bounds: KeyBounds
  let isReverse: Bool
  var limit: Int

  /// Visits entries until the body or the limit says stop. User errors pass through as they are.
  mutating func run(_ body: (ByteView, ScannedValue) throws -> ScanStep) throws {
    guard limit > 0 else { return }
    let lower = OwnedBytes(bounds.lower)
    let upper = OwnedBytes(bounds.upper)
    var own = OwnWrites(
      transaction: transaction, keyspace: keyspace.id, lower: lower.view, upper: upper.view,
      isReverse: isReverse)
    var cursor = try throwing { () throws(StoreError) in
      try unsafe context.engine.store.makeCursor(in: keyspace.id, at: context.snapshot)
    }
    var hasStored = try throwing { () throws(StoreError) in
      try start(&cursor, lower.view, upper.view)
    }
    if !own.hasCurrent {
      return try runStored(&cursor, hasStored, lower.view, upper.view, body)
    }
    while true {
      if hasStored, isOutside(cursor.key, lower.view, upper.view) { hasStored = false }
      guard hasStored || own.hasCurrent else { return }
      let order = compare(hasStored: hasStored, cursor, own)
      let step: ScanStep?
      if order <= 0 {
        // The stored entry comes first, or the transaction's own write hides it.
        step =
          order < 0
          ? try body(cursor.key, value(of: cursor)) : try own.lend(to: body, in: context)
        if order == 0 { own.advance() }
        if !isLast(step) {
          hasStored = try throwing { [isReverse] () throws(StoreError) in
            try isReverse ? cursor.previous() : cursor.next()
          }
        }
      } else {
        step = try own.lend(to: body, in: context)
        own.advance()
      }
      if let step {
        limit -= 1
        if step == .stop || limit == 0 { return }
        try transaction?.requireUsable(keyspace)
      }
    }
  }

  /// The scan of a snapshot, or of a transaction that has written nothing here: no merging.
  private mutating func runStored(
    _ cursor: inout StoreCursor, _ hasFirst: Bool, _ lower: ByteView?, _ upper: ByteView?,
    _ body: (ByteView, ScannedValue) throws -> ScanStep
  ) throws {
    var isThere = hasFirst
    while isThere, !isOutside(cursor.key, lower, upper) {
      let step = try body(cursor.key, value(of: cursor))
      limit -= 1
      if step == .stop || limit == 0 { return }
      try transaction?.requireUsable(keyspace)
      do throws(StoreError) {
        isThere = try isReverse ? cursor.previous() : cursor.next()
      } catch {
        throw noted(error)
      }
    }
  }

  private func start(_ cursor: inout StoreCursor, _ lower: ByteView?, _ upper: ByteView?)
    throws(StoreError) -> Bool
  {
    if isReverse {
      guard let upper else { return try cursor.seekLast() }
      return try cursor.seek(before: upper)
    }
    guard let lower else { return try cursor.seekFirst() }
    return try cursor.seek(atOrAfter: lower)
  }

  private func compare(
    hasStored: Bool, _ cursor: borrowing StoreCursor, _ own: borrowing OwnWrites
  ) -> Int {
    guard own.hasCurrent else { return -1 }
    guard hasStored else { return 1 }
    let order = cursor.key.compare(own.key)
    return isReverse ? -order : order
  }

  /// Whether the scan ends with this step, so that the next entry need not be fetched.
  private func isLast(_ step: ScanStep?) -> Bool { step == .stop || (step != nil && limit == 1) }

  private func isOutside(_ key: ByteView, _ lower: ByteView?, _ upper: ByteView?) -> Bool {
    if isReverse {
      if let lower { return key < lower }
    } else if let upper {
      return !(key < upper)
    }
    return false
  }

  /// What the cursor stands on; the views live until it moves, which it does after the body has
  /// returned.
  private func value(of cursor: borrowing StoreCursor) -> ScannedValue {
    cursor.overflow.map(ScannedValue.large) ?? .bytes(cursor.value)
  }

  private func throwing<Result: ~Copyable>(
    _ body: () throws(StoreError) -> Result
  ) throws(DatabaseError) -> Result {
    do { return try body() } catch { throw noted(error) }
  }

  private func noted(_ error: StoreError) -> DatabaseError {
    let failure = DatabaseError(error)
    return transaction?.note(failure) ?? failure
  }
}

/// Bytes of a bound, kept for the length of a scan.
private struct OwnedBytes: ~Copyable {
  private var buffer: ByteBuffer
  private let isPresent: Bool

  init(_ bytes: [UInt8]?) {
    isPresent = bytes != nil
    var copy = ByteBuffer(capacity: bytes?.count ?? 0)
    bytes?.withByteView { copy.append($0) }
    buffer = copy
  }

  var view: ByteView? { isPresent ? buffer.view : nil }
}

/// A transaction's own writes inside a scan's bounds, in the direction of the scan.
private struct OwnWrites: ~Copyable {
  private let transaction: TransactionState?
  private var indices: [Int] = []

  init(
    transaction: TransactionState?, keyspace: KeyspaceID, lower: ByteView?, upper: ByteView?,
    isReverse: Bool
  ) {
    self.transaction = transaction
    guard let transaction, !transaction.writes.isEmpty else { return }
    indices = transaction.writes.sortedIndices(in: keyspace, from: lower, to: upper)
    // The next one is popped from the end.
    if !isReverse { indices.reverse() }
  }

  var hasCurrent: Bool { !indices.isEmpty }

  var key: ByteView {
    guard let transaction, let index = indices.last else { preconditionFailure("no own write") }
    return transaction.writes.key(at: index)
  }

  mutating func advance() { indices.removeLast() }

  /// Lends copies, for the body may write. Nil when the write is a removal: nothing to visit.
  func lend(
    to body: (ByteView, ScannedValue) throws -> ScanStep, in context: ReadContext
  ) throws -> ScanStep? {
    guard let transaction, let index = indices.last else { preconditionFailure("no own write") }
    return try context.withScratch { keyLevel in
      keyLevel.bytes.append(transaction.writes.key(at: index))
      return try context.withScratch { valueLevel -> ScanStep? in
        switch transaction.writes.write(at: index) {
        case .remove: return nil
        case .set(let bytes):
          valueLevel.bytes.append(bytes)
          return try body(keyLevel.bytes.view, .bytes(valueLevel.bytes.view))
        case .large(let ordinal, _):
          return try body(keyLevel.bytes.view, .large(transaction.largeValues[ordinal]))
        }
      }
    }
  }
}

/// A value that a scan has come to.
enum ScannedValue {
  /// Its bytes, lent until the scan moves on.
  case bytes(ByteView)
  /// It lies in overflow pages, and nothing of it has been read.
  case large(OverflowReference)

  var byteCount: Int {
    switch self {
    case .bytes(let view): view.count
    case .large(let reference): Int(reference.byteCount)
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
      case .large(let reference):
        return try context.withScratch { level in
          let bytes = try context.largeBytes(reference, in: level)
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
