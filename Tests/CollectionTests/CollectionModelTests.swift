import Martlet
import Seeds
import Testing

/// Random operations against a dictionary: collections, all indexes, rollbacks and savepoints.
@Suite struct `A collection and a dictionary` {
  let people = Person.all

  @Test func `agree after every transaction, and so do all indexes`() throws {
    let seed = Seed.take()
    print("seed \(seed)")
    var random = SplitMix(seed)
    let database = try Database.withPeople()
    var model: [Int: Person] = [:]
    for round in 0..<150 {
      struct Rollback: Error {}
      let level = Level.all.randomElement(using: &random)!
      var next = model
      do {
        try database.write(isolation: level.isolation, using: level.using) { tx in
          for _ in 0..<Int.random(in: 1...12, using: &random) {
            try step(tx, &next, &random)
            if Int.random(in: 0..<8, using: &random) == 0 {
              let savepoint = try tx.savepoint()
              let before = next
              for _ in 0..<4 { try step(tx, &next, &random) }
              if Bool.random(using: &random) {
                try tx.rollBack(to: savepoint)
                next = before
              }
            }
          }
          try expectSame(tx, next, &random, seed)
          if Int.random(in: 0..<5, using: &random) == 0 { throw Rollback() }
        }
        model = next
      } catch is Rollback {}
      if round % 10 == 0 {
        try database.read { try expectSame($0, model, &random, seed) }
        #expect(try database.verify().isClean, "seed \(seed), round \(round)")
      }
    }
    #expect(model.count > 5)
  }

  private func person(_ random: inout SplitMix) -> Person {
    Person(
      Int.random(in: 0..<40, using: &random),
      String("abcdefg".prefix(Int.random(in: 0...7, using: &random))),
      email: Bool.random(using: &random) ? "e\(Int.random(in: 0..<30, using: &random))" : nil,
      city: ["Oslo", "Rome", "Bern"].randomElement(using: &random)!,
      age: Int.random(in: -3..<3, using: &random),
      tags: (0..<Int.random(in: 0...4, using: &random)).map { _ in
        "t\(Int.random(in: 0..<4, using: &random))"
      })
  }

  /// One random operation on both.
  private func step(
    _ tx: borrowing Transaction, _ model: inout [Int: Person], _ random: inout SplitMix
  ) throws {
    let person = person(&random)
    let holder = model.values.first { $0.email != nil && $0.email == person.email }
    let isFree = holder == nil || holder?.id == person.id
    do {
      switch Int.random(in: 0..<6, using: &random) {
      case 0:
        try tx.insert(person, into: people)
        #expect(model[person.id] == nil && isFree)
        model[person.id] = person
      case 1, 2:
        try tx.put(person, in: people)
        #expect(isFree)
        model[person.id] = person
      case 3:
        let wasThere = try tx.replace(person, in: people)
        #expect(wasThere == (model[person.id] != nil))
        if wasThere { model[person.id] = person }
      case 4:
        let updated: Void? = try tx.update(person.id, in: people) { $0 = person }
        #expect((updated != nil) == (model[person.id] != nil))
        if updated != nil { model[person.id] = person }
      default:
        #expect(try tx.delete(person.id, from: people) == (model[person.id] != nil))
        model[person.id] = nil
      }
    } catch let error as DatabaseError where error.code == .uniqueViolation {
      #expect(!isFree)
      #expect(try error.violation?.holder(as: Int.self) == holder?.id)
    } catch let error as DatabaseError where error.code == .keyExists {
      #expect(model[person.id] != nil)
    }
  }

  /// Everything that can be asked.
  private func expectSame(
    _ reader: borrowing some (Reading & ~Copyable), _ model: [Int: Person],
    _ random: inout SplitMix, _ seed: UInt64
  ) throws {
    let all = model.values.sorted { $0.id < $1.id }
    #expect(try reader.fetch(people) == all, "seed \(seed)")
    let city = ["Oslo", "Rome", "Bern"].randomElement(using: &random)!
    let age = Int.random(in: -3..<3, using: &random)
    let inCity = all.filter { $0.city == city && $0.age >= age }
      .sorted { ($0.age, $0.id) < ($1.age, $1.id) }
    let query = people.where(Person.byCity.starts(with: city, then: age...))
    #expect(try reader.fetch(query) == inCity, "seed \(seed)")
    #expect(try reader.ids(of: query.reversed()) == inCity.reversed().map(\.id), "seed \(seed)")
    let limit = Int.random(in: 0...3, using: &random)
    #expect(try reader.fetch(query.limit(limit)) == Array(inCity.prefix(limit)), "seed \(seed)")
    let tag = "t\(Int.random(in: 0..<4, using: &random))"
    #expect(
      try reader.ids(of: people.where(Person.byTag.equals(tag)))
        == all.filter { $0.tags.contains(tag) }.map(\.id), "seed \(seed)")
    #expect(
      try reader.count(people.where(Person.byEmail.all)) == all.filter { $0.email != nil }.count,
      "seed \(seed)")
    let prefix = String("abcdefg".prefix(Int.random(in: 0...7, using: &random)))
    #expect(
      try reader.count(people.where(Person.byName.hasPrefix(prefix)))
        == all.filter { $0.name.hasPrefix(prefix) }.count, "seed \(seed)")
  }
}
