import Foundation
import Martlet
import Testing

/// What queries answer.
@Suite struct `Queries` {
  let people = Person.all

  /// Ten people: 0 to 4 in Oslo aged 20 to 24, 5 to 9 in Rome aged 25 to 29.
  func database() throws -> Database {
    let database = try Database.withPeople()
    try database.write { tx in
      for id in 0..<10 {
        try tx.insert(
          Person(
            id, ["Ann", "Anna", "Bo", "Bob", "Cy"][id % 5], email: id % 2 == 0 ? "e\(id)" : nil,
            city: id < 5 ? "Oslo" : "Rome", age: 20 + id, tags: ["t\(id % 3)", "all"]),
          into: people)
      }
    }
    return database
  }

  func ids(_ database: Database, _ query: RecordQuery<Person, Int>) throws -> [Int] {
    let fetched = try database.fetch(query).map(\.id)
    let ids = try database.read { try $0.ids(of: query) }
    #expect(fetched == ids)
    #expect(try database.count(query) == ids.count)
    #expect(try database.first(query)?.id == ids.first)
    #expect(try database.read { try $0.exists(query) } == !ids.isEmpty)
    let walked = try database.read { snapshot in
      try snapshot.withCursor(query) { cursor in
        var found: [Int] = []
        while let person = try cursor.next() { found.append(person.id) }
        return found
      }
    }
    #expect(walked == ids)
    return ids
  }

  @Test func `select by id`() throws {
    let database = try database()
    #expect(try ids(database, people.all) == Array(0..<10))
    #expect(try ids(database, people.where(id: 3..<6)) == [3, 4, 5])
    #expect(try ids(database, people.where(id: 8...)) == [8, 9])
    #expect(try ids(database, people.where(id: ...1)) == [0, 1])
    #expect(try ids(database, people.where(id: ..<1).reversed()) == [0])
    #expect(try ids(database, people.where(id: -5 ... -1)) == [])
  }

  @Test func `select by an index, in its order`() throws {
    let database = try database()
    #expect(try ids(database, people.where(Person.byEmail.equals("e4"))) == [4])
    #expect(try ids(database, people.where(Person.byEmail.equals("e5"))) == [])
    #expect(try ids(database, people.where(Person.byEmail.all)) == [0, 2, 4, 6, 8])
    #expect(try ids(database, people.where(Person.byEmail.within("e2"..."e6"))) == [2, 4, 6])
    #expect(try ids(database, people.where(Person.byEmail.within("e2"..<"e6"))) == [2, 4])
    #expect(try ids(database, people.where(Person.byName.equals("Ann"))) == [0, 5])
    #expect(try ids(database, people.where(Person.byName.hasPrefix("An"))) == [0, 5, 1, 6])
    #expect(try ids(database, people.where(Person.byName.within(..."Ann"))) == [0, 5])
    #expect(try ids(database, people.where(Person.byLength.within(3...))) == [0, 3, 5, 8, 1, 6])
    #expect(try ids(database, people.where(Person.byTag.equals("t1"))) == [1, 4, 7])
    #expect(try ids(database, people.where(Person.byTag.equals("all")).limit(2)) == [0, 1])
  }

