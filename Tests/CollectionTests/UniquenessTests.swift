import Dispatch
import Martlet
import Synchronization
import Seeds
import Testing

/// Writers of the same values at once: what is unique stays so at every level.
@Suite(.serialized) struct `Concurrent writers` {
  let people = Person.all

  @Test(arguments: Level.all)
  func `never give two records one key of a unique index`(_ level: Level) throws {
    let seed = Seed.take()
    print("seed \(seed), \(level)")
    let database = try Database.withPeople()
    let violations = Atomic<Int>(0)
    let failures = Mutex<[any Error]>([])
    DispatchQueue.concurrentPerform(iterations: 4) { writer in
      var random = SplitMix(seed &+ UInt64(writer))
      for round in 0..<60 {
        do {
          try database.write(isolation: level.isolation, using: level.using) { tx in
            let id = writer * 10 + Int.random(in: 0..<10, using: &random)
            let email = "e\(Int.random(in: 0..<6, using: &random))"
            switch round % 4 {
            case 0: try tx.delete(id, from: people)
            default: try tx.put(Person(id, email: email, age: round), in: people)
            }
          }
        } catch let error as DatabaseError where error.code == .uniqueViolation {
          violations.add(1, ordering: .relaxed)
        } catch {
          failures.withLock { $0.append(error) }
        }
      }
    }
    #expect(failures.withLock { $0 }.isEmpty, "seed \(seed): \(failures.withLock { $0 })")
    #expect(violations.load(ordering: .relaxed) > 0, "they never met")
    let emails = try database.fetch(people).compactMap(\.email)
    #expect(Set(emails).count == emails.count, "seed \(seed): \(emails)")
    let report = try database.verify()
    #expect(report.isClean, "seed \(seed): \(report.findings)")
  }

  @Test(arguments: Level.all, Level.all)
  func `of two levels that insert one key: one of both succeeds`(_ left: Level, _ right: Level)
    throws
  {
    let database = try Database.withPeople()
    // Both have looked before either has written.
    let first = try database.open(isolation: left.isolation, using: left.using, lockTimeout: .zero)
    let second = try database.open(
      isolation: right.isolation, using: right.using, lockTimeout: .zero)
    #expect(try first.run { try $0.count(people.where(Person.byEmail.all)) } == 0)
    #expect(try second.run { try $0.count(people.where(Person.byEmail.all)) } == 0)
    func attempt(_ transaction: OpenTransaction, _ id: Int) -> Bool {
      do {
        try transaction.run { try $0.insert(Person(id, email: "same"), into: people) }
        return true
      } catch {
        transaction.rollback()
        return false
      }
    }
    func commit(_ transaction: OpenTransaction, _ isOpen: Bool) -> Bool {
      guard isOpen else { return false }
      do {
        _ = try transaction.commit()
        return true
      } catch {
        return false
      }
    }
    let firstWrote = attempt(first, 1)
    let secondWrote = attempt(second, 2)
    let firstIs = commit(first, firstWrote)
    let secondIs = commit(second, secondWrote)
    let count = try database.count(people.where(Person.byEmail.equals("same")))
    let records = try database.count(people.all)
    #expect(records == (firstIs ? 1 : 0) + (secondIs ? 1 : 0))
    #expect(records == 1 && count == 1, "\(left) and \(right): \(records) records")
    #expect(try database.verify().isClean)
  }

  @Test(arguments: Level.all)
  func `and readers at their side: a query shows records that are what it asks for`(
    _ level: Level
  ) throws {
    let database = try Database.withPeople()
    try database.write { tx in
      for id in 0..<20 { try tx.insert(Person(id, city: "Oslo"), into: people) }
    }
    let isDone = Atomic<Bool>(false)
    let failures = Mutex<[String]>([])
    DispatchQueue.concurrentPerform(iterations: 2) { worker in
      do {
        if worker == 0 {
          defer { isDone.store(true, ordering: .releasing) }
          for round in 0..<300 {
            try database.write(isolation: .readCommitted) { tx in
              try tx.update(round % 20, in: people) {
                $0.city = $0.city == "Oslo" ? "Rome" : "Oslo"
              }
            }
          }
        } else {
          while !isDone.load(ordering: .acquiring) {
            try database.write(isolation: level.isolation, using: level.using) { tx in
              for city in ["Oslo", "Rome"] {
                let found = try tx.fetch(people.where(Person.byCity.starts(with: city)))
                // Dirty reads may show what they like.
                guard level.isolation != .readUncommitted else { continue }
                if let other = found.first(where: { $0.city != city }) {
                  failures.withLock { $0.append("\(other.id) is in \(other.city), not \(city)") }
                }
              }
            }
          }
        }
      } catch {
        failures.withLock { $0.append("\(error)") }
      }
    }
    #expect(failures.withLock { $0 } == [])
  }

  @Test func `without the guarantee of their level keep the index all the same`() throws {
    let database = try Database.withPeople()
    let first = try database.open(isolation: .serializable, using: .optimistic)
    let second = try database.open(isolation: .serializable, using: .optimistic)
    for (id, transaction) in [(1, first), (2, second)] {
      try transaction.run { tx in
        try tx.withoutGuarantee { try $0.insert(Person(id, email: "same"), into: people) }
      }
    }
    _ = try first.commit()
    #expect(throws: DatabaseError.self) { try second.commit() }
    #expect(try database.verify().isClean)
  }
}
