// Writing of collections. A record and its index entries are written together, and each operation
// happens as a whole or not at all.
//
// Each throws what `Transaction.set` throws; `collectionNotOpen` and `collectionChanged`;
// `valueTooLarge` for a record above 16 MiB (nothing happened);
// `uniqueViolation` when another record has its key in a unique index (nothing happened); and what
// the coder throws when a record cannot be encoded, or the one that is there cannot be decoded.
extension Transaction {
  /// Adds a record whose id is new.
  ///
  /// - Throws: `keyExists` when there is a record with its id: nothing happened.
  public func insert<Record, ID>(
    _ record: Record, into collection: RecordCollection<Record, ID>
  ) throws {
    _ = try RecordWriting(state, collection).put(record, .absent)
  }

  /// Adds a record, or replaces the one with its id.
  ///
  /// In a collection without indexes the old record is not read.
  public func put<Record, ID>(
    _ record: Record, in collection: RecordCollection<Record, ID>
  ) throws {
    _ = try RecordWriting(state, collection).put(record, .anything)
  }

  /// Replaces the record with its id.
  ///
  /// - Returns: whether there was one; if not, nothing happened.
  @discardableResult
  public func replace<Record, ID>(
    _ record: Record, in collection: RecordCollection<Record, ID>
  ) throws -> Bool {
    try RecordWriting(state, collection).put(record, .present)
  }

  /// Changes the record with an id.
  ///
  /// ```swift
  /// try tx.update(anna.id, in: people) { $0.city = "Oslo" }
  /// ```
  /// Other writers are kept from it from the moment it is read, so no update is lost, at any level.
  /// - Parameters:
  ///   - id: whose record.
  ///   - collection: where it is.
  ///   - change: changes the record in place. It must leave the id as it is.
  /// - Returns: what `change` returned; nil when there is no such record.
  /// - Throws: what `change` throws: nothing happened. `invalidArgument` when it changed the id.
  @discardableResult
  public func update<Record, ID, Result>(
    _ id: ID, in collection: RecordCollection<Record, ID>,
    _ change: (inout Record) throws -> Result
  ) throws -> Result? {
    try RecordWriting(state, collection).update(id, change)
  }

  /// The record with an id, which is going to be written: other writers are kept from it, and nil
  /// keeps them from adding it.
  public func getForUpdate<Record, ID>(
    _ id: ID, in collection: RecordCollection<Record, ID>
  ) throws -> Record? {
    try RecordWriting(state, collection).get(id)
  }

  /// Deletes the record with an id.
  ///
  /// - Returns: whether there was one.
  @discardableResult
  public func delete<Record, ID>(
    _ id: ID, from collection: RecordCollection<Record, ID>
  ) throws -> Bool {
    try RecordWriting(state, collection).delete(id)
  }

  /// Deletes the records of a query.
  ///
  /// - Returns: how many there were.
  @discardableResult
  public func deleteAll<Record, ID>(_ query: RecordQuery<Record, ID>) throws -> Int {
    let writing = try RecordWriting(state, query.collection)
    var count = 0
    for key in try writing.keys(of: query) where try writing.delete(key: key) { count += 1 }
    return count
  }
}
