import Martlet
import Seeds
import Testing

/// Bytes that are not what a collection wrote.
@Suite struct `Bytes that lie in a collection` {
  let people = Person.all

  /// A database whose collection's keyspaces are written by hand.
  private func database(
    _ change: (borrowing Transaction, _ records: Keyspace, _ index: (String) -> Keyspace) throws
      -> Void
  ) throws -> Database {
    let database = try Database.withPeople()
    try database.insert(Person(1, email: "a", city: "Oslo", tags: ["x"]), into: people)
    try database.insert(Person(2, email: "b", city: "Rome", tags: ["x"]), into: people)
    let records = try #require(try database.existingKeyspace("people")).bypassingCollection
    let names = database.keyspaceNames
    try database.write { tx in
      try change(tx, records) { name in
        let full = names.first { $0.hasPrefix("martlet/index/") && $0.hasSuffix("/\(name)") }
        guard let full, let keyspace = try? database.existingKeyspace(full) else {
          preconditionFailure("no index \(name)")
        }
        return keyspace.bypassingCollection
      }
    }
    return database
  }

  @Test func `as a record are an error of the coder's, and verification names the record`() throws {
    let database = try database { tx, records, _ in
      try tx.set([1, 2, 3], for: KeyTuple(1), in: records)
    }
    #expect(throws: (any Error).self) { try database.get(1, in: people) }
    #expect(throws: (any Error).self) { try database.put(Person(1), in: people) }
    #expect(throws: (any Error).self) { try database.delete(1, from: people) }
    #expect(try database.get(2, in: people)?.id == 2)
    let findings = try database.verify().findings
    #expect(findings.contains { $0.location.contains("collection \"people\"") }, "\(findings)")
  }

  @Test func `as an index entry are corruption, and verification names index and key`() throws {
    for value in [[], [0xff], [200, 200], [9, 9, 9]] as [[UInt8]] {
      let database = try database { tx, _, index in
        try tx.set(value, for: KeyTuple("Aachen", 1), in: index("city"))
      }
      let error = #expect(throws: DatabaseError.self) {
        try database.fetch(people.where(Person.byCity.all))
      }
      #expect(error?.code == .corrupt)
      let findings = try database.verify().findings
      #expect(findings.count == 1 && findings[0].location.contains("index \"city\""), "\(findings)")
      try database.rebuild(Person.byCity, of: people)
      #expect(try database.verify().isClean)
      #expect(try database.count(people.where(Person.byCity.all)) == 2)
    }
  }

  @Test func `of an entry that leads nowhere, one that is missing, and one of another key`() throws
  {
    let nowhere = try database { tx, records, _ in try tx.remove(KeyTuple(2), in: records) }
    let error = #expect(throws: DatabaseError.self) {
      try nowhere.fetch(people.where(Person.byCity.all))
    }
    #expect(error?.code == .corrupt)
    #expect(error?.message.contains("rebuild") == true)
    let findings = try nowhere.verify().findings
    #expect(findings.count == 5, "one for each entry of the record: \(findings)")

    let missing = try database { tx, _, index in
      try tx.remove(KeyTuple("a"), in: index("email"))
    }
    let lost = try missing.verify().findings
    #expect(lost.count == 1 && lost[0].affects?.contains("miss the record") == true, "\(lost)")

    let other = try database { tx, _, index in
      try tx.set([0x15, 2], for: KeyTuple("c"), in: index("email"))
    }
    let wrong = try other.verify().findings
    #expect(wrong.count == 1 && wrong[0].expected.contains("another key"), "\(wrong)")
  }

  @Test func `are found in collections that nobody has opened as far as that goes`() throws {
    let directory = try TemporaryDirectory()
    do {
      let database = try Database(at: directory.path)
      try database.open(people)
      try database.insert(Person(1, email: "a"), into: people)
      try database.close()
    }
    let database = try Database(at: directory.path)
    #expect(try database.verify().isClean)
    let records = try #require(try database.existingKeyspace("people")).bypassingCollection
    try database.write { try $0.remove(KeyTuple(1), in: records) }
    #expect(try database.verify().findings.count == 4)
    try database.close()
  }

  @Test func `in the schema are corruption or a newer schema, never a trap`() throws {
    for seed in 0..<300 as Range<UInt64> {
      var random = SplitMix(seed)
      let database = try Database.withPeople()
      let schema = try #require(try database.existingKeyspace("martlet/schema")).bypassingCollection
      var entries: [([UInt8], [UInt8])] = []
      try database.read { snapshot in
        try snapshot.forEach(in: schema) { key, value in
          entries.append((bytes(key), bytes(value)))
          return .continue
        }
      }
      var (key, value) = entries.randomElement(using: &random)!
      if Bool.random(using: &random), !value.isEmpty {
        let place = Int.random(in: 0..<value.count, using: &random)
        value[place] = UInt8.random(in: 0...255, using: &random)
      } else if Bool.random(using: &random) {
        value.removeLast(Int.random(in: 0...value.count, using: &random))
      } else {
        key[Int.random(in: 0..<key.count, using: &random)] = UInt8.random(
          in: 0...255, using: &random)
      }
      try database.write { try $0.set(value, for: key, in: schema) }
      do { try database.open(Schema(people)) } catch let error as DatabaseError {
        #expect(
          [.corrupt, .newerSchema, .collectionChanged, .uniqueViolation].contains(error.code),
          "seed \(seed): \(error)")
      }
      _ = try? database.verify()
    }
  }

  private func bytes(_ span: RawSpan) -> [UInt8] {
    unsafe span.withUnsafeBytes { unsafe [UInt8]($0) }
  }
}
