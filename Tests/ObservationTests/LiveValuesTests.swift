import Martlet
import Testing

@Suite struct `Live queries` {
  @Test func `show the state at once and after each commit`() async throws {
    let database = try Database.inMemory()
    let accounts = try database.keyspace("accounts")
    var values = database.observe { snapshot in
      try snapshot.value(for: "alice", in: accounts, as: Int.self)
    }.makeAsyncIterator()
    #expect(try await values.next() == .some(nil))
    for amount in 1...3 {
      try await database.write { tx in try tx.set(amount, for: "alice", in: accounts) }
      #expect(try await values.next() == amount)
    }
  }
}
