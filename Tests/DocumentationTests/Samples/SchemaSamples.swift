import Foundation
import Martlet
import Testing

@Suite(.ownFolder) struct SchemaSamples {
  // sample: SchemaAndIndexes
  struct Person: Codable, Identifiable, Sendable {
    var id: UUID
    var name: String
    var email: String?
    var city: String
    var age: Int
    var tags: [String] = []

    static let byEmail = RecordIndex("email", onPresent: \Person.email, isUnique: true)
    static let byCity = RecordIndex("city", on: \Person.city, \Person.age)
    static let byTag = RecordIndex("tags", onEach: \Person.tags)
    static let byInitial = RecordIndex(
      "initial",
      on: { (person: Person) in
        String(person.name.prefix(1))
      })
    static let all = RecordCollection(
      "people", of: Person.self, indexes: byEmail, byCity, byTag, byInitial)
  }
  // end sample

  private struct OldPerson: Codable, Identifiable, Sendable {
    var id: UUID
    var name: String
    var city: String
    var months: Int

    static let all = RecordCollection("people", of: OldPerson.self)
  }

  private let anna = Person(
    id: UUID(), name: "Anna", email: "anna", city: "Rome", age: 30, tags: ["swift"])
  private let bert = Person(id: UUID(), name: "Bert", city: "Rome", age: 31)

  @Test func `collections are opened, written, read and paged`() throws {
    let directory = OwnFolder.place("people")
    // sample: SchemaAndIndexes
    let database = try Database(at: directory)
    try database.open(Schema(Person.all))
    // end sample
    try database.insert(bert, into: Person.all)

    // sample: SchemaAndIndexes
    try database.write { tx in
      try tx.insert(anna, into: Person.all)
      try tx.update(anna.id, in: Person.all) { $0.city = "Oslo" }
      try tx.delete(bert.id, from: Person.all)
    }
    let found = try database.get(anna.id, in: Person.all)
    let neighbours = try database.fetch(
      Person.all.where(Person.byCity.starts(with: "Oslo", then: 18..<65)))
    let tagged = try database.count(Person.all.where(Person.byTag.equals("swift")))
    // end sample
    #expect(found?.city == "Oslo")
    #expect(neighbours.map(\.name) == ["Anna"])
    #expect(tagged == 1)

    let impostor = Person(id: UUID(), name: "Eve", email: "anna", city: "Bern", age: 1)
    var output: [String] = []
    func print(_ message: String, _ isAnna: Bool) { output.append("\(message) \(isAnna)") }
    // sample: SchemaAndIndexes
    do {
      try database.insert(impostor, into: Person.all)
    } catch let error as DatabaseError where error.code == .uniqueViolation {
      let holder = try error.violation?.holder(as: UUID.self)
      print(error.message, holder == anna.id)
    }
    // end sample
    #expect(output.count == 1 && output[0].hasSuffix("true"))

    var shown: [String] = []
    func show(_ people: [Person]) { shown += people.map(\.name) }
    // sample: SchemaAndIndexes
    var position: QueryPosition?
    repeat {
      let page = try database.page(
        Person.all.where(Person.byCity.all).resuming(after: position), of: 50)
      show(page.records)
      position = page.next
    } while position != nil

    try database.read { snapshot in
      try snapshot.withCursor(Person.all.all.reversed()) { people in
        while let person = try people.next() { show([person]) }
      }
    }
    // end sample
    #expect(shown == ["Anna", "Anna"])
  }

  @Test func `migrations run once, in their order`() throws {
    let database = try Database.inMemory()
    var output: [String] = []
    func print(_ step: SchemaProgress.Step, _ done: Int) { output.append("\(step) \(done)") }
    // sample: SchemaAndIndexes
    let schema = Schema(
      Person.all,
      migrations: [
        Migration("2026-01 cities are capitalized") { tx in
          for var person in try tx.fetch(Person.all) {
            person.city = person.city.capitalized
            try tx.put(person, in: Person.all)
          }
        },
        Migration("2026-03 ages in years", rewriting: Person.all, from: OldPerson.all) { old in
          Person(id: old.id, name: old.name, email: nil, city: old.city, age: old.months / 12)
        },
      ])
    try database.open(schema) { progress in print(progress.step, progress.done) }
    // end sample
    for name in ["2026-01", "2026-03"] { #expect(output.contains { $0.contains(name) }) }
    output = []
    try database.open(schema) { progress in print(progress.step, progress.done) }
    #expect(output.isEmpty)
  }
}
