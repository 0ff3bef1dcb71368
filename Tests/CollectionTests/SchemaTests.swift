import Dispatch
import Foundation
import Martlet
import Simulation
import Synchronization
import Seeds
import Testing

/// Opening schemas: new, changed, dropped and failing declarations, and migrations.
@Suite struct `A schema` {
  let bare = Person.bare
  let people = Person.all

  /// A database with so many people and no index.
  func database(_ count: Int) throws -> Database {
    let database = try Database.inMemory()
    try database.open(bare)
    for start in stride(from: 0, to: count, by: 100) {
      try database.write { tx in
        for id in start..<min(count, start + 100) {
          try tx.insert(Person(id, email: "e\(id)", age: id % 50, tags: ["t\(id % 7)"]), into: bare)
        }
      }
    }
    return database
  }

  @Test func `opened again changes nothing`() throws {
    let database = try Database.withPeople()
    try database.insert(Person(1), into: people)
    let commits = database.statistics.commits
    try database.open(people)
    #expect(database.statistics.commits == commits)
    #expect(database.keyspaceNames.filter { $0.hasPrefix("martlet/index/") }.count == 5)
  }

  @Test func `with a new index builds it from what is there, and tells how far it is`() throws {
    let database = try database(700)
    var steps: [SchemaProgress] = []
    try database.open(Schema(people)) { steps.append($0) }
    #expect(try database.fetch(people.where(Person.byEmail.equals("e77"))).map(\.id) == [77])
    #expect(try database.count(people.where(Person.byTag.equals("t3"))) == 100)
    #expect(try database.indexes(of: people).allSatisfy { $0.isReady })
    let last = steps.last
    #expect(last?.done == 700 && last?.total == 700)
    #expect(steps.count == 15, "three batches of each of five indexes")
    let report = try database.verify()
    #expect(report.isClean && report.indexEntryCount == 3500)
  }

