/// Names of keyspaces that the engine keeps for itself.
enum SystemKeyspace {
  /// What such a name begins with. Applications cannot make or drop one.
  static let prefix = "martlet/"
  /// What is known of collections, indexes and migrations: `format-spec/collections.md`.
  static let schema = "martlet/schema"

  /// What the names of keyspaces of indexes begin with.
  static let indexPrefix = "martlet/index/"

  static func isReserved(_ name: String) -> Bool { begins(name, with: prefix) }

  /// By bytes: a combining mark behind the slash makes one character of both.
  static func begins(_ name: String, with prefix: String) -> Bool {
    name.utf8.starts(with: prefix.utf8)
  }

  /// The keyspace of an index. The number is never used again, so that what an interrupted change
  /// left behind is never taken for an index.
  static func index(_ number: UInt64, of collection: String, _ name: String) -> String {
    "\(indexPrefix)\(number)/\(collection)/\(name)"
  }
}
