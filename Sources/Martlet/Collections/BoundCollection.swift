internal import BTreeIndex
internal import Primitives
internal import RawBytes
internal import VersionStore

/// A collection in one database: its keyspaces.
///
/// Immutable; when an index becomes ready, or is dropped, there is another one (`CollectionRegistry`).
final class BoundCollection: Sendable {
  let name: String
  let specification: CollectionSpecification
  let records: Keyspace
  /// In the order of the declaration that asked.
  let indexes: [BoundIndex]

  init(
    name: String, specification: CollectionSpecification, records: Keyspace, indexes: [BoundIndex]
  ) {
    self.name = name
    self.specification = specification
    self.records = records
    self.indexes = indexes
  }

  /// An index by its place in the declaration.
  ///
  /// - Throws: `indexNotReady` in a migration.
  func index(_ position: Int) throws(DatabaseError) -> BoundIndex {
    guard position < indexes.count else {
      throw DatabaseError(
        .indexNotReady,
        "indexes of collection \"\(name)\" do not answer in a migration: ask it without one")
    }
    return indexes[position]
  }

  /// The same for another declaration of the same collection; nil when it is not the same.
  func arranged(for definition: CollectionDefinition) -> BoundCollection? {
    guard definition.specification == specification, definition.indexes.count == indexes.count
    else { return nil }
    var arranged: [BoundIndex] = []
    for wanted in definition.indexes {
      guard let index = indexes.first(where: { $0.name == wanted.name }),
        index.specification == wanted.specification
      else { return nil }
      arranged.append(index)
    }
    return BoundCollection(
      name: name, specification: specification, records: records, indexes: arranged)
  }

  /// The same with one index changed.
  func replacing(_ index: BoundIndex) -> BoundCollection {
    BoundCollection(
      name: name, specification: specification, records: records,
      indexes: indexes.map { $0.name == index.name ? index : $0 })
  }
}

/// An index in one database: behind one reference, since operations pass it on.
final class BoundIndex: Sendable {
  /// Whether it can be asked.
  enum State: Sendable {
    /// It has every entry, as of this commit and every later one.
    case ready(since: Timestamp)
    /// Writers maintain it, but entries of older records are missing.
    case building
    /// It could not be built.
    case failed(DatabaseError)
  }

  let collection: String
  let name: String
  let specification: IndexSpecification
  let keyspace: Keyspace
  let state: State

  init(
    collection: String, name: String, specification: IndexSpecification, keyspace: Keyspace,
    state: State
  ) {
    self.collection = collection
    self.name = name
    self.specification = specification
    self.keyspace = keyspace
    self.state = state
  }

  var isUnique: Bool { specification.isUnique }

  func with(_ state: State) -> BoundIndex {
    BoundIndex(
      collection: collection, name: name, specification: specification, keyspace: keyspace,
      state: state)
  }

  /// - Throws: `indexNotReady`, or `snapshotTooOld` for a reader from before it was complete.
  func requireReady(at access: RecordAccess) throws(DatabaseError) {
    switch state {
    case .ready(let moment):
      guard access.context.snapshot.timestamp < moment else { return }
      // What it reads may be newer than the snapshot that it began with.
      if let transaction = access.transaction, transaction.control.view != .snapshot { return }
      throw DatabaseError.indexNewerThanSnapshot(self, moment)
    case .building: throw DatabaseError.indexNotReady(self)
    case .failed(let error): throw DatabaseError.indexFailed(self, error)
    }
  }

  /// The key of the record that an entry stands for.
  func recordKey(_ key: ByteView, _ value: ScannedValue) throws(DatabaseError) -> ByteView {
    guard case .bytes(let bytes) = value else {
      throw DatabaseError.notAnIndexEntry(name, key.array)
    }
    if isUnique { return bytes }
    var reader = ByteReader(bytes)
    guard let count = reader.varint(), reader.remaining == 0, count <= UInt64(key.count)
    else { throw DatabaseError.notAnIndexEntry(name, key.array) }
    return key.dropFirst(key.count - Int(count))
  }
}
