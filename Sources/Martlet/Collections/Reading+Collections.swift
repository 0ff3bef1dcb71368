internal import KeyCoding
internal import RawBytes

// Reading of collections, as a `Snapshot` and a `Transaction` both offer it. In a transaction its own
// writes are included.
//
// Every operation throws `collectionNotOpen` for a collection that the database was not told of, and
// `collectionChanged` for one that it knows by another declaration; what a coder throws passes through.
extension Reading where Self: ~Copyable {
  /// The record with an id; nil when there is none.
  ///
  /// - Complexity: O(log n) pages, and decoding one record.
  public func get<Record, ID>(_ id: ID, in collection: RecordCollection<Record, ID>) throws
    -> Record?
  {
    let access = recordAccess
    let bound = try access.bind(collection.definition)
    return try access.withKey(of: id) { key in
      try access.withRecord(key, in: bound.records) { bytes in
        try collection.core.coder.decode(bytes)
      }
    }
  }

  /// Whether there is a record with an id. The record is not decoded.
  ///
  /// - Complexity: O(log n) pages.
  public func contains<Record, ID>(_ id: ID, in collection: RecordCollection<Record, ID>) throws
    -> Bool
  {
    let access = recordAccess
    let bound = try access.bind(collection.definition)
    return try access.withKey(of: id) { key in
      try access.withRecord(key, in: bound.records) { _ in true } ?? false
    }
  }

  /// Visits the records of a query, one decoded at a time, until the body says stop.
  ///
  /// The body may read and write through the same transaction. A record that it has deleted before
  /// its turn is not visited.
  /// - Throws: what the body throws; `indexNotReady` while the index is being built.
  /// - Complexity: O(log n) pages, then about one page for every hundred small records; through an
  ///   index O(log n) for each record.
  public func forEach<Record, ID>(
    _ query: RecordQuery<Record, ID>, _ body: (Record) throws -> ScanStep
  ) throws {
    let decode = query.collection.core.coder.decode
    try recordAccess.scanRecords(query) { _, bytes in try body(decode(bytes)) }
  }

  /// The records of a query.
  ///
  /// - Throws: `indexNotReady` while the index is being built.
  /// - Complexity: as ``forEach(_:_:)``.
  @inlinable
  public func fetch<Record, ID>(_ query: RecordQuery<Record, ID>) throws -> [Record] {
    var records: [Record] = []
    try handOver(query) { record in records.append(record) }
    return records
  }

  /// Hands the records of a query over: nothing is copied on the way into an array, which the
  /// caller's module knows the type of.
  @usableFromInline
  func handOver<Record, ID>(
    _ query: RecordQuery<Record, ID>, _ body: (consuming Record) -> Void
  ) throws {
    let decode = query.collection.core.coder.decode
    try recordAccess.scanRecords(query) { _, bytes in
      body(try decode(bytes))
      return .continue
    }
  }

  /// Every record of a collection, in the order of the ids.
  @inlinable
  public func fetch<Record, ID>(_ collection: RecordCollection<Record, ID>) throws -> [Record] {
    try fetch(collection.all)
  }

  /// The first record of a query; nil when there is none.
  public func first<Record, ID>(_ query: RecordQuery<Record, ID>) throws -> Record? {
    var first: Record?
    try forEach(query.limit(1)) { record in
      first = record
      return .stop
    }
    return first
  }

  /// Some records of a query, and where the next page begins.
  ///
  /// ```swift
  /// let page = try snapshot.page(query.resuming(after: position), of: 50)
  /// position = page.next
  /// ```
  /// - Complexity: that of what is shown, wherever the page begins.
  public func page<Record, ID>(_ query: RecordQuery<Record, ID>, of count: Int) throws
    -> RecordPage<Record>
  {
    precondition(count > 0, "a page has at least one record")
    let decode = query.collection.core.coder.decode
    var records: [Record] = []
    var last: [UInt8] = []
    var hasMore = false
    try recordAccess.scanRecords(query) { key, bytes in
      guard records.count < count else {
        hasMore = true
        return .stop
      }
      records.append(try decode(bytes))
      if records.count == count { last = key.array }
      return .continue
    }
    return RecordPage(records: records, next: hasMore ? QueryPosition(key: last) : nil)
  }

  /// How many records a query has. Through an index or by ids none is read.
  ///
  /// - Complexity: O(records counted), about one page for every hundred.
  public func count<Record, ID>(_ query: RecordQuery<Record, ID>) throws -> Int {
    var count = 0
    try recordAccess.scanKeys(query) { _ in
      count += 1
      return .continue
    }
    return count
  }

  /// Whether a query has any record. None is decoded.
  ///
  /// - Complexity: O(log n) pages.
  public func exists<Record, ID>(_ query: RecordQuery<Record, ID>) throws -> Bool {
    var exists = false
    try recordAccess.scanKeys(query.limit(1)) { _ in
      exists = true
      return .stop
    }
    return exists
  }

  /// The ids of a query's records, which are not read: through an index they stand in it.
  ///
  /// - Throws: `corrupt` when what stands there is no id.
  public func ids<Record, ID>(of query: RecordQuery<Record, ID>) throws -> [ID] {
    var ids: [ID] = []
    let name = query.collection.name
    try recordAccess.scanKeys(query) { key in
      ids.append(try ID(recordKey: key, in: name))
      return .continue
    }
    return ids
  }
}

extension KeyElement {
  /// The id that a record's key stands for.
  ///
  /// - Throws: `corrupt` when it stands for none.
  init(recordKey key: ByteView, in collection: String) throws(DatabaseError) {
    do {
      self = try KeyDecoder.decode(unsafe key.buffer.bytes) {
        (decoder) throws(KeyDecodingError) in try Self(elementsFrom: &decoder)
      }
    } catch {
      throw DatabaseError(
        .corrupt,
        "a key of collection \"\(collection)\" is no \(Self.self): \(error); run martlet verify")
    }
  }
}
