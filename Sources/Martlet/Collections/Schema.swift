internal import RawBytes

/// What an application keeps in a database: its collections, and how older ones were brought there.
///
/// ```swift
/// let schema = Schema(
///   Person.all, Order.all,
///   migrations: [
///     Migration("2026-03 orders have a currency") { tx in
///       for old in try tx.fetch(OldOrder.all) { try tx.put(Order(old, "EUR"), in: Order.all) }
///     }
///   ])
/// try database.open(schema)
/// ```
///
/// Migrations are named, run once in each database in the order of the list, and only ever forward:
/// add new ones at the end, and keep the old ones.
public struct Schema: Sendable {
  let collections: [any SchemaCollection]
  let migrations: [Migration]

  /// A schema of some collections.
  public init(_ collections: any SchemaCollection..., migrations: [Migration] = []) {
    self.init(collections: collections, migrations: migrations)
  }

  /// A schema of collections in an array.
  public init(collections: [any SchemaCollection], migrations: [Migration] = []) {
    self.collections = collections
    self.migrations = migrations
  }

  /// - Throws: `invalidArgument` for names that cannot be, or are used twice.
  func validate() throws(DatabaseError) {
    var names: Set<String> = []
    for collection in collections {
      try collection.schemaEntry.definition.validate()
      guard names.insert(collection.name).inserted else {
        throw DatabaseError(
          .invalidArgument, "the schema has two collections \"\(collection.name)\"")
      }
    }
    names.removeAll()
    for migration in migrations {
      guard !migration.name.isEmpty, names.insert(migration.name).inserted else {
        throw DatabaseError(
          .invalidArgument,
          "the schema has two migrations \"\(migration.name)\", or one without a name"
        )
      }
    }
  }
}

/// A `RecordCollection`, of any records. No other type conforms.
public protocol SchemaCollection: Sendable {
  /// Its name.
  var name: String { get }
  /// What opening needs of it; of no use to callers.
  var schemaEntry: SchemaEntry { get }
}

/// A collection without its types.
public struct SchemaEntry: Sendable {
  let definition: CollectionDefinition
  /// Makes the entries of a record from its bytes: those of one index, or of all.
  let derive: @Sendable (RawSpan, ByteView, Int?, inout IndexKeys) throws -> Void
  /// Whether a key is that of the record with these bytes.
  let hasKey: @Sendable (RawSpan, ByteView) throws -> Bool
}

extension RecordCollection: SchemaCollection {
  /// The collection without its types.
  public var schemaEntry: SchemaEntry {
    let (coder, entries, id) = (core.coder, core.entries, core.id)
    return SchemaEntry(
      definition: definition,
      derive: { bytes, key, position, keys in
        keys.derive(try coder.decode(bytes), id: key, entries, only: position)
      },
      hasKey: { bytes, key in
        let expected = TupleBounds.encoding(of: id(try coder.decode(bytes)))
        return expected.withByteView { $0 == key }
      })
  }
}

/// How far the opening of a schema is.
public struct SchemaProgress: Sendable, Hashable {
  /// What is done.
  public enum Step: Sendable, Hashable {
    /// A migration runs.
    case migration(String)
    /// An index is built from the records that are there.
    case index(String, of: String)
  }

  /// What is done now.
  public let step: Step
  /// Records done.
  public let done: Int
  /// Records in all, as far as known; more may be written meanwhile.
  public let total: Int?
}

/// When indexes are built that are new.
public enum IndexBuilding: Sendable, Hashable {
  /// Before the schema is open.
  case first
  /// Afterwards, while the application works: until an index is complete, queries through it throw
  /// `indexNotReady`, and everything else is as always.
  case inBackground
}
