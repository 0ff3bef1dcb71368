internal import KeyCoding
internal import RawBytes

/// The schema keyspace: what is known of collections, indexes and migrations.
///
/// Its keys are tuples of a word and what it says something about. Whoever changes a collection's
/// state does so in the transaction of the change itself, so that after a crash both agree.
struct SchemaStore: Sendable {
  let keyspace: Keyspace

  /// Everything that is known.
  struct Contents: Equatable {
    var collections: [String: StoredCollection] = [:]
    var indexes: [IndexName: StoredIndex] = [:]
    /// In the order in which they ran.
    var migrations: [StoredMigration] = []
    /// The number of the next index.
    var nextNumber: UInt64 = 1

    /// The name of a collection as it is stored, which may be composed otherwise than an equal text
    /// (SO4).
    func storedName(_ name: String) -> String {
      collections.index(forKey: name).map { collections[$0].key } ?? name
    }

    func indexes(of collection: String) -> [(name: String, index: StoredIndex)] {
      indexes.filter { $0.key.collection == collection }
        .map { (name: $0.key.index, index: $0.value) }.sorted { $0.name < $1.name }
    }
  }

  struct IndexName: Hashable {
    let collection: String
    let index: String
  }

  private static let collectionWord = "collection"
  private static let indexWord = "index"
  private static let migrationWord = "migration"
  private static let numberWord = "next index"

  // MARK: Reading

  func read(_ reader: borrowing some (Reading & ~Copyable)) throws -> Contents {
    var contents = Contents()
    try reader.forEach(in: keyspace) { key, value in
      try note(key, value, &contents)
      return .continue
    }
    return contents
  }

  private func note(_ key: RawSpan, _ value: RawSpan, _ contents: inout Contents) throws {
    let word: String
    let names: [String]
    let ordinal: UInt64
    do {
      (word, names, ordinal) = try KeyDecoder.decode(key) { (decoder) throws(KeyDecodingError) in
        let word = try String(from: &decoder)
        if word == Self.migrationWord { return (word, [], try UInt64(from: &decoder)) }
        var names: [String] = []
        while !decoder.isAtEnd { names.append(try String(from: &decoder)) }
        return (word, names, 0)
      }
    } catch {
      throw SchemaDamage.error("a key that is none: \(error)")
    }
    switch (word, names.count) {
    case (Self.collectionWord, 1):
      contents.collections[names[0]] = try StoredCollection(decoding: value, of: names[0])
    case (Self.indexWord, 2):
      let name = IndexName(collection: names[0], index: names[1])
      contents.indexes[name] = try StoredIndex(decoding: value, of: names[1])
    case (Self.migrationWord, 0):
      guard ordinal == UInt64(contents.migrations.count) else {
        throw SchemaDamage.error("migration \(contents.migrations.count), which is missing")
      }
      contents.migrations.append(try StoredMigration(decoding: value, Int(ordinal)))
    case (Self.numberWord, 0):
      guard let number = UInt64(valueBytes: value) else { throw SchemaDamage.error(word) }
      contents.nextNumber = number
    default:
      throw DatabaseError(
        .newerSchema,
        "the schema has a record \"\(word)\" that this version does not know: use a newer one")
    }
  }

  func index(_ name: IndexName, _ transaction: borrowing Transaction) throws -> StoredIndex? {
    try transaction.withBytesForUpdate(
      for: KeyTuple(Self.indexWord, name.collection, name.index), in: keyspace
    ) { try StoredIndex(decoding: $0, of: name.index) }
  }

  // MARK: Writing

  func set(
    _ collection: StoredCollection, _ name: String, _ transaction: borrowing Transaction
  ) throws {
    try transaction.set(collection.encoded, for: KeyTuple(Self.collectionWord, name), in: keyspace)
  }

  func set(_ index: StoredIndex, _ name: IndexName, _ transaction: borrowing Transaction) throws {
    try transaction.set(
      index.encoded, for: KeyTuple(Self.indexWord, name.collection, name.index), in: keyspace)
  }

  func set(
    _ migration: StoredMigration, at ordinal: Int, _ transaction: borrowing Transaction
  ) throws {
    try transaction.set(
      migration.encoded, for: KeyTuple(Self.migrationWord, UInt64(ordinal)), in: keyspace)
  }

  func setNextNumber(_ number: UInt64, _ transaction: borrowing Transaction) throws {
    try transaction.set(number, for: KeyTuple(Self.numberWord), in: keyspace)
  }

  func removeIndex(_ name: IndexName, _ transaction: borrowing Transaction) throws {
    try transaction.remove(
      KeyTuple(Self.indexWord, name.collection, name.index), in: keyspace)
  }

  func removeCollection(_ name: String, _ transaction: borrowing Transaction) throws {
    try transaction.remove(KeyTuple(Self.collectionWord, name), in: keyspace)
  }

  /// Notes that a migration has written a collection: it may be declared otherwise from now on, and
  /// its indexes have to be built anew.
  func noteRewriting(of name: String, _ transaction: borrowing Transaction) throws {
    let contents = try read(transaction)
    let name = contents.storedName(name)
    if var collection = contents.collections[name] {
      collection.mayBeRedeclared = true
      try set(collection, name, transaction)
    }
    for (index, stored) in contents.indexes(of: name) {
      var stored = stored
      stored.state = .stale
      stored.builtThrough = nil
      try set(stored, IndexName(collection: name, index: index), transaction)
    }
  }
}
