import Martlet
import Testing

/// Single operations on records.
@Suite struct `Records` {
  let people = Person.all

  @Test func `are found by their ids after they were inserted`() throws {
    let database = try Database.withPeople()
    let anna = Person(1, "Anna", email: "anna@example.org", tags: ["a", "b"])
    try database.write { tx in
      try tx.insert(anna, into: people)
      #expect(try tx.get(1, in: people) == anna, "own writes are seen")
      #expect(try tx.contains(1, in: people))
      #expect(try !tx.contains(2, in: people))
    }
    #expect(try database.get(1, in: people) == anna)
    #expect(try database.get(2, in: people) == nil)
    #expect(try database.fetch(people) == [anna])
  }

  @Test func `are inserted once`() throws {
    let database = try Database.withPeople()
    try database.write { tx in
      try tx.insert(Person(1, "Anna"), into: people)
      let error = #expect(throws: DatabaseError.self) {
        try tx.insert(Person(1, "Bert", email: "b"), into: people)
      }
      #expect(error?.code == .keyExists)
    }
    #expect(try database.get(1, in: people)?.name == "Anna", "the transaction went on")
    #expect(try database.count(people.where(Person.byEmail.equals("b"))) == 0)
  }

  @Test func `are replaced, put and deleted with their entries`() throws {
    let database = try Database.withPeople()
    try database.put(Person(1, city: "Oslo", tags: ["x", "y", "x"]), in: people)
    #expect(try database.count(people.where(Person.byTag.all)) == 2, "equal tags are one entry")
    try database.put(Person(1, city: "Rome", tags: ["y", "z"]), in: people)
    #expect(try database.count(people.where(Person.byCity.starts(with: "Oslo"))) == 0)
    #expect(try database.count(people.where(Person.byCity.starts(with: "Rome"))) == 1)
    #expect(try database.count(people.where(Person.byTag.equals("x"))) == 0)
    #expect(try database.count(people.where(Person.byTag.equals("z"))) == 1)
    try database.write { (tx) throws in
      #expect(try tx.replace(Person(1, city: "Bern"), in: people))
      #expect(try !tx.replace(Person(2), in: people))
      #expect(try tx.get(2, in: people) == nil)
    }
    #expect(try database.delete(1, from: people))
    #expect(try !database.delete(1, from: people))
    for selection in [Person.byCity.all, Person.byTag.all, Person.byName.all, Person.byEmail.all] {
      #expect(try database.count(people.where(selection)) == 0)
    }
    #expect(try database.verify().isClean)
  }

  @Test func `are updated in place, with what the closure answers`() throws {
    let database = try Database.withPeople()
    try database.insert(Person(1, age: 30), into: people)
    let age = try database.update(1, in: people) { person in
      person.age += 1
      return person.age
    }
    #expect(age == 31)
    #expect(try database.count(people.where(Person.byCity.equals("Oslo", 31))) == 1)
    #expect(try database.update(2, in: people) { $0.age } == nil)
    let error = #expect(throws: DatabaseError.self) {
      try database.update(1, in: people) { $0.id = 2 }
    }
    #expect(error?.code == .invalidArgument)
    #expect(error?.message.contains("changed its id") == true)
  }

  @Test func `may be written by the closure that updates them`() throws {
    let database = try Database.withPeople()
    try database.insert(Person(1, city: "Oslo"), into: people)
    try database.write { tx in
      try tx.update(1, in: people) { person in
        try tx.put(Person(1, city: "Rome"), in: people)
        person.city = "Bern"
      }
    }
    #expect(try database.fetch(people.where(Person.byCity.all)).map(\.city) == ["Bern"])
    #expect(try database.verify().isClean)
  }

  @Test func `that break a unique index are refused with the record in the way`() throws {
    let database = try Database.withPeople()
    try database.write { tx in
      try tx.insert(Person(1, email: "a"), into: people)
      let error = #expect(throws: DatabaseError.self) {
        try tx.insert(Person(2, "Bert", email: "a", city: "Rome"), into: people)
      }
      #expect(error?.code == .uniqueViolation)
      #expect(error?.violation?.index == "email")
      #expect(error?.violation?.collection == "people")
      #expect(try error?.violation?.holder(as: Int.self) == 1)
      #expect(error?.message.contains("email") == true)
      #expect(try tx.get(2, in: people) == nil, "nothing happened")
      #expect(try tx.count(people.where(Person.byCity.starts(with: "Rome"))) == 0)
      try tx.insert(Person(2, email: "b"), into: people)
      // Freed within the transaction, it can be taken.
      try tx.delete(1, from: people)
      try tx.update(2, in: people) { $0.email = "a" }
      try tx.insert(Person(3, email: nil), into: people)
      try tx.insert(Person(4, email: nil), into: people)
    }
    #expect(try database.fetch(people.where(Person.byEmail.equals("a"))).map(\.id) == [2])
    #expect(try database.verify().isClean)
  }

  @Test func `are gone again after a rollback to a savepoint`() throws {
    let database = try Database.withPeople()
    try database.write { tx in
      try tx.insert(Person(1, email: "a", city: "Oslo"), into: people)
      let savepoint = try tx.savepoint()
      try tx.update(1, in: people) { $0.email = "b" }
      try tx.insert(Person(2, email: "a"), into: people)
      #expect(try tx.count(people.where(Person.byEmail.all)) == 2)
      try tx.rollBack(to: savepoint)
      #expect(try tx.fetch(people.where(Person.byEmail.all)).map(\.email) == ["a"])
      let error = #expect(throws: DatabaseError.self) {
        try tx.insert(Person(3, email: "a"), into: people)
      }
      #expect(error?.code == .uniqueViolation)
    }
    #expect(try database.verify().isClean)
  }

  @Test func `of a collection that is not open are refused by name`() throws {
    let database = try Database.inMemory()
    let error = #expect(throws: DatabaseError.self) {
      try database.insert(Person(1), into: people)
    }
    #expect(error?.code == .collectionNotOpen)
    #expect(error?.message.contains("people") == true)
    #expect(throws: DatabaseError.self) { try database.fetch(people) }
  }

  @Test func `are written by the declaration that was opened, and no other`() throws {
    let database = try Database.withPeople()
    let error = #expect(throws: DatabaseError.self) {
      try database.insert(Person(1), into: Person.bare)
    }
    #expect(error?.code == .collectionChanged)
    #expect(error?.message.contains("index \"email\" is missing") == true, "\(error!)")
    // One that says the same is the same.
    let twin = RecordCollection(
      "people", of: Person.self, coder: JSONRecordCoder(),
      indexes: Person.byName, Person.byLength, Person.byTag, Person.byCity, Person.byEmail)
    try database.insert(Person(1, city: "Rome"), into: twin)
    #expect(try database.fetch(people.where(Person.byCity.starts(with: "Rome"))).count == 1)
    #expect(try database.verify().isClean)
  }

  @Test func `too long for an index are refused, and nothing happened`() throws {
    let database = try Database.withPeople()
    try database.write { (tx) throws in
      let error = #expect(throws: DatabaseError.self) {
        try tx.insert(Person(1, String(repeating: "n", count: 3000)), into: people)
      }
      #expect(error?.code == .keyTooLong)
      #expect(error?.message.contains("\"name\"") == true)
      #expect(try tx.fetch(people).isEmpty)
    }
  }

  /// The story: such a record was written and could neither be read nor replaced nor deleted, and ended
  /// every query that met it, and verification.
  @Test func `that are too large to be read are refused, and nothing happened`() throws {
    let database = try Database.inMemory()
    let index = RecordIndex("first", on: { (bytes: [UInt8]) in bytes.first ?? 0 })
    let blobs = RecordCollection(
      "blobs", of: [UInt8].self, id: { $0.count & 1 }, coder: BytesCoder(), indexes: index)
    try database.open(blobs)
    try database.put([7, 8], in: blobs)
    for count in [(1 << 24) + 2, 1 << 25] {
      let error = #expect(throws: DatabaseError.self) {
        try database.put([UInt8](repeating: 1, count: count), in: blobs)
      }
      #expect(error?.code == .valueTooLarge)
      #expect(throws: DatabaseError.self) {
        try database.update(0, in: blobs) { $0 = [UInt8](repeating: 1, count: count) }
      }
    }
    #expect(try database.fetch(blobs.where(index.all)) == [[7, 8]])
    let largest = [UInt8](repeating: 3, count: 1 << 24)
    try database.put(largest, in: blobs)
    #expect(try database.get(0, in: blobs) == largest)
    let growing = Migration("grow", rewriting: blobs, from: blobs) { $0 + [0, 0] }
    let error = #expect(throws: DatabaseError.self) {
      try database.open(Schema(blobs, migrations: [growing]))
    }
    #expect(error?.code == .valueTooLarge)
    #expect(try database.get(0, in: blobs) == largest)
    #expect(try database.delete(0, from: blobs))
  }

  @Test func `are written and read without blocking a task`() async throws {
    let database = try Database.inMemory()
    try await database.open(Schema(Person.all))
    try await database.insert(Person(1, email: "a"), into: people)
    try await database.put(Person(2), in: people)
    let age = try await database.update(1, in: people) { person in
      person.age += 1
      return person.age
    }
    #expect(age == 31)
    #expect(try await database.get(1, in: people)?.age == 31)
    #expect(try await database.fetch(people.all.reversed()).map(\.id) == [2, 1])
    #expect(try await database.first(people.where(Person.byEmail.equals("a")))?.id == 1)
    #expect(try await database.count(people.all) == 2)
    #expect(try await database.delete(1, from: people))
    try await database.waitForIndexes(of: people)
  }
}
