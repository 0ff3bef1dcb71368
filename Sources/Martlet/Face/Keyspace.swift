/// A named, ordered map of its own inside a database: the handle that operations take.
///
/// A handle stays valid until its keyspace is dropped; using it then, or with another database,
/// throws `keyspaceDropped` or `wrongDatabase`.
public struct Keyspace: Sendable, Hashable {
  /// The name it was opened by.
  public let name: String
  /// Its number in its database: never reused.
  public let id: KeyspaceID
  /// What it was made with.
  public let options: KeyspaceOptions
  /// The database it belongs to.
  let database: DatabaseID
}
