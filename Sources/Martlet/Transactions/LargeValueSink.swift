internal import BTreeIndex
internal import Primitives
internal import RawBytes
internal import VersionStore

/// Where the bytes of a large value go as they arrive: to private overflow pages, and to the log
/// as continuation records, so that the commit record itself stays small.
///
/// - Invariant LV1: the overflow value holds exactly `byteCount` bytes when it is finished.
/// - Invariant LV2: a continuation is in the log before the commit that refers to it.
final class LargeValueSink {
  private unowned let transaction: TransactionState
  private let ordinal: Int
  private let byteCount: UInt64
  private var written: UInt64 = 0
  private var pages: OverflowWriter?
  private var record = ByteBuffer(capacity: LargeValue.continuationByteCount + 64)

  init(transaction: TransactionState, ordinal: Int, byteCount: UInt64) {
    self.transaction = transaction
    self.ordinal = ordinal
    self.byteCount = byteCount
    pages = transaction.store.makeOverflowWriter(byteCount: byteCount)
  }

  func append(_ bytes: ByteView) throws(DatabaseError) {
    guard written + UInt64(bytes.count) <= byteCount else {
      throw DatabaseError(
        .invalidArgument,
        "a large value announced with \(byteCount) bytes received \(written) + \(bytes.count)")
    }
    var offset = 0
    while offset < bytes.count {
      let end = min(offset + LargeValue.continuationByteCount, bytes.count)
      try appendPiece(bytes[offset..<end])
      offset = end
    }
  }

  private func appendPiece(_ piece: ByteView) throws(DatabaseError) {
    do {
      try transaction.store.reserveSpace(piece.count)
      try pages?.append(piece)
    } catch let error as StoreError {
      throw DatabaseError(error)
    } catch let error as TreeError {
      throw DatabaseError(StoreError.tree(error))
    } catch {
      preconditionFailure("an error of an unknown type: \(error)")
    }
    record.removeAll()
    Continuation.encode(
      ordinal: ordinal, byteCount: byteCount, offset: written, piece: piece, into: &record)
    let end = try transaction.pipeline.appendContinuation(
      of: transaction.id, record.view)
    written += UInt64(piece.count)
    try transaction.appended(piece.count, through: end)
  }

  func finish() throws(DatabaseError) -> OverflowReference {
    guard written == byteCount else {
      throw DatabaseError(
        .invalidArgument,
        "a large value announced with \(byteCount) bytes received only \(written)")
    }
    guard let writer = pages.take() else { preconditionFailure("finished twice") }
    do { return try writer.finish() } catch { throw DatabaseError(StoreError.tree(error)) }
  }

  /// Frees the pages of an unfinished value.
  func abandon() { pages = nil }
}
