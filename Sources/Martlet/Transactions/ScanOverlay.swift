internal import BTreeIndex
internal import Primitives
internal import RawBytes

/// What lies over the stored entries in a scan: the transaction's own writes inside the bounds as of
/// the scan's start, and at `.readUncommitted` what others have written and not committed.
struct ScanOverlay: ~Copyable {
  private let transaction: TransactionState?
  /// Indices of the transaction's own writes; the next one is popped from the end.
  private var indices: [Int] = []
  /// Copies of all pending writes instead, likewise.
  private var pending: [PendingWrite] = []

  init(
    transaction: TransactionState?, keyspace: KeyspaceID, bounds: KeyBounds, isReverse: Bool
  ) {
    self.transaction = transaction
    guard let transaction else { return }
    if transaction.control.view == .pending {
      pending = transaction.engine.pendingWriters.writes(
        in: keyspace, bounds, asSeenBy: transaction)
      if !isReverse { pending.reverse() }
    } else if !transaction.writes.isEmpty {
      let lower = OwnedBytes(bounds.lower)
      let upper = OwnedBytes(bounds.upper)
      indices = transaction.writes.sortedIndices(
        in: keyspace, from: lower.view, to: upper.view)
      if !isReverse { indices.reverse() }
    }
  }

  var hasCurrent: Bool { !indices.isEmpty || !pending.isEmpty }

  /// Whether the current key lies behind the end of a piece.
  func isBehind(_ piece: borrowing MergedScan.Piece, isReverse: Bool) -> Bool {
    let lower = piece.lower.view
    let upper = piece.upper.view
    return withKey { key in
      if isReverse { return lower.map { key < $0 } ?? false }
      return upper.map { !(key < $0) } ?? false
    }
  }

  func withKey<Result>(_ body: (ByteView) -> Result) -> Result {
    if let write = pending.last { return write.key.withByteView(body) }
    guard let transaction, let index = indices.last else { preconditionFailure("no own write") }
    return body(transaction.writes.key(at: index))
  }

  mutating func advance() {
    if pending.isEmpty { indices.removeLast() } else { pending.removeLast() }
  }

  /// Lends copies, for the body may write. Nil when the write is a removal: nothing to visit.
  func lend(
    to body: (ByteView, ScannedValue) throws -> ScanStep?, in context: ReadContext
  ) throws -> ScanStep? {
    if let write = pending.last { return try lend(write, to: body, in: context) }
    guard let transaction, let index = indices.last else { preconditionFailure("no own write") }
    return try context.withScratch { keyLevel in
      keyLevel.bytes.append(transaction.writes.key(at: index))
      return try context.withScratch { valueLevel -> ScanStep? in
        let own = transaction.writes.found(at: index)
        if context.hasExpired(own.expiry) { return nil }
        switch own.write {
        case .remove: return nil
        case .merge: preconditionFailure("a scan began over an unresolved merge")
        case .set(let bytes):
          valueLevel.bytes.append(bytes)
          return try body(keyLevel.bytes.view, .bytes(valueLevel.bytes.view))
        case .large(let ordinal, _):
          return try body(
            keyLevel.bytes.view, .large(transaction.largeValues[ordinal], at: context.snapshot))
        }
      }
    }
  }

  private func lend(
    _ write: PendingWrite, to body: (ByteView, ScannedValue) throws -> ScanStep?,
    in context: ReadContext
  ) throws -> ScanStep? {
    try write.key.withByteView { key in
      switch write.value {
      case .remove: return nil
      case .set(let bytes): return try bytes.withByteView { try body(key, .bytes($0)) }
      case .large(let reference):
        return try body(key, .large(reference, at: context.snapshot))
      }
    }
  }
}
