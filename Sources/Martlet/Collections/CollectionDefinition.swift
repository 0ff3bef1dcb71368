/// What a database is told of a collection: all of it but the closures.
///
/// A class, so that a collection is told from another by its identity: that is how a transaction
/// finds the keyspaces of the one that it used last (`CollectionCache`).
package final class CollectionDefinition: Sendable {
  package let name: String
  let indexes: [IndexDefinition]
  let specification: CollectionSpecification
  /// What its keyspace is made with.
  let options: KeyspaceOptions

  init(
    name: String, coder: String, id: KeyShape, options: KeyspaceOptions, indexes: [IndexDefinition]
  ) {
    self.name = name
    self.options = options
    self.indexes = indexes
    specification = CollectionSpecification(coder: coder, id: id.text)
  }

  /// The place of an index in the declaration; traps where it is not declared.
  func position(of index: IndexDefinition) -> Int {
    guard let position = indexes.firstIndex(where: { $0 === index }) else {
      preconditionFailure(
        "index \"\(index.name)\" is not declared by collection \"\(name)\": list it in `indexes`")
    }
    return position
  }

  /// - Throws: `invalidArgument` for a name that cannot be, or one used twice, and for a version below
  ///   zero.
  func validate() throws(DatabaseError) {
    try Self.requireName(name, of: "a collection")
    var names: Set<String> = []
    for index in indexes {
      try Self.requireName(index.name, of: "an index")
      guard index.specification.version >= 0 else {
        throw DatabaseError(
          .invalidArgument,
          "index \"\(index.name)\" of collection \"\(name)\" has version "
            + "\(index.specification.version); versions begin at 0")
      }
      guard names.insert(index.name).inserted else {
        throw DatabaseError(
          .invalidArgument, "collection \"\(name)\" declares two indexes \"\(index.name)\"")
      }
    }
  }

  private static func requireName(_ name: String, of what: String) throws(DatabaseError) {
    guard (1...100).contains(name.utf8.count), !SystemKeyspace.isReserved(name) else {
      throw DatabaseError(
        .invalidArgument,
        "\"\(name)\" is no name of \(what): 1 to 100 bytes of UTF-8 that do not begin with "
          + "\"\(SystemKeyspace.prefix)\"")
    }
  }
}

/// What must not change of a collection without a migration.
struct CollectionSpecification: Equatable, Sendable {
  /// The coder of its records.
  var coder: String
  /// What its ids are.
  var id: String

  var description: String { "ids are \(id), records are stored by \(coder)" }
}

/// What a database is told of an index.
final class IndexDefinition: Sendable {
  /// How many entries a record has.
  enum Multiplicity: UInt8, Sendable {
    /// One.
    case one = 1
    /// One, or none.
    case present = 2
    /// Any number.
    case each = 3
  }

  let name: String
  let specification: IndexSpecification

  init(name: String, multiplicity: Multiplicity, isUnique: Bool, version: Int, key: KeyShape) {
    self.name = name
    specification = IndexSpecification(
      multiplicity: multiplicity, isUnique: isUnique, version: version, key: key.text,
      elementCount: key.elementCount)
  }

  var isUnique: Bool { specification.isUnique }
  var multiplicity: Multiplicity { specification.multiplicity }
}

/// What must not change of an index without a migration.
struct IndexSpecification: Equatable, Sendable {
  var multiplicity: IndexDefinition.Multiplicity
  var isUnique: Bool
  var version: Int
  /// What is indexed.
  var key: String
  /// Of how many elements a key is made.
  var elementCount: Int

  var description: String {
    let kind =
      switch multiplicity {
      case .one: "on"
      case .present: "on present"
      case .each: "on each"
      }
    return (isUnique ? "unique " : "") + "\(kind) \(key), version \(version)"
  }
}
