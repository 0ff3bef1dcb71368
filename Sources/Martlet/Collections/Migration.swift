public import KeyCoding
internal import RawBytes

/// A change of what a database holds, from one version of an application to the next.
///
/// It has a name, which the database keeps once it has run; it runs once in each database, a new one
/// included, in the order in which the schema lists it, and never back.
///
/// A migration reads and writes collections by any declaration of them, so that records of an old
/// type are read by a declaration with that type. Indexes neither answer in it nor are they
/// maintained: those of the collections that it wrote are built anew afterwards, before the schema is
/// open. A record that it writes anew keeps the expiry that it had.
public struct Migration: Sendable {
  enum Work: Sendable {
    case transaction(@Sendable (borrowing Transaction) throws -> Void)
    case rewriting(Rewriting)
    case redeclaring([String])
  }

  /// Its name.
  public let name: String
  let work: Work

  /// A migration that is one transaction: when it throws, nothing of it happened.
  ///
  /// ```swift
  /// let migration = Migration("2026-03 orders have a currency") { tx in
  ///   for old in try tx.fetch(OldOrder.all) { try tx.put(Order(old, "EUR"), in: Order.all) }
  /// }
  /// ```
  public init(_ name: String, _ body: @escaping @Sendable (borrowing Transaction) throws -> Void) {
    self.name = name
    work = .transaction(body)
  }

  /// A migration of every record of a collection, in batches: for collections too large for one
  /// transaction. What is done is noted with each batch, so that it goes on after a crash where it
  /// was, and no record is changed twice. Records that expire (``Expiry``) do so when they would have.
  ///
  /// - Parameters:
  ///   - name: its name.
  ///   - collection: the collection as it is to be; under the same name.
  ///   - old: the collection as it was.
  ///   - change: makes the new record, with the same id; nil deletes it. It may be called more than
  ///     once for a record, with the same one.
  public init<Old, New, ID: KeyElement>(
    _ name: String, rewriting collection: RecordCollection<New, ID>,
    from old: RecordCollection<Old, ID>, _ change: @escaping @Sendable (Old) throws -> New?
  ) {
    precondition(
      collection.name == old.name, "a collection is rewritten under its own name")
    self.name = name
    work = .rewriting(
      Rewriting(collection: collection.name) { bytes, key, scratch in
        guard let record = try change(try old.core.coder.decode(bytes)) else { return false }
        scratch.id.removeAll()
        collection.core.id(record).encodeElements(into: &scratch.id)
        guard scratch.id.view == key else {
          throw DatabaseError.idChanged(
            from: key.array, to: scratch.id.view.array, collection.name)
        }
        scratch.value.removeAll()
        try collection.core.coder.encode(record, &scratch.value)
        try DatabaseError.requireReadable(scratch.value.byteCount, key, collection.name)
        return true
      })
  }

  /// A migration that changes no record: it says that collections, or their indexes, are declared
  /// otherwise from now on, as when an index becomes unique. Their indexes are built anew.
  public init(_ name: String, redeclaring collections: any SchemaCollection...) {
    self.name = name
    work = .redeclaring(collections.map(\.name))
  }
}

/// How records are rewritten one by one.
struct Rewriting: Sendable {
  let collection: String
  /// Makes the new bytes of a record in `scratch.value`; false deletes it.
  let rewrite: @Sendable (RawSpan, ByteView, WriteScratch) throws -> Bool
}

/// How collections are found in a migration: by name alone, and without indexes.
final class MigrationScope {
  private let engine: Engine
  /// The collections that were written.
  private(set) var written: Set<String> = []

  init(engine: Engine) { self.engine = engine }

  func bind(_ definition: CollectionDefinition, toWrite: Bool) throws(DatabaseError)
    -> BoundCollection
  {
    guard let keyspace = try engine.existingKeyspace(definition.name) else {
      throw DatabaseError.collectionNotOpen(definition.name)
    }
    if toWrite { written.insert(definition.name) }
    return BoundCollection(
      name: definition.name, specification: definition.specification, records: keyspace,
      indexes: [])
  }
}
