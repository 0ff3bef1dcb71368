public import Primitives

/// A named, ordered map of its own inside a database: the handle that operations take.
///
/// A handle stays valid until its keyspace is dropped; using it then, or with another database,
/// throws `keyspaceDropped` or `wrongDatabase`.
public struct Keyspace: Sendable {
  /// Who writes through a handle.
  enum Writer: Sendable {
    /// The application, where no collection is.
    case application
    /// The application, into what the engine keeps for itself: refused.
    case intruder
    /// The engine, or an application that has said that it knows better.
    case engine
  }

  /// The name it was opened by.
  public let name: String
  /// Its number in its database: never reused.
  public let id: KeyspaceID
  /// What it was made with.
  public let options: KeyspaceOptions
  /// The database it belongs to.
  let database: DatabaseID
  let writer: Writer

  init(
    name: String, id: KeyspaceID, options: KeyspaceOptions, database: DatabaseID, writer: Writer
  ) {
    self.name = name
    self.id = id
    self.options = options
    self.database = database
    self.writer = writer
  }

  /// A handle of the same keyspace that writes even where a collection, or an index of one, has its
  /// records.
  ///
  /// For repair. Such writes leave the indexes as they are and are held against no type:
  /// ``Database/verify(progress:)`` tells what they broke, ``Database/rebuild(_:of:progress:)`` makes an
  /// index anew. Without it they throw ``DatabaseError/Code/ownedByCollection``.
  public var bypassingCollection: Keyspace { written(by: .engine) }

  /// The same by another writer.
  func written(by writer: Writer) -> Keyspace {
    Keyspace(name: name, id: id, options: options, database: database, writer: writer)
  }
}

extension Keyspace: Hashable {
  /// Whether two handles are of the same keyspace.
  public static func == (left: Keyspace, right: Keyspace) -> Bool {
    left.id == right.id && left.database == right.database
  }

  /// By database and number.
  public func hash(into hasher: inout Hasher) {
    hasher.combine(id)
    hasher.combine(database)
  }
}
