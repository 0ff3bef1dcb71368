import Foundation
import Martlet
import Testing

private struct Person: Codable, Identifiable, Sendable, Hashable {
  var id: Int
  var age: Int
}

private let byAge = RecordIndex("age", on: \Person.age)
private let people = RecordCollection(
  "people", of: Person.self, coder: JSONRecordCoder(), indexes: byAge)

/// The samples of the guide, compiled; the last test holds the guide against this file.
@MainActor
@Suite(.timeLimit(.minutes(1))) struct `The guide to live queries` {
  let database: Database
  let accounts: Keyspace

  init() throws {
    database = try Database.inMemory()
    accounts = try database.keyspace("accounts")
    try database.open(people)
  }

  @Test func `shows samples that run`() async throws {
    let (database, accounts) = (database, accounts)
    let balances = database.observe { snapshot in
      try snapshot.value(for: "alice", in: accounts, as: Int.self)
    }
    for try await balance in balances {
      print(balance.map { "alice has \($0)" } ?? "alice has no account")
      if balance == nil { break }
    }
    let grownUps = database.observe(people.where(byAge.within(18...)).limit(50))
    let anna = database.observe(1, in: people)
    let total = database.observeCount(of: people.all)
    var (first, second, third) = (
      grownUps.makeAsyncIterator(), anna.makeAsyncIterator(), total.makeAsyncIterator()
    )
    #expect(try await first.next() == [])
    #expect(try await second.next() == .some(nil))
    #expect(try await third.next() == 0)
    try await database.write { tx in try tx.insert(Person(id: 1, age: 17), into: people) }
    #expect(try await second.next() == Person(id: 1, age: 17))
    #expect(try await third.next() == 1)
    try await database.write { tx in try tx.put(Person(id: 1, age: 18), in: people) }
    #expect(try await first.next() == [Person(id: 1, age: 18)])
    #expect(try await second.next() == Person(id: 1, age: 18))

    let calm = balances.removingDuplicates()
    var values = calm.makeAsyncIterator()
    #expect(try await values.next() == .some(nil))

    let reader = Task {
      for await result in balances.results {
        switch result {
        case .success(let balance): print("balance: \(balance ?? 0)")
        case .failure(let error): print("not now: \(error)")
        }
      }
    }
    let model = LiveQuery(database.observe(people))
    print(model.value?.count ?? 0)
    model.stop()
    reader.cancel()
    await reader.value
  }

  @Test func `has no other samples`() throws {
    let here = URL(filePath: #filePath)
    let root = here.deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent()
    let guide = try String(
      contentsOf: root.appending(path: "Sources/Martlet/Martlet.docc/LiveQueries.md"),
      encoding: .utf8)
    let compiled = Set(
      try String(contentsOf: here, encoding: .utf8).split(separator: "\n")
        .map { $0.trimmingCharacters(in: .whitespaces) })
    let samples = guide.components(separatedBy: "```swift\n").dropFirst()
      .map { $0.components(separatedBy: "```")[0] }
    #expect(samples.count == 5)
    for line in samples.joined().split(separator: "\n") {
      let line = line.trimmingCharacters(in: .whitespaces)
      #expect(compiled.contains(line), "not compiled: \(line)")
    }
  }
}
