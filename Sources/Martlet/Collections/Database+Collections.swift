// One operation, one transaction: for what needs no more than that.
extension Database {
  /// The record with an id; nil when there is none.
  public func get<Record, ID>(_ id: ID, in collection: RecordCollection<Record, ID>) throws
    -> Record?
  {
    try read { try $0.get(id, in: collection) }
  }

  /// The records of a query, as of one moment.
  @inlinable
  public func fetch<Record, ID>(_ query: RecordQuery<Record, ID>) throws -> [Record] {
    try read { try $0.fetch(query) }
  }

  /// Every record of a collection, as of one moment.
  @inlinable
  public func fetch<Record, ID>(_ collection: RecordCollection<Record, ID>) throws -> [Record] {
    try fetch(collection.all)
  }

  /// The first record of a query; nil when there is none.
  public func first<Record, ID>(_ query: RecordQuery<Record, ID>) throws -> Record? {
    try read { try $0.first(query) }
  }

  /// Some records of a query, and where the next page begins.
  public func page<Record, ID>(_ query: RecordQuery<Record, ID>, of count: Int) throws
    -> RecordPage<Record>
  {
    try read { try $0.page(query, of: count) }
  }

  /// How many records a query has.
  public func count<Record, ID>(_ query: RecordQuery<Record, ID>) throws -> Int {
    try read { try $0.count(query) }
  }

  /// Adds a record whose id is new, in a transaction of its own.
  ///
  /// - Throws: as ``Transaction/insert(_:into:)``.
  public func insert<Record, ID>(
    _ record: Record, into collection: RecordCollection<Record, ID>
  ) throws {
    try write { try $0.insert(record, into: collection) }
  }

  /// Adds or replaces a record, in a transaction of its own.
  ///
  /// - Throws: as ``Transaction/put(_:in:)``.
  public func put<Record, ID>(
    _ record: Record, in collection: RecordCollection<Record, ID>
  ) throws {
    try write { try $0.put(record, in: collection) }
  }

  /// Changes the record with an id, in a transaction of its own; nil when there is none.
  ///
  /// - Throws: as ``Transaction/update(_:in:_:)``.
  @discardableResult
  public func update<Record, ID, Result>(
    _ id: ID, in collection: RecordCollection<Record, ID>,
    _ change: (inout Record) throws -> Result
  ) throws -> Result? {
    try write { try $0.update(id, in: collection, change) }
  }

  /// Deletes the record with an id, in a transaction of its own. Returns whether there was one.
  @discardableResult
  public func delete<Record, ID>(
    _ id: ID, from collection: RecordCollection<Record, ID>
  ) throws -> Bool {
    try write { try $0.delete(id, from: collection) }
  }
}

// The same without blocking the calling task's thread.
extension Database {
  /// As the synchronous `get`.
  public func get<Record: Sendable, ID: Sendable>(
    _ id: ID, in collection: RecordCollection<Record, ID>
  ) async throws -> Record? {
    try await read { try $0.get(id, in: collection) }
  }

  /// As the synchronous `fetch`.
  @inlinable
  public func fetch<Record: Sendable, ID>(_ query: RecordQuery<Record, ID>) async throws
    -> [Record]
  {
    try await read { try $0.fetch(query) }
  }

  /// As the synchronous `fetch`.
  @inlinable
  public func fetch<Record: Sendable, ID>(_ collection: RecordCollection<Record, ID>) async throws
    -> [Record]
  {
    try await fetch(collection.all)
  }

  /// As the synchronous `first`.
  public func first<Record: Sendable, ID>(_ query: RecordQuery<Record, ID>) async throws
    -> Record?
  {
    try await read { try $0.first(query) }
  }

  /// As the synchronous `page`.
  public func page<Record: Sendable, ID>(_ query: RecordQuery<Record, ID>, of count: Int)
    async throws -> RecordPage<Record>
  {
    try await read { try $0.page(query, of: count) }
  }

  /// As the synchronous `count`.
  public func count<Record, ID>(_ query: RecordQuery<Record, ID>) async throws -> Int {
    try await read { try $0.count(query) }
  }

  /// As the synchronous `insert`.
  public func insert<Record: Sendable, ID>(
    _ record: Record, into collection: RecordCollection<Record, ID>
  ) async throws {
    try await write { try $0.insert(record, into: collection) }
  }

  /// As the synchronous `put`.
  public func put<Record: Sendable, ID>(
    _ record: Record, in collection: RecordCollection<Record, ID>
  ) async throws {
    try await write { try $0.put(record, in: collection) }
  }

  /// As the synchronous `update`.
  @discardableResult
  public func update<Record, ID: Sendable, Result: Sendable>(
    _ id: ID, in collection: RecordCollection<Record, ID>,
    _ change: @escaping @Sendable (inout Record) throws -> Result
  ) async throws -> Result? {
    try await write { try $0.update(id, in: collection, change) }
  }

  /// As the synchronous `delete`.
  @discardableResult
  public func delete<Record, ID: Sendable>(
    _ id: ID, from collection: RecordCollection<Record, ID>
  ) async throws -> Bool {
    try await write { try $0.delete(id, from: collection) }
  }
}
