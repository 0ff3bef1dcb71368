internal import KeyCoding
internal import RawBytes

/// What a transaction did to one record of a collection: a ``Change`` with its types.
public struct RecordChange<Record, ID: KeyElement> {
  /// The record's id.
  public let id: ID
  /// The record from this commit on; nil when it was deleted, and when it is so large that the feed
  /// does not carry it (``Change/newValue``).
  public let newRecord: Record?
  /// The record before; nil when there was none, when it is not carried, and when the collection's
  /// keyspace does not record previous values (``Change/oldValue``).
  public let oldRecord: Record?
  /// The change as the feed tells it.
  public let change: Change

  /// Whether the record was deleted.
  public var isDeletion: Bool { change.isRemoval }
}

extension RecordChange: Sendable where Record: Sendable, ID: Sendable {}

extension CommittedChanges {
  /// What the transaction did to the records of a collection, ascending by id.
  ///
  /// ```swift
  /// for try await committed in try database.changes(of: Person.all, from: token) {
  ///   for change in try committed.records(of: Person.all, in: database) {
  ///     if let person = change.newRecord { print(person.name) }
  ///   }
  /// }
  /// ```
  /// - Parameters:
  ///   - collection: which records; those of other collections are left out.
  ///   - database: the one whose feed this comes from.
  /// - Throws: `collectionNotOpen` and `collectionChanged`; `corrupt` for a key that is no id; what the
  ///   coder throws.
  /// - Complexity: O(changes), and decoding the collection's records.
  public func records<Record, ID>(
    of collection: RecordCollection<Record, ID>, in database: Database
  ) throws -> [RecordChange<Record, ID>] {
    let keyspace = try database.keyspace(of: collection).id
    func record(_ value: ChangedValue) throws -> Record? {
      guard case .bytes(let bytes) = value else { return nil }
      return try unsafe collection.core.coder.decode(bytes.span.bytes)
    }
    return try changes.filter { $0.keyspace == keyspace }.map { change in
      RecordChange(
        id: try change.key.withByteView { try ID(recordKey: $0, in: collection.name) },
        newRecord: try record(change.newValue), oldRecord: try record(change.oldValue),
        change: change)
    }
  }
}

extension Database {
  /// The changes of one collection's records that become durable from now on, or from a token on; see
  /// ``changes(in:from:)``, and ``CommittedChanges/records(of:in:)`` for the records.
  ///
  /// - Throws: as ``changes(in:from:)``; `collectionNotOpen` and `collectionChanged`.
  public func changes<Record, ID>(
    of collection: RecordCollection<Record, ID>, from token: ChangeToken? = nil
  ) throws -> ChangeFeed {
    try changes(in: [keyspace(of: collection)], from: token)
  }

  /// The keyspace that holds a collection's records, each under the tuple encoding of its id: for what
  /// speaks of keyspaces, such as a ``ChangeFeed`` of several collections.
  ///
  /// It can be read; see ``Keyspace/bypassingCollection`` for writing to it.
  /// - Throws: `collectionNotOpen` and `collectionChanged`.
  public func keyspace<Record, ID>(of collection: RecordCollection<Record, ID>) throws -> Keyspace {
    try engine.collections.bind(collection.definition).records.written(by: .application)
  }
}
