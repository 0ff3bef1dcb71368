internal import BTreeIndex
internal import ConcurrencyControl
internal import Primitives
internal import RawBytes
internal import VersionStore

// Scans of two-phase locking: what is visited is locked before it is read, piece by piece, so that a
// scan that stops early locks little more than it has seen.
extension MergedScan {
  /// Entries of the first piece of a scan without a limit, doubled with each further one.
  private static var firstPieceCount: Int { 64 }
  private static var greatestPieceCount: Int { 4096 }

  /// Locks an interval, then reads it, then the next one (rule L3). Nothing can appear in what was
  /// visited, nor between it.
  mutating func runLockingIntervals(
    _ overlay: inout ScanOverlay, _ body: (ByteView, ScannedValue) throws -> ScanStep?
  ) throws {
    guard let transaction else { preconditionFailure("a snapshot takes no locks") }
    var rest = bounds
    var count = min(limit, Self.firstPieceCount)
    while true {
      let (next, isFinal) = try nextPiece(of: rest, count: count)
      let interval = KeyInterval(next, in: keyspace.id)
      try transaction.lock(interval)
      if context.notesReads { context.readSet.note(interval) }
      // Only now: what was published before the lock was granted is seen, and nothing can follow.
      let newest = context.beginNewest()
      defer { context.store.endSnapshot(newest) }
      if try walk(Piece(next), at: newest, &overlay, body) || isFinal { return }
      rest =
        isReverse
        ? KeyBounds(lower: bounds.lower, upper: next.lower)
        : KeyBounds(lower: next.upper, upper: bounds.upper)
      count = min(limit, 2 * count, Self.greatestPieceCount)
    }
  }

  /// Bounds of the next so many entries as they stand now, and whether nothing lies behind them.
  private func nextPiece(of rest: KeyBounds, count: Int) throws -> (bounds: KeyBounds, Bool) {
    let snapshot = context.beginNewest()
    defer { context.store.endSnapshot(snapshot) }
    let piece = Piece(rest)
    var cursor = try throwing { () throws(StoreError) in
      try context.store.makeCursor(in: keyspace.id, at: snapshot)
    }
    var isThere = try throwing { () throws(StoreError) in try start(&cursor, piece) }
    var remaining = count
    while isThere, !piece.isBehind(cursor.key, isReverse: isReverse) {
      remaining -= 1
      if remaining == 0 {
        let key = cursor.key.array
        let next =
          isReverse
          ? KeyBounds(lower: key, upper: rest.upper)
          : KeyBounds(lower: rest.lower, upper: key.successor)
        return (next, false)
      }
      isThere = try throwing { [isReverse] () throws(StoreError) in
        try isReverse ? cursor.previous() : cursor.next()
      }
    }
    return (rest, true)
  }

  /// Locks each key before it is visited, and shows what it holds then: it stays as it is to the
  /// end, but others may appear beside it.
  mutating func runLockingKeys(
    _ overlay: inout ScanOverlay, _ body: (ByteView, ScannedValue) throws -> ScanStep?
  ) throws {
    guard let transaction else { preconditionFailure("a snapshot takes no locks") }
    let scanned = context.beginNewest()
    defer { context.store.endSnapshot(scanned) }
    let keyspace = keyspace.id
    let context = context
    _ = try walk(Piece(bounds), at: scanned, &overlay) { key, value in
      if transaction.hasPendingWrite(of: key, in: keyspace) { return try body(key, value) }
      let name = ReadContext.name(of: key, in: keyspace)
      do throws(DatabaseError) {
        _ = try transaction.lock(.shared, name, key)
      } catch {
        throw transaction.note(error)
      }
      if context.notesReads { context.readSet.note(name) }
      context.refresh()
      if context.snapshot.timestamp == scanned.timestamp { return try body(key, value) }
      return try context.withScratch { level -> ScanStep? in
        guard let found = try context.find(key, in: keyspace, copyingTo: level) else { return nil }
        if let reference = found.overflow {
          return try body(key, .large(reference, at: context.snapshot))
        }
        return try body(key, .bytes(level.bytes.view[found.valueRange]))
      }
    }
  }
}
