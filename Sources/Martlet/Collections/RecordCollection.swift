public import KeyCoding
public import RecordCoding

/// Records of one type, kept in a keyspace under their ids, with the indexes that are maintained
/// beside them.
///
/// ```swift
/// struct Person: Codable, Identifiable, Sendable {
///   var id: UUID
///   var name: String
///   var email: String?
///   var city: String
///
///   static let byEmail = RecordIndex("email", onPresent: \Person.email, isUnique: true)
///   static let byCity = RecordIndex("city", on: \Person.city, \Person.name)
///   static let all = RecordCollection("people", of: Person.self, indexes: byEmail, byCity)
/// }
///
/// try database.open(Schema(Person.all))
/// try database.insert(anna, into: Person.all)
/// let neighbours = try database.fetch(Person.all.where(Person.byCity.starts(with: anna.city)))
/// ```
///
/// A collection is a declaration: it holds no data and belongs to no database, so it can be a
/// constant, and the same one serves any number of databases. Each of them is told of it once, by
/// `Database.open(_:)`, before it is used.
///
/// (It is not called `Collection`, because a module that exports that name takes the one of the
/// standard library from everybody who imports it.)
///
/// - Invariant RC1: the keyspace has the collection's name; a record's key is the tuple encoding of
///   its id, and its value what the coder makes of it. `format-spec/collections.md` has the bytes.
/// - Invariant RC2: a record and its index entries are written by the same transaction, at every
///   isolation level.
public struct RecordCollection<Record, ID: KeyElement>: Sendable {
  let core: CollectionCore<Record, ID>

  /// Its name: that of its keyspace.
  public var name: String { core.name }

  /// What the database knows of it.
  package var definition: CollectionDefinition { core.definition }

  init(
    _ name: String, _ id: @escaping @Sendable (Record) -> ID, _ coder: RecordCodec<Record>,
    _ options: KeyspaceOptions, _ indexes: [IndexDerivation<Record>]
  ) {
    core = CollectionCore(name, id, coder, options, indexes)
  }
}

/// What a declaration of a collection consists of: behind one reference, so that operations pass it
/// on at the cost of one count.
final class CollectionCore<Record, ID: KeyElement>: Sendable {
  let definition: CollectionDefinition
  let id: @Sendable (Record) -> ID
  let coder: RecordCodec<Record>
  let entries: EntryDerivation<Record>

  var name: String { definition.name }

  init(
    _ name: String, _ id: @escaping @Sendable (Record) -> ID, _ coder: RecordCodec<Record>,
    _ options: KeyspaceOptions, _ indexes: [IndexDerivation<Record>]
  ) {
    self.id = id
    self.coder = coder
    entries = EntryDerivation(indexes)
    definition = CollectionDefinition(
      name: name, coder: coder.formatName, id: KeyShape(ID.self), options: options,
      indexes: indexes.map(\.definition))
  }
}

extension RecordCollection where Record: Codable & SendableMetatype {
  /// Declares a collection of `Codable` records, stored in Martlet's compact binary format, which
  /// tolerates fields that were added or removed.
  ///
  /// - Parameters:
  ///   - name: 1 to 100 bytes of UTF-8, unique in the database.
  ///   - type: what its records are.
  ///   - id: a key path or a closure that tells a record's id. It must always tell the same one.
  ///   - options: what its keyspace is made with, when it is new.
  ///   - indexes: what is maintained beside it.
  public init<each Key: KeyElement>(
    _ name: String, of type: Record.Type = Record.self, id: @escaping @Sendable (Record) -> ID,
    options: KeyspaceOptions = KeyspaceOptions(),
    indexes: repeat RecordIndex<Record, each Key>
  ) {
    self.init(
      name, of: type, id: id, coder: BinaryCoder<Record>(), options: options,
      indexes: repeat each indexes)
  }

  /// Declares a collection of `Codable` and `Identifiable` records; see ``init(_:of:id:options:indexes:)``.
  public init<each Key: KeyElement>(
    _ name: String, of type: Record.Type = Record.self,
    options: KeyspaceOptions = KeyspaceOptions(),
    indexes: repeat RecordIndex<Record, each Key>
  ) where Record: Identifiable & SendableMetatype, Record.ID == ID {
    self.init(name, of: type, id: { $0.id }, options: options, indexes: repeat each indexes)
  }
}

extension RecordCollection {
  /// Declares a collection whose records are stored by a coder of your choice; see
  /// ``init(_:of:id:options:indexes:)``.
  public init<each Key: KeyElement>(
    _ name: String, of type: Record.Type = Record.self, id: @escaping @Sendable (Record) -> ID,
    coder: some RecordCoder<Record>,
    options: KeyspaceOptions = KeyspaceOptions(), indexes: repeat RecordIndex<Record, each Key>
  ) {
    var derivations: [IndexDerivation<Record>] = []
    for index in repeat each indexes { derivations.append(index.derivation) }
    self.init(name, id, RecordCodec(coder), options, derivations)
  }

  /// Declares a collection of `Identifiable` records whose records are stored by a coder of your
  /// choice; see ``init(_:of:id:options:indexes:)``.
  public init<each Key: KeyElement>(
    _ name: String, of type: Record.Type = Record.self, coder: some RecordCoder<Record>,
    options: KeyspaceOptions = KeyspaceOptions(),
    indexes: repeat RecordIndex<Record, each Key>
  ) where Record: Identifiable & SendableMetatype, Record.ID == ID {
    self.init(
      name, of: type, id: { $0.id }, coder: coder, options: options, indexes: repeat each indexes)
  }
}