  @Test func `select by parts of a compound index`() throws {
    let database = try database()
    let byCity = Person.byCity
    #expect(try ids(database, people.where(byCity.starts(with: "Oslo"))) == [0, 1, 2, 3, 4])
    #expect(try ids(database, people.where(byCity.equals("Oslo", 22))) == [2])
    #expect(try ids(database, people.where(byCity.starts(with: "Rome", then: 26..<28))) == [6, 7])
    #expect(
      try ids(database, people.where(byCity.starts(with: "Rome", then: 27...)).reversed())
        == [9, 8, 7])
    #expect(try ids(database, people.where(byCity.starts(within: "P"...))) == [5, 6, 7, 8, 9])
    #expect(try ids(database, people.where(byCity.all).reversed().limit(2)) == [9, 8])
  }

  @Test func `tell a text from one that it begins, whatever bytes follow`() throws {
    let database = try Database.withPeople()
    let names = ["", "a", "a\0", "a\0b", "a\u{1}", "aa", "b", "\u{10FFFF}", "é"]
    try database.write { tx in
      for (id, name) in names.enumerated() { try tx.insert(Person(id, name), into: people) }
    }
    for (id, name) in names.enumerated() {
      #expect(try ids(database, people.where(Person.byName.equals(name))) == [id])
      let prefixed = names.indices.filter {
        names[$0].utf8.starts(with: name.utf8)
      }.sorted { names[$0].utf8.lexicographicallyPrecedes(names[$1].utf8) }
      #expect(try ids(database, people.where(Person.byName.hasPrefix(name))) == prefixed)
    }
  }

  @Test func `go on page by page, whatever was written in between`() throws {
    let database = try database()
    let query = people.where(Person.byCity.all)
    for reverse in [false, true] {
      let query = reverse ? query.reversed() : query
      var position: QueryPosition?
      var pages: [[Int]] = []
      repeat {
        let page = try database.page(query.resuming(after: position), of: 3)
        pages.append(page.records.map(\.id))
        position = page.next
        if let next = position {
          let data = try JSONEncoder().encode(next)
          position = try JSONDecoder().decode(QueryPosition.self, from: data)
        }
      } while position != nil
      let expected = [[0, 1, 2], [3, 4, 5], [6, 7, 8], [9]]
      #expect(pages == (reverse ? [[9, 8, 7], [6, 5, 4], [3, 2, 1], [0]] : expected))
    }
    let first = try database.page(query, of: 3)
    try database.write { tx in
      try tx.delete(2, from: people)
      try tx.insert(Person(20, city: "Aachen"), into: people)
      try tx.insert(Person(21, city: "Oslo", age: 22), into: people)
    }
    let second = try database.page(query.resuming(after: first.next), of: 3)
    #expect(second.records.map(\.id) == [21, 3, 4])
    #expect(try database.page(people.all, of: 100).next == nil)
    #expect(try database.page(people.where(id: 0..<2), of: 2).next == nil)
  }

  @Test(arguments: Level.all)
  func `see a transaction's own writes among those of others`(_ level: Level) throws {
    let database = try database()
    try database.write(isolation: level.isolation, using: level.using) { tx in
      try tx.update(3, in: people) { $0.city = "Rome" }
      try tx.delete(7, from: people)
      try tx.insert(Person(30, city: "Rome", age: 1), into: people)
      let rome = people.where(Person.byCity.starts(with: "Rome"))
      #expect(try tx.fetch(rome).map(\.id) == [30, 3, 5, 6, 8, 9])
      #expect(try tx.count(rome) == 6)
      #expect(try tx.ids(of: rome.reversed().limit(2)) == [9, 8])
      #expect(try tx.first(people.where(Person.byCity.starts(with: "Oslo", then: 23...)))?.id == 4)
      // The body may write; what it deletes is not visited any more.
      var visited: [Int] = []
      try tx.forEach(rome) { person in
        visited.append(person.id)
        if person.id == 3 { try tx.delete(5, from: people) }
        return .continue
      }
      #expect(visited == [30, 3, 6, 8, 9])
      #expect(try tx.deleteAll(rome) == 5)
      #expect(try tx.exists(rome) == false)
    }
    #expect(try ids(database, people.all) == [0, 1, 2, 4])
    #expect(try database.verify().isClean)
  }

  @Test func `walk in batches with a cursor, up to their limit`() throws {
    let database = try Database.withPeople()
    try database.write { tx in
      for id in 0..<200 { try tx.insert(Person(id, age: id), into: people) }
    }
    #expect(try ids(database, people.all) == Array(0..<200))
    #expect(try ids(database, people.all.reversed().limit(130)) == (70..<200).reversed())
    #expect(try ids(database, people.where(Person.byCity.all).limit(64)) == Array(0..<64))
    #expect(try ids(database, people.where(Person.byCity.all).limit(0)) == [])
  }

  @Test func `pass on what their bodies throw`() throws {
    struct Stop: Error {}
    let database = try database()
    #expect(throws: Stop.self) {
      try database.read { try $0.forEach(people.where(Person.byTag.all)) { _ in throw Stop() } }
    }
  }
}
