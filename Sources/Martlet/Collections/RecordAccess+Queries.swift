internal import KeyCoding
internal import Primitives
internal import RawBytes
internal import VersionStore

// How queries read: through the records' own keyspace, or through an index and then record by record.
extension RecordAccess {
  /// Visits the records of a query: the key at which the scan stands, and the record's bytes.
  func scanRecords<Record, ID>(
    _ query: RecordQuery<Record, ID>, _ body: (ByteView, RawSpan) throws -> ScanStep
  ) throws {
    let bound = try bind(query.collection.definition)
    let bounds = query.bounds.keyBounds
    guard let position = query.index else {
      var scan = try scan(
        bound.records, bounds, isReverse: query.isReverse, limit: query.limit)
      try scan.runEntries { key, bytes in
        try key.withByteView { key in try body(key, bytes) }
      }
      return
    }
    let index = try bound.index(position)
    try index.requireReady(at: self)
    let moment = try beginStatement()
    defer { endStatement(moment) }
    func visit(_ key: ByteView, _ id: ByteView) throws -> ScanStep? {
      let step = try withRecord(id, in: bound.records, at: moment) { bytes -> ScanStep? in
        try body(key, bytes)
      }
      if let step { return step }
      try requireMayBeAbsent(id, in: bound.records, index)
      return nil
    }
    if query.bounds.isPoint, index.isUnique {
      return try withPoint(query, index, at: moment) { key, id in _ = try visit(key, id) }
    }
    var scan = try scan(index.keyspace, bounds, isReverse: query.isReverse, limit: query.limit)
    scan.moment = moment
    try scan.run { key, value in try visit(key, index.recordKey(key, value)) }
  }

  /// The one entry that a unique index can have under a key: found as a key, which is less to read,
  /// to lock and to certify than an interval.
  private func withPoint<Record, ID>(
    _ query: RecordQuery<Record, ID>, _ index: BoundIndex, at moment: StoreSnapshot?,
    _ body: (_ key: ByteView, _ id: ByteView) throws -> Void
  ) throws {
    guard query.limit > 0 else { return }
    try query.bounds.lower.withByteView { key in
      _ = try withRecord(key, in: index.keyspace, at: moment) { id -> Void? in
        try id.withByteView { try body(key, $0) }
      }
    }
  }

  /// Visits the keys of a query's records, which are not read.
  func scanKeys<Record, ID>(
    _ query: RecordQuery<Record, ID>, _ body: (ByteView) throws -> ScanStep
  ) throws {
    let bound = try bind(query.collection.definition)
    let bounds = query.bounds.keyBounds
    guard let position = query.index else {
      var scan = try scan(
        bound.records, bounds, isReverse: query.isReverse, limit: query.limit)
      try scan.run { key, _ in try body(key) }
      return
    }
    let index = try bound.index(position)
    try index.requireReady(at: self)
    if query.bounds.isPoint, index.isUnique {
      return try withPoint(query, index, at: nil) { _, id in _ = try body(id) }
    }
    var scan = try scan(index.keyspace, bounds, isReverse: query.isReverse, limit: query.limit)
    try scan.run { key, value in try body(index.recordKey(key, value)) }
  }

  /// A moment for a query that reads an index and then records, where the level would show each the
  /// newest state: without it a record could have changed between its entry and itself. Nil where
  /// the view is one moment already, or locks keep both as they are.
  private func beginStatement() throws -> StoreSnapshot? {
    guard let transaction, transaction.control.view != .snapshot,
      transaction.control.scanning == .free
    else { return nil }
    return context.beginNewest()
  }

  private func endStatement(_ moment: StoreSnapshot?) {
    if let moment { context.store.endSnapshot(moment) }
  }

  /// Lends the bytes of a record as of a moment, or as the reader sees it now.
  private func withRecord<Result>(
    _ key: ByteView, in keyspace: Keyspace, at moment: StoreSnapshot?,
    _ body: (RawSpan) throws -> Result?
  ) throws -> Result? {
    guard let moment, let transaction else {
      return try withRecord(key, in: keyspace, body) ?? nil
    }
    return try context.withScratch { level -> Result? in
      guard let value = try transaction.find(key, in: keyspace.id, at: moment, copyingTo: level)
      else { return nil }
      return try unsafe body(value.buffer.bytes)
    }
  }

  /// An entry whose record is absent: deleted by this transaction since its scan began, or by one
  /// whose uncommitted writes it sees. Otherwise the index is wrong.
  private func requireMayBeAbsent(
    _ key: ByteView, in keyspace: Keyspace, _ index: BoundIndex
  ) throws(DatabaseError) {
    if let transaction {
      if transaction.control.view == .pending { return }
      if transaction.hasPendingWrite(of: key, in: keyspace.id) { return }
    }
    throw DatabaseError.indexEntryWithoutRecord(index.name, key.array, keyspace)
  }
}
