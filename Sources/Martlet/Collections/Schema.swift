/// What an application keeps in a database: its collections, and how older ones were brought there.
///
/// ```swift
/// let schema = Schema(
///   Person.all, Order.all,
///   migrations: [
///     Migration("2026-03 orders have a currency") { tx in … }
///   ])
/// try database.open(schema)
/// ```
///
/// Migrations are named, run once in each database and in the order of the list, and only ever
/// forward. Add new ones at the end, and keep the old ones.
public struct Schema: Sendable {
  let collections: [any SchemaCollection]
  let migrations: [Migration]

  /// A schema of some collections.
  public init(_ collections: any SchemaCollection..., migrations: [Migration] = []) {
    self.collections = collections
    self.migrations = migrations
  }

  /// A schema of collections in an array.
  public init(collections: [any SchemaCollection], migrations: [Migration] = []) {
    self.collections = collections
    self.migrations = migrations
  }
}

/// A `RecordCollection` of any records. No other type conforms.
public protocol SchemaCollection: Sendable {
  /// Its name.
  var name: String { get }
}

extension RecordCollection: SchemaCollection {}

/// A change of what a database holds, from one version of an application to the next.
public struct Migration: Sendable {
  /// Its name, kept in the database once it has run.
  public let name: String
  let body: @Sendable (borrowing Transaction) throws -> Void

  /// A migration that is one transaction: when it throws, nothing happened.
  ///
  /// It reads and writes collections by any declarations of theirs, so an old record type can be read
  /// by a declaration of that type. Indexes are not available in it; those of the collections that it
  /// used are built anew afterwards.
  public init(_ name: String, _ body: @escaping @Sendable (borrowing Transaction) throws -> Void) {
    self.name = name
    self.body = body
  }
}

/// How far a schema is being opened.
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
  /// Records in all, as far as known.
  public let total: Int?
}

extension Database {
  /// Tells the database of an application's collections, brings it to the newest migration, and
  /// builds indexes that are new.
  ///
  /// Opening the same schema again changes nothing.
  public func open(_ schema: Schema, progress: (SchemaProgress) -> Void = { _ in }) throws {
    throw DatabaseError(.invalidArgument, "not written yet")
  }
}