  @Test(arguments: [IndexBuilding.first, .inBackground])
  func `builds an index while writers of every level go on`(_ building: IndexBuilding) throws {
    let seed = Seed.take()
    print("seed \(seed)")
    let database = try database(600)
    let failures = Mutex<[String]>([])
    let isDone = Atomic<Bool>(false)
    // It began before the index was known: the build waits for it.
    // Used by one thread at a time.
    nonisolated(unsafe) let old = try database.open(isolation: .snapshot)
    try unsafe old.run { try $0.put(Person(10_000, email: "old"), in: bare) }
    DispatchQueue.concurrentPerform(iterations: 3) { worker in
      do {
        switch worker {
        case 0:
          try database.open(Schema(people), building: building)
          try database.waitForIndexes(of: people)
          isDone.store(true, ordering: .releasing)
        case 1:
          // A build that did not wait for it would be done by then, without its record.
          for _ in 0..<200 {
            if let indexes = try? database.indexes(of: people), indexes.allSatisfy(\.isReady) {
              break
            }
            usleep(5000)
          }
          _ = try unsafe old.commit()
        default:
          var random = SplitMix(seed)
          var round = 0
          while !isDone.load(ordering: .acquiring) || round < 50 {
            round += 1
            let level = Level.all[round % Level.all.count]
            let id = Int.random(in: 0..<700, using: &random)
            do {
              try database.write(isolation: level.isolation, using: level.using) { tx in
                if round % 5 == 0 {
                  try tx.delete(id, from: people)
                } else {
                  try tx.put(Person(id, email: "n\(id)", age: round, tags: ["w"]), in: people)
                }
              }
            } catch let error as DatabaseError
              where error.code == .collectionChanged || error.code == .uniqueViolation
            {
              // Not open by this declaration yet.
            }
          }
        }
      } catch {
        failures.withLock { $0.append("\(worker): \(error)") }
        isDone.store(true, ordering: .releasing)
      }
    }
    #expect(failures.withLock { $0 } == [], "seed \(seed)")
    #expect(try database.indexes(of: people).allSatisfy { $0.isReady })
    let report = try database.verify()
    #expect(report.isClean, "seed \(seed): \(report.findings.prefix(3))")
    #expect(
      try database.count(people.where(Person.byName.all)) == database.count(people.all),
      "seed \(seed)")
  }

  @Test func `answers through an index only once that is complete`() throws {
    let database = try database(3)
    // A snapshot from before it does not see all of its entries.
    try database.read { snapshot in
      _ = try snapshot.fetch(bare)
      try onAnotherThread { try database.open(people) }
      let error = #expect(throws: DatabaseError.self) {
        try snapshot.fetch(people.where(Person.byCity.all))
      }
      #expect(error?.code == .snapshotTooOld)
      #expect(try snapshot.fetch(people).count == 3)
    }
    #expect(try database.fetch(people.where(Person.byCity.all)).count == 3)
  }

  @Test func `that makes an index unique names the records in each other's way`() throws {
    let database = try Database.inMemory()
    try database.open(bare)
    try database.insert(Person(1, email: "a"), into: bare)
    try database.insert(Person(2, email: "a"), into: bare)
    let error = #expect(throws: DatabaseError.self) { try database.open(people) }
    #expect(error?.code == .uniqueViolation)
    #expect(error?.violation?.index == "email")
    let query = #expect(throws: DatabaseError.self) {
      try database.fetch(people.where(Person.byEmail.all))
    }
    #expect(query?.code == .indexNotReady)
    #expect(try database.fetch(people.where(Person.byCity.all)).count == 2, "the others answer")
    try database.delete(2, from: people)
    try database.rebuild(Person.byEmail, of: people)
    #expect(try database.fetch(people.where(Person.byEmail.equals("a"))).map(\.id) == [1])
    #expect(try database.verify().isClean)
  }

  @Test func `without an index drops it`() throws {
    let database = try Database.withPeople()
    try database.insert(Person(1), into: people)
    try database.open(bare)
    #expect(!database.keyspaceNames.contains { $0.hasPrefix("martlet/index/") })
    try database.put(Person(1, city: "Rome"), in: bare)
    try database.open(people)
    #expect(try database.fetch(people.where(Person.byCity.starts(with: "Rome"))).count == 1)
    #expect(try database.verify().isClean)
  }

  @Test func `that declares something otherwise is refused, and the change is named`() throws {
    let database = try Database.withPeople()
    func message(_ collection: some SchemaCollection) -> String? {
      let error = #expect(throws: DatabaseError.self) { try database.open(Schema(collection)) }
      #expect(error?.code == .collectionChanged)
      return error?.message
    }
    let other = RecordCollection(
      "people", of: Person.self, coder: JSONRecordCoder(),
      indexes: RecordIndex("email", onPresent: \Person.email))
    #expect(message(other)?.contains("index \"email\" is on present string") == true)
    let numbered = RecordCollection(
      "people", of: Person.self, coder: JSONRecordCoder(),
      indexes: RecordIndex("email", onPresent: \Person.email, isUnique: true, version: 1))
    #expect(message(numbered)?.contains("version 1") == true)
    let named = RecordCollection(
      "people", of: Person.self, id: \.name, coder: JSONRecordCoder())
    #expect(message(named)?.contains("ids are string") == true)
    // What was open stays so.
    try database.insert(Person(1, city: "Bern"), into: people)
    #expect(try database.count(people.where(Person.byCity.starts(with: "Bern"))) == 1)
    let migration = Migration("emails may repeat", redeclaring: other)
    try database.open(Schema(other, migrations: [migration]))
    try database.insert(Person(2, email: "a"), into: other)
    try database.insert(Person(3, email: "a"), into: other)
    #expect(try database.verify().isClean)
  }

  @Test func `runs each migration once, in order, and remembers it`() throws {
    let database = try Database.inMemory()
    let log = Mutex<[String]>([])
    func migration(_ name: String) -> Migration {
      Migration(name) { tx in
        log.withLock { $0.append(name) }
        try tx.put(Person(log.withLock { $0.count }, name), in: Person.all)
      }
    }
    try database.open(Schema(people, migrations: [migration("one")]))
    try database.open(Schema(people, migrations: [migration("one"), migration("two")]))
    try database.open(Schema(people, migrations: [migration("one"), migration("two")]))
    #expect(log.withLock { $0 } == ["one", "two"])
    #expect(try database.fetch(people.where(Person.byName.all)).map(\.name) == ["one", "two"])
    let newer = #expect(throws: DatabaseError.self) {
      try database.open(Schema(people, migrations: [migration("one")]))
    }
    #expect(newer?.code == .newerSchema)
    #expect(newer?.message.contains("\"two\"") == true)
    let moved = #expect(throws: DatabaseError.self) {
      try database.open(Schema(people, migrations: [migration("two"), migration("one")]))
    }
    #expect(moved?.code == .invalidArgument)
    #expect(try database.verify().isClean)
  }

  @Test func `with a migration that throws has not run it`() throws {
    struct Stop: Error {}
    let database = try Database.withPeople()
    let failing = Migration("bad") { tx in
      try tx.put(Person(1), in: Person.all)
      throw Stop()
    }
    #expect(throws: Stop.self) { try database.open(Schema(people, migrations: [failing])) }
    #expect(try database.fetch(people).isEmpty)
    try database.open(people)
  }

  /// What a person was.
  struct OldPerson: Codable, Identifiable, Sendable {
    var id: Int
    var fullName: String
    static let all = RecordCollection(
      "people", of: OldPerson.self, coder: JSONRecordCoder(),
      indexes: RecordIndex("name", on: \OldPerson.fullName))
  }

  @Test func `rewrites records of an old type, at once or in batches`() throws {
    for inBatches in [false, true] {
      let database = try Database.inMemory()
      try database.open(OldPerson.all)
      try database.write { tx in
        for id in 0..<600 {
          try tx.insert(OldPerson(id: id, fullName: "P\(id)"), into: OldPerson.all)
        }
      }
      let change: @Sendable (OldPerson) -> Person? = { old in
        old.id % 3 == 0 ? nil : Person(old.id, old.fullName, city: "Bern")
      }
      let migration =
        inBatches
        ? Migration("new people", rewriting: Person.all, from: OldPerson.all, change)
        : Migration("new people") { tx in
          for old in try tx.fetch(OldPerson.all) {
            if let person = change(old) {
              try tx.put(person, in: Person.all)
            } else {
              try tx.delete(old.id, from: OldPerson.all)
            }
          }
          let error = #expect(throws: DatabaseError.self) {
            try tx.fetch(Person.all.where(Person.byName.all))
          }
          #expect(error?.code == .indexNotReady, "indexes do not answer in a migration")
        }
      var done: [Int] = []
      try database.open(Schema(people, migrations: [migration])) { progress in
        if case .migration = progress.step { done.append(progress.done) }
      }
      #expect(done == (inBatches ? [0, 256, 512, 600] : [0]))
      #expect(try database.count(people.all) == 400)
      #expect(try database.fetch(people.where(Person.byName.equals("P7"))).map(\.city) == ["Bern"])
      #expect(try database.verify().isClean)
      let old = #expect(throws: DatabaseError.self) { try database.open(OldPerson.all) }
      #expect(old?.code == .newerSchema)
    }
  }

  @Test func `refuses names that cannot be`() throws {
    let database = try Database.inMemory()
    for name in ["", "martlet/schema", "martlet/\u{301}", String(repeating: "n", count: 101)] {
      let collection = RecordCollection(name, of: Person.self, coder: JSONRecordCoder())
      let error = #expect(throws: DatabaseError.self) { try database.open(collection) }
      #expect(error?.code == .invalidArgument)
    }
    let twice = RecordCollection(
      "twice", of: Person.self, coder: JSONRecordCoder(), indexes: Person.byName, Person.byName)
    #expect(throws: DatabaseError.self) { try database.open(twice) }
    #expect(throws: DatabaseError.self) { try database.open(Schema(people, Person.bare)) }
    #expect(throws: DatabaseError.self) { _ = try database.keyspace("martlet/mine") }
    try database.open(people)
    #expect(throws: DatabaseError.self) { try database.dropKeyspace("people") }
    #expect(throws: DatabaseError.self) { try database.dropKeyspace("martlet/schema") }
    #expect(throws: DatabaseError.self) {
      try database.write { _ in try database.open(people) }
    }
    #expect(throws: DatabaseError.self) {
      try database.write { tx in
        try tx.put(Person(1), in: people)
        try database.rebuild(Person.byCity, of: people)
      }
    }
    #expect(throws: DatabaseError.self) {
      try database.write { _ in try database.dropCollection("people") }
    }
  }

  @Test func `lets go of a collection with everything in it`() throws {
    let database = try Database.withPeople()
    try database.insert(Person(1), into: people)
    try database.dropCollection("people")
    #expect(database.keyspaceNames == ["martlet/schema"])
    #expect(throws: DatabaseError.self) { try database.fetch(people) }
    #expect(throws: DatabaseError.self) { try database.dropCollection("people") }
    try database.open(bare)
    #expect(try database.fetch(bare).isEmpty)
    #expect(try database.verify().isClean)
  }

  /// The story: the keyspace of a collection that was not open yet could be dropped alone, and its
  /// indexes went on leading to records that were gone.
  @Test func `lets go of a collection with everything in it, also one that is not open`() throws {
    try Simulator(seed: 2).run { effects in
      let path = "/db"
      let before = try Database(at: path, configuration: Configuration(), effects: effects)
      try before.open(Person.all)
      try before.insert(Person(1, email: "a"), into: Person.all)
      #expect(throws: DatabaseError.self) { try before.dropKeyspace("people") }
      try before.close()
      let database = try Database(at: path, configuration: Configuration(), effects: effects)
      let error = #expect(throws: DatabaseError.self) { try database.dropKeyspace("people") }
      #expect(error?.code == .ownedByCollection)
      try database.dropCollection("people")
      #expect(database.keyspaceNames == ["martlet/schema"])
      try database.open(Person.all)
      #expect(try database.count(Person.all.where(Person.byName.all)) == 0)
      try database.insert(Person(2, email: "a"), into: Person.all)
      #expect(try database.verify().isClean)
      try database.close()
    }
  }

  /// The story: to Swift both names are equal, but not in the keys of the schema, so that what was
  /// noted under one was not found under the other.
  @Test func `refuses a name that is composed otherwise than in the database`() throws {
    let database = try Database.inMemory()
    func collection(_ name: String, _ index: String) -> RecordCollection<Person, Int> {
      RecordCollection(
        name, of: Person.self, indexes: RecordIndex(index, on: { (person: Person) in person.age }))
    }
    try database.open(collection("caf\u{e9}", "\u{e9}ge"))
    for (name, index) in [("cafe\u{301}", "\u{e9}ge"), ("caf\u{e9}", "e\u{301}ge")] {
      let error = #expect(throws: DatabaseError.self) {
        try database.open(collection(name, index))
      }
      #expect(error?.code == .invalidArgument)
    }
    let same = Migration("same", redeclaring: collection("cafe\u{301}", "x"))
    try database.open(Schema(collection("caf\u{e9}", "\u{e9}ge"), migrations: [same]))
    try database.insert(Person(1), into: collection("caf\u{e9}", "\u{e9}ge"))
    try database.dropCollection("cafe\u{301}")
    try database.open(Schema(collection("cafe\u{301}", "e\u{301}ge"), migrations: [same]))
    #expect(try database.fetch(collection("cafe\u{301}", "e\u{301}ge")).isEmpty)
  }

  /// The story: opening a schema again forgot since when an index is complete, and a snapshot from
  /// before found nothing in it.
  @Test func `opened again keeps an index from snapshots older than it`() throws {
    let database = try database(10)
    try database.read { snapshot in
      #expect(try snapshot.fetch(bare).count == 10)
      try onAnotherThread {
        try database.open(Person.all)
        try database.open(Person.all)
      }
      let error = #expect(throws: DatabaseError.self) {
        try snapshot.fetch(Person.all.where(Person.byName.all))
      }
      #expect(error?.code == .snapshotTooOld)
    }
    #expect(try database.fetch(people.where(Person.byName.all)).count == 10)
  }

  struct Narrow: Codable {
    var id: Int
    var price: Float
  }

  struct Wide: Codable {
    var id: Int
    var price: Double
  }

  /// The story: records of one are read as the other, but entries of one are not found as the other.
  @Test func `tells numbers of four bytes from those of eight`() throws {
    let database = try Database.inMemory()
    let narrow = RecordCollection(
      "prices", of: Narrow.self, id: \.id, indexes: RecordIndex("price", on: \Narrow.price))
    let byPrice = RecordIndex("price", on: \Wide.price)
    let wide = RecordCollection("prices", of: Wide.self, id: \.id, indexes: byPrice)
    try database.open(narrow)
    try database.insert(Narrow(id: 1, price: 2.5), into: narrow)
    let error = #expect(throws: DatabaseError.self) { try database.open(wide) }
    #expect(error?.code == .collectionChanged)
    try database.open(Schema(wide, migrations: [Migration("wider", redeclaring: wide)]))
    #expect(try database.count(wide.where(byPrice.equals(2.5))) == 1)
  }

  @Test func `refuses a version below zero`() throws {
    let index = RecordIndex("name", on: { (person: Person) in person.name }, version: -1)
    let error = #expect(throws: DatabaseError.self) {
      try Database.inMemory().open(RecordCollection("people", of: Person.self, indexes: index))
    }
    #expect(error?.code == .invalidArgument)
  }

  @Test func `whose index is rebuilt answers as before`() throws {
    let database = try database(300)
    try database.open(people)
    let before = try database.fetch(people.where(Person.byCity.all))
    try database.rebuild(Person.byCity, of: people)
    #expect(try database.fetch(people.where(Person.byCity.all)) == before)
    #expect(database.keyspaceNames.filter { $0.hasPrefix("martlet/index/") }.count == 5)
    #expect(try database.verify().isClean)
  }

  private func onAnotherThread(_ body: @escaping @Sendable () throws -> Void) throws {
    let result = Mutex<(any Error)?>(nil)
    DispatchQueue.global().sync {}
    let group = DispatchGroup()
    DispatchQueue.global().async(group: group) {
      do { try body() } catch { result.withLock { $0 = error } }
    }
    group.wait()
    if let error = result.withLock({ $0 }) { throw error }
  }
}
