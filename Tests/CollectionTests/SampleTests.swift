import Foundation
import Martlet
import Testing

/// The samples of the article "Schema and indexes", compiled and run.
@Suite struct `The article about schemas and indexes` {
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
    // swift-format-ignore
    static let byInitial = RecordIndex("initial", on: { (person: Person) in String(person.name.prefix(1)) })
    static let all = RecordCollection(
      "people", of: Person.self, indexes: byEmail, byCity, byTag, byInitial)
  }

  struct OldPerson: Codable, Identifiable, Sendable {
    var id: UUID
    var name: String
    var city: String
    var months: Int
    static let all = RecordCollection("people", of: OldPerson.self)
  }

  let anna = Person(id: UUID(), name: "Anna", email: "anna", city: "Rome", age: 30, tags: ["swift"])
  let bert = Person(id: UUID(), name: "Bert", city: "Rome", age: 31)

  @Test func `has samples that do what it says`() throws {
    let temporary = try TemporaryDirectory()
    let directory = temporary.path
    let database = try Database(at: directory)
    try database.open(Schema(Person.all))
    try database.insert(bert, into: Person.all)

    try database.write { tx in
      try tx.insert(anna, into: Person.all)
      try tx.update(anna.id, in: Person.all) { $0.city = "Oslo" }
      try tx.delete(bert.id, from: Person.all)
    }
    let found = try database.get(anna.id, in: Person.all)
    // swift-format-ignore
    let neighbours = try database.fetch(Person.all.where(Person.byCity.starts(with: "Oslo", then: 18..<65)))
    let tagged = try database.count(Person.all.where(Person.byTag.equals("swift")))
    #expect(found?.city == "Oslo" && neighbours.map(\.name) == ["Anna"] && tagged == 1)

    let impostor = Person(id: UUID(), name: "Eve", email: "anna", city: "Bern", age: 1)
    var isRefused = false
    do {
      try database.insert(impostor, into: Person.all)
    } catch let error as DatabaseError where error.code == .uniqueViolation {
      let holder = try error.violation?.holder(as: UUID.self)
      print(error.message, holder == anna.id)
      isRefused = holder == anna.id
    }
    #expect(isRefused)

    var shown: [String] = []
    func show(_ people: [Person]) { shown += people.map(\.name) }
    var position: QueryPosition?
    repeat {
      // swift-format-ignore
      let page = try database.page(Person.all.where(Person.byCity.all).resuming(after: position), of: 50)
      show(page.records)
      position = page.next
    } while position != nil

    try database.read { snapshot in
      try snapshot.withCursor(Person.all.all.reversed()) { people in
        while let person = try people.next() { show([person]) }
      }
    }
    #expect(shown == ["Anna", "Anna"])
  }

  @Test func `has migrations that do what it says`() throws {
    let database = try Database.inMemory()
    try database.open(OldPerson.all)
    let old = OldPerson(id: UUID(), name: "Cy", city: "bern", months: 240)
    try database.insert(old, into: OldPerson.all)
    struct Middle: Codable, Identifiable, Sendable {
      var id: UUID
      var name: String
    }
    // The first migration of the article, run on records that are new already, changes nothing here.
    try database.delete(old.id, from: OldPerson.all)
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
    #expect(try database.fetch(Person.all).isEmpty)
  }

  @Test func `shows no line that is not compiled here`() throws {
    let tests = URL(filePath: #filePath)
    let root = tests.deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent()
    func lines(_ url: URL) throws -> [String] {
      try String(contentsOf: url, encoding: .utf8).split(separator: "\n").map {
        $0.trimmingCharacters(in: .whitespaces)
      }
    }
    let compiled = Set(try lines(tests))
    var isSample = false
    var count = 0
    let article = "Sources/Martlet/Martlet.docc/SchemaAndIndexes.md"
    for line in try lines(root.appending(path: article)) {
      if line.hasPrefix("```") {
        isSample = line == "```swift"
      } else if isSample {
        count += 1
        #expect(compiled.contains(line), "\(line)")
      }
    }
    #expect(count > 50)
  }
}
