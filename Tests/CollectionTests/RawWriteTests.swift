import Environment
import Martlet
import Simulation
import Testing

/// Writes into a collection's keyspace that do not come from the collection.
@Suite struct `Raw writes into a collection` {
  private let people = Person.all

  /// Everything that writes a key.
  static let writes:
    [(name: String, run: @Sendable (borrowing Transaction, KeyTuple<Int>, Keyspace) throws -> Void)] =
      [
        ("set", { try $0.set("x", for: $1, in: $2) }),
        ("remove", { try $0.remove($1, in: $2) }),
        ("merge", { try $0.merge(.append("x"), for: $1, in: $2) }),
        ("set that expires", { try $0.set("x", for: $1, in: $2, expires: .after(.seconds(1))) }),
        ("touch", { _ = try $0.touch($1, in: $2, expires: .never) }),
        ("insert", { try $0.insert("x", for: KeyTuple(9), in: $2) }),
        (
          "large",
          { tx, key, keyspace in
            try tx.setLarge(byteCount: 50_000, for: key, in: keyspace) {
              try $0.append([UInt8](repeating: 0, count: 50_000))
            }
          }
        ),
      ]

  private func requireRefused(_ db: Database, _ keyspace: Keyspace, _ word: String) throws {
    for (name, run) in Self.writes {
      try db.write { tx in
        // There is nothing to write where nothing is.
        if name == "touch", try tx.get(KeyTuple(1), in: keyspace) == nil { return }
        let error = #expect(throws: DatabaseError.self, "\(name)") {
          try run(tx, KeyTuple(1), keyspace)
        }
        #expect(error?.code == .ownedByCollection, "\(name)")
        #expect(error?.message.contains("\"\(keyspace.name)\"") == true, "\(name)")
        #expect(error?.message.contains(word) == true, "\(name)")
      }
    }
  }

  @Test func `are refused, and reads are not`() throws {
    let db = try Database.inMemory()
    let early = try db.keyspace("people")
    try db.write { try $0.set("x", for: "y", in: early) }
    try db.write { try $0.remove("y", in: early) }
    try db.open(people)
    try db.put(Person(1, email: "a"), in: people)
    let late = try #require(try db.existingKeyspace("people"))
    for keyspace in [early, late, try db.keyspace(of: people)] {
      try requireRefused(db, keyspace, "put")
      #expect(try db.read { try $0.get(KeyTuple(1), in: keyspace) } != nil)
      #expect(try db.write { try $0.get(KeyTuple(1), in: keyspace) } != nil)
    }
    // The transaction goes on.
    try db.write { tx in
      #expect(throws: DatabaseError.self) { try tx.remove(KeyTuple(1), in: late) }
      try tx.put(Person(2, email: "b"), in: people)
    }
    #expect(try db.count(people.all) == 2)
    #expect(try db.verify().findings == [])
  }

  @Test func `are refused in its indexes and in the schema`() throws {
    let db = try Database.withPeople()
    for name in db.keyspaceNames where name.hasPrefix("martlet/") {
      let keyspace = try #require(try db.existingKeyspace(name))
      try requireRefused(db, keyspace, "the engine's own")
    }
  }

  @Test func `are refused in a database whose schema was not opened`() throws {
    let directory = try TemporaryDirectory()
    do {
      let db = try Database(at: directory.path)
      try db.open(people)
      try db.put(Person(1), in: people)
      try db.close()
    }
    let db = try Database(at: directory.path)
    defer { try? db.close() }
    try requireRefused(db, try db.keyspace("people"), "put")
    let error = #expect(throws: DatabaseError.self) { try db.dropKeyspace("people") }
    #expect(error?.code == .ownedByCollection)
    try db.dropCollection("people")
    let fresh = try db.keyspace("people")
    try db.write { try $0.set("x", for: "y", in: fresh) }
  }

  @Test func `are refused in a database that was loaded from a dump`() throws {
    let db = try Database.withPeople()
    try db.put(Person(1, email: "a"), in: people)
    var dump: [[UInt8]] = []
    try db.dump { dump.append($0) }
    let loaded = try Database.inMemory()
    var rest = dump[...]
    try loaded.load { rest.popFirst() }
    try requireRefused(loaded, try loaded.keyspace("people"), "put")
    try loaded.open(people)
    #expect(try loaded.fetch(people.where(Person.byEmail.equals("a"))).map(\.id) == [1])
    rest = dump[...]
    let error = #expect(throws: DatabaseError.self) {
      try loaded.load(merging: true) { rest.popFirst() }
    }
    #expect(error?.code == .ownedByCollection)
    #expect(try loaded.verify().findings == [])
  }

  @Test func `are possible for repair, by a handle that says so`() throws {
    let db = try Database.withPeople()
    try db.put(Person(1, email: "a"), in: people)
    let plain = try db.keyspace("people")
    let raw = plain.bypassingCollection
    #expect(raw == plain)
    try db.write { try $0.remove(KeyTuple(1), in: raw) }
    #expect(try db.verify().findings.isEmpty == false)
    try db.rebuild(Person.byEmail, of: people)
    try db.rebuild(Person.byCity, of: people)
    try db.rebuild(Person.byName, of: people)
    try db.rebuild(Person.byLength, of: people)
    try db.rebuild(Person.byTag, of: people)
    #expect(try db.verify().findings == [])
    try requireRefused(db, plain, "put")
  }

  @Test func `are no matter of the keyspaces beside it`() throws {
    let db = try Database.withPeople()
    for number in 0..<140 {
      let keyspace = try db.keyspace("plain \(number)")
      try db.write { tx in
        for (_, run) in Self.writes { try run(tx, KeyTuple(1), keyspace) }
      }
    }
  }

  /// A transaction that wrote the keyspace when it was a plain one is waited for.
  @Test func `from before it was one are in its indexes`() throws {
    try Simulator(seed: 8).run { effects in
      @Sendable func nap(_ milliseconds: UInt64) {
        _ = effects.waits.park(
          effects.waits.makeTicket(), until: effects.time.monotonic() + milliseconds * 1_000_000)
      }
      let model = try Database(at: "/model", configuration: Configuration(), effects: effects)
      try model.open(Person.bare)
      try model.put(Person(1, email: "a"), in: Person.bare)
      let records = try model.keyspace("people")
      let bytes = try #require(try model.read { try $0.get(KeyTuple(1), in: records) })
      try model.close()

      let db = try Database(at: "/db", configuration: Configuration(), effects: effects)
      defer { try? db.close() }
      let plain = try db.keyspace("people")
      try db.write { try $0.set(bytes, for: KeyTuple(2), in: plain) }
      try db.write { try $0.remove(KeyTuple(2), in: plain) }
      let opening = effects.background.start("opening") {
        nap(10)
        do { try db.open(people) } catch { Issue.record("\(error)") }
      }
      try db.write { tx in
        try tx.set(bytes, for: KeyTuple(1), in: plain)
        nap(1000)
      }
      opening.join()
      #expect(try db.fetch(people.where(Person.byEmail.equals("a"))).map(\.id) == [1])
      #expect(try db.verify().findings == [])
    }
  }
}
