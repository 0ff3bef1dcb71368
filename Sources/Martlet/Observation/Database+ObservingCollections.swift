// Live queries of collections: what `fetch`, `get` and `count` answer, now and after each change.
// The form that takes a closure says what they promise.
extension Database {
  /// The records of a query, now and after each change of one of them, or of which they are.
  ///
  /// What is read is the interval of the index, and each record that it leads to: a change of another
  /// record does not cause a read.
  public func observe<Record: Sendable, ID>(
    _ query: RecordQuery<Record, ID>
  ) -> LiveValues<[Record]> {
    observe { snapshot in try snapshot.fetch(query) }
  }

  /// Every record of a collection, in the order of the ids, now and after each change.
  public func observe<Record: Sendable, ID>(
    _ collection: RecordCollection<Record, ID>
  ) -> LiveValues<[Record]> {
    observe(collection.all)
  }

  /// The record with an id, now and after each change of it; nil while there is none.
  public func observe<Record: Sendable, ID: Sendable>(
    _ id: ID, in collection: RecordCollection<Record, ID>
  ) -> LiveValues<Record?> {
    observe { snapshot in try snapshot.get(id, in: collection) }
  }

  /// How many records a query has, now and after each change. Records are not decoded.
  public func observeCount<Record, ID>(of query: RecordQuery<Record, ID>) -> LiveValues<Int> {
    observe { snapshot in try snapshot.count(query) }
  }
}
