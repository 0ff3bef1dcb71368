public import KeyCoding

/// Which records of a collection, in which order: an interval of ids or of an index.
///
/// A query is a value. It reads nothing before a snapshot, a transaction or a database is asked with
/// it:
///
/// ```swift
/// let adults = people.where(byAge.within(18...)).limit(50)
/// let first = try database.read { try $0.fetch(adults) }
/// ```
public struct RecordQuery<Record, ID: KeyElement>: Sendable {
  /// The collection that it asks.
  package let collection: RecordCollection<Record, ID>
  /// The place of the index that it goes through; nil for the records in the order of their ids.
  let index: Int?
  var bounds: TupleBounds
  private(set) var isReverse = false
  private(set) var limit = Int.max

  init(_ collection: RecordCollection<Record, ID>, index: Int?, _ bounds: TupleBounds) {
    self.collection = collection
    self.index = index
    self.bounds = bounds
  }

  /// The same in the opposite order.
  public func reversed() -> RecordQuery {
    var query = self
    query.isReverse.toggle()
    return query
  }

  /// The first `count` of them: of a query that resumes, from there on.
  public func limit(_ count: Int) -> RecordQuery {
    precondition(count >= 0, "a limit is not negative")
    var query = self
    query.limit = min(limit, count)
    return query
  }

  /// What comes after a position that a page ended with: the way to go through many records page by
  /// page, whatever was written in between, at the cost of what is shown.
  ///
  /// - Parameter position: of the same query; nil for its beginning.
  public func resuming(after position: QueryPosition?) -> RecordQuery {
    guard let position else { return self }
    var query = self
    query.bounds = bounds.resuming(after: position.key, isReverse: isReverse)
    return query
  }
}

/// A place in the order of a query: behind the last record of a page.
///
/// It can be stored and sent: it is the key of that record in the index, and means something for
/// queries over the same index only.
public struct QueryPosition: Sendable, Hashable, Codable {
  /// A key of the keyspace that the query scans.
  let key: [UInt8]
}

/// Some of the records of a query.
public struct RecordPage<Record> {
  /// In the order of the query.
  public let records: [Record]
  /// Where the next page begins; nil when there are no more.
  public let next: QueryPosition?
}

extension RecordPage: Sendable where Record: Sendable {}

extension RecordCollection {
  /// Every record, in the order of the ids.
  public var all: RecordQuery<Record, ID> { RecordQuery(self, index: nil, .all) }

  /// The records in a part of an index, in its order.
  ///
  /// The index must be one that the collection declares.
  public func `where`(_ selection: IndexSelection<Record>) -> RecordQuery<Record, ID> {
    RecordQuery(self, index: definition.position(of: selection.index), selection.bounds)
  }

  /// The records whose ids lie in a range, in the order of the ids.
  public func `where`(id range: some KeyRangeExpression<ID>) -> RecordQuery<Record, ID> {
    RecordQuery(self, index: nil, TupleBounds(startingWith: [], then: range))
  }
}

extension RecordCollection where ID == String {
  /// The records whose ids begin with a text.
  public func `where`(idHasPrefix beginning: String) -> RecordQuery<Record, ID> {
    RecordQuery(self, index: nil, TupleBounds(startingWith: [], thenText: beginning))
  }
}
