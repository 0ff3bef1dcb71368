import Martlet
import Testing

@MainActor
@Suite(.timeLimit(.minutes(20))) struct LiveSamples {
  private struct Person: Codable, Identifiable, Sendable, Hashable {
    var id: Int
    var age: Int
  }

  @Test func `live queries follow keys and collections`() async throws {
    var output: [String] = []
    func print(_ line: String) { output.append(line) }
    let byAge = RecordIndex("age", on: \Person.age)
    let people = RecordCollection("people", of: Person.self, indexes: byAge)
    let database = try Database.inMemory()
    let accounts = try database.keyspace("accounts")
    try await database.open(Schema(people))

    // sample: LiveQueries
    let balances = database.observe { snapshot in
      try snapshot.value(for: "alice", in: accounts, as: Int.self)
    }
    for try await balance in balances {
      print(balance.map { "alice has \($0)" } ?? "alice has no account")
      if balance == nil { break }
    }
    // end sample
    #expect(output == ["alice has no account"])

    // sample: LiveQueries
    let grownUps = database.observe(people.where(byAge.within(18...)).limit(50))
    let anna = database.observe(1, in: people)
    let total = database.observeCount(of: people.all)
    // end sample
    var (first, second, third) = (
      grownUps.makeAsyncIterator(), anna.makeAsyncIterator(), total.makeAsyncIterator()
    )
    #expect(try await first.next() == [])
    #expect(try await second.next() == .some(nil))
    #expect(try await third.next() == 0)
    try await database.insert(Person(id: 1, age: 18), into: people)
    #expect(try await first.next() == [Person(id: 1, age: 18)])
    #expect(try await second.next() == Person(id: 1, age: 18))
    #expect(try await third.next() == 1)

    // sample: LiveQueries
    let calm = balances.removingDuplicates()
    // end sample
    var values = calm.makeAsyncIterator()
    #expect(try await values.next() == .some(nil))
  }

  @Test func `live queries survive errors`() async throws {
    let output = Output<String>()
    func print(_ line: String) { output.append(line) }
    let database = try Database.inMemory()
    let accounts = try database.keyspace("accounts")
    let balances = database.observe { snapshot in
      try snapshot.value(for: "alice", in: accounts, as: Int.self)
    }
    let reading = Task {
      // sample: LiveQueries
      for await result in balances.results {
        switch result {
        case .success(let balance): print("balance: \(balance ?? 0)")
        case .failure(let error): print("not now: \(error)")
        }
      }
      // end sample
    }
    while output.isEmpty { await Task.yield() }
    reading.cancel()
    await reading.value
    #expect(output.lines == ["balance: 0"])
  }

  @Test func `views hold their newest value`() async throws {
    var output: [Int] = []
    func print(_ count: Int) { output.append(count) }
    let people = RecordCollection("people", of: Person.self)
    let database = try Database.inMemory()
    try await database.open(Schema(people))
    // sample: LiveQueries
    let model = LiveQuery(database.observe(people))
    print(model.value?.count ?? 0)
    model.stop()
    // end sample
    #expect(output == [0])
    #expect(model.isFinished)
  }
}
