#if canImport(Observation)
  import Martlet
  import Observation
  import Testing

  @MainActor
  @Suite(.timeLimit(.minutes(20))) struct `A live query for views` {
    let database: Database
    let accounts: Keyspace

    init() throws {
      database = try Database.inMemory()
      accounts = try database.keyspace("accounts")
    }

    func set(_ amount: Int) async throws {
      try await database.write { [accounts] tx in try tx.set(amount, for: "alice", in: accounts) }
    }

    func query() -> LiveQuery<Int?> {
      LiveQuery(
        database.observe { [accounts] snapshot in
          try snapshot.value(for: "alice", in: accounts, as: Int.self)
        })
    }

    /// Waits for a change of what the closure looks at.
    func change<Value>(of value: @escaping @MainActor () -> Value, _ body: () async throws -> Void)
      async throws
    {
      let (changes, told) = AsyncStream.makeStream(of: Void.self)
      withObservationTracking {
        _ = value()
      } onChange: {
        told.yield()
      }
      try await body()
      for await _ in changes { break }
      await Task.yield()
    }

    @Test func `tells its views of new values`() async throws {
      let query = query()
      try await change(of: { query.value }) {}
      #expect(query.value == .some(nil))
      for amount in 1...3 {
        try await change(of: { query.value }) { try await set(amount) }
        while query.value != amount { await Task.yield() }
      }
      #expect(query.error == nil)
    }

    @Test func `ends with its last reference`() async throws {
      var query: LiveQuery<Int?>? = query()
      while query?.value == nil { await Task.yield() }
      #expect(database.observerCount == 1)
      query = nil
      while database.observerCount > 0 { await Task.yield() }
    }

    @Test func `keeps its value and tells the error at the end`() async throws {
      try await set(4)
      let query = query()
      while query.value == nil { await Task.yield() }
      try database.close()
      while !query.isFinished { await Task.yield() }
      #expect(query.value == 4)
      #expect((query.error as? DatabaseError)?.code == .closed)
    }
  }
#endif
