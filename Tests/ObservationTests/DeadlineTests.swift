import Martlet
import RawBytes
import Synchronization
import Testing

/// Deadlines and cancellation, wherever a transaction can wait.
@Suite(.timeLimit(.minutes(20))) struct `A call that nobody waits for any more` {
  let database: Database
  let accounts: Keyspace

  init() throws {
    database = try Database.inMemory(
      configuration: Configuration(lockTimeout: .seconds(3600), asynchronousTransactionLimit: 2))
    accounts = try database.keyspace("accounts")
  }

  /// Locks a key until it is rolled back.
  func lock(_ key: String) throws -> OpenTransaction {
    let holder = try database.open(isolation: .snapshot)
    try holder.run { [accounts] tx in try tx.set(0, for: key, in: accounts) }
    return holder
  }

  /// As patient as a machine is busy: only its deadline and a cancellation end it.
  func set(_ key: String, within limit: Duration? = nil) async throws {
    let patient = RetryPolicy(attemptLimit: .max, timeLimit: .seconds(3600))
    try await database.write(retry: patient, within: limit) { [accounts] tx in
      try tx.set(1, for: key, in: accounts)
    }
  }

  /// Blocks its thread.
  func setBlocking(_ key: String) throws {
    try database.write(within: .milliseconds(20)) { tx in try tx.set(1, for: key, in: accounts) }
  }

  static func write(_ value: Int, to key: String, in keyspace: Keyspace, of database: Database)
    throws
  {
    try database.write { tx in try tx.set(value, for: key, in: keyspace) }
  }

  func contains(_ key: String) throws -> Bool {
    try database.read { snapshot in try snapshot.contains(key, in: accounts) }
  }

  static func code(_ body: () async throws -> Void) async -> DatabaseError.Code? {
    do {
      try await body()
      return nil
    } catch { return (error as? DatabaseError)?.code }
  }

  @Test func `ends at its deadline while it waits for a lock`() async throws {
    let holder = try lock("alice")
    let code = await Self.code { try await set("alice", within: .milliseconds(20)) }
    #expect(code == .deadlineExceeded)
    // The synchronous form, on a thread that may block.
    #expect { try setBlocking("alice") } throws: {
      ($0 as? DatabaseError)?.code == .deadlineExceeded
    }
    holder.rollback()
    try await set("alice", within: .seconds(3600))
  }

  @Test func `ends at its deadline while it waits for a thread`() async throws {
    let holder = try lock("alice")
    let blocked = (0..<2).map { _ in Task { try await set("alice") } }
    while database.waitingTransactions.count < 2 { await Task.yield() }
    let code = await Self.code { try await set("bob", within: .milliseconds(20)) }
    #expect(code == .deadlineExceeded)
    holder.rollback()
    for task in blocked { try await task.value }
    #expect(try contains("bob") == false)
  }

  @Test func `ends at its deadline between attempts`() async throws {
    let attempts = Count()
    // On a machine with other work a deadline may pass before the first attempt: then a later one.
    var deadline = Duration.milliseconds(200)
    while attempts.value == 0 {
      let code = await Self.code {
        try await database.write(
          retry: RetryPolicy(attemptLimit: .max, timeLimit: .seconds(600)), within: deadline
        ) { [database, accounts] tx in
          attempts.add()
          _ = try tx.value(for: "alice", in: accounts, as: Int.self)
          // Another one is always faster.
          try Self.write(2, to: "alice", in: accounts, of: database)
          try tx.set(1, for: "alice", in: accounts)
        }
      }
      #expect(code == .deadlineExceeded)
      deadline *= 2
    }
  }

  @Test func `does not commit after its deadline`() async throws {
    let code = await Self.code {
      try await database.write(within: .milliseconds(1)) { [accounts] tx in
        try tx.set(1, for: "carol", in: accounts)
        let clock = ContinuousClock()
        let end = clock.now + .milliseconds(5)
        while clock.now < end {}
      }
    }
    #expect(code == .deadlineExceeded)
    #expect(try contains("carol") == false)
  }

  @Test func `ends at once when it is cancelled in the queue`() async throws {
    let holder = try lock("alice")
    let blocked = (0..<2).map { _ in Task { try await set("alice") } }
    while database.waitingTransactions.count < 2 { await Task.yield() }
    let queued = (0..<100).map { number in Task { try await set("\(number)") } }
    for task in queued { task.cancel() }
    // No thread is free, and yet they end.
    for task in queued {
      let code = await Self.code { try await task.value }
      #expect(code == .cancelled)
    }
    // A reader does not wait for the writers.
    let isThere = try await database.read { [accounts] snapshot in
      try snapshot.contains("0", in: accounts)
    }
    #expect(!isThere)
    for task in blocked { task.cancel() }
    for task in blocked {
      let code = await Self.code { try await task.value }
      #expect(code == .cancelled)
    }
    holder.rollback()
    try await set("alice")
  }

  @Test func `ends within a scan when it is cancelled`() async throws {
    try await database.write { [accounts] tx in
      for number in 0..<1000 { try tx.set(number, for: "\(number)", in: accounts) }
    }
    let count = Count()
    let reader = Task {
      try await database.read { [accounts] snapshot in
        try snapshot.forEach(in: accounts) { _, _ in
          count.add()
          while count.value == 1, !Task.isCancelled, isWaiting.load(ordering: .acquiring) {}
          return .continue
        }
      }
    }
    while count.value == 0 { await Task.yield() }
    reader.cancel()
    isWaiting.store(false, ordering: .releasing)
    let code = await Self.code { try await reader.value }
    #expect(code == .cancelled)
    #expect(count.value == 1)
  }
}

private let isWaiting = Atomic<Bool>(true)
