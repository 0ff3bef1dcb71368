import Environment
import Martlet
import RawBytes

/// Opens a folder and does with the database what a program would.
struct FolderSession {
  /// What a database held: a fingerprint of each entry in order, by keyspace.
  struct Contents: Equatable {
    var entries: [String: [UInt64]] = [:]
  }

  private let effects: Effects
  private let writes: Bool

  init(_ effects: Effects, writes: Bool) {
    self.effects = effects
    self.writes = writes
  }

  /// What the database holds in the end; nil when anything was found wrong with it.
  ///
  /// - Throws: what opening threw.
  func run() throws -> Contents? {
    let database = try Database(
      at: FolderTemplate.directory, configuration: FolderTemplate.configuration, effects: effects)
    var contents: Contents?
    do {
      let (before, isSound) = try dump(database)
      let report = try database.verify()
      require(isSound || !report.isClean, "a sound database with two orders")
      if writes { try write(database) }
      let (after, _) = try dump(database)
      if !writes { require(after == before, "two reads that differ") }
      if report.isClean { contents = after }
    } catch let error as DatabaseError {
      try? database.close()
      require(!error.message.isEmpty, "an error without words")
      return nil
    }
    do { try database.close() } catch is DatabaseError { return nil }
    return contents
  }

  /// Everything, forwards and backwards, and each key by itself.
  private func dump(_ database: Database) throws -> (Contents, isSound: Bool) {
    var contents = Contents()
    var isSound = true
    for name in database.keyspaceNames {
      guard let keyspace = try database.existingKeyspace(name) else { continue }
      var forwards: [UInt64] = []
      var backwards: [UInt64] = []
      var pairs: [UInt64] = []
      try database.read { snapshot in
        try snapshot.forEach(in: keyspace) { key, value in
          let hash = Self.hash(key)
          forwards.append(hash)
          pairs.append(hash ^ Self.hash(value, seed: 1))
          if pairs.count <= 8 {
            let alone = try snapshot.withBytes(for: Self.array(key), in: keyspace) {
              Self.hash($0, seed: 1)
            }
            require(
              alone == nil || alone == Self.hash(value, seed: 1),
              "a key that reads otherwise alone than in a scan")
          }
          return .continue
        }
        try snapshot.forEachKey(in: keyspace, .all, reverse: true, limit: nil) { key, _ in
          backwards.append(Self.hash(key))
          return .continue
        }
      }
      isSound = isSound && backwards.reversed().elementsEqual(forwards)
      contents.entries[name] = pairs
    }
    return (contents, isSound)
  }

  private func write(_ database: Database) throws {
    for name in Array(database.keyspaceNames) + ["new"] {
      let keyspace = try database.keyspace(name)
      try database.write { transaction in
        for number in 0..<40 {
          try transaction.set(
            [UInt8](repeating: 5, count: 100), for: Array("key-\(100_000 + 4 * number)".utf8),
            in: keyspace)
        }
        try transaction.remove(Array("key-100001".utf8), in: keyspace)
      }
    }
    try database.checkpoint()
    try database.dropKeyspace("new")
    try database.checkpoint()
  }

  private static func hash(_ bytes: RawSpan, seed: UInt64 = 0) -> UInt64 {
    bytes.withByteView { Hash64.hash($0, seed: seed) }
  }

  private static func array(_ bytes: RawSpan) -> [UInt8] { bytes.withByteView { $0.array } }
}
