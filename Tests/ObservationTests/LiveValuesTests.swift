import Martlet
import RawBytes
import Synchronization
import Testing

/// Counts how often a live query has read.
final class Count: Sendable {
  private let number = Atomic<Int>(0)

  func add(_ amount: Int = 1) { number.add(amount, ordering: .relaxed) }

  var value: Int { number.load(ordering: .relaxed) }
}

@Suite(.timeLimit(.minutes(20))) struct `Live queries` {
  let database: Database
  let accounts: Keyspace
  let others: Keyspace

  init() throws {
    database = try Database.inMemory()
    accounts = try database.keyspace("accounts")
    others = try database.keyspace("others")
  }

  /// As a machine is busy: nobody's attempts end before somebody looks.
  private static let patient = RetryPolicy(attemptLimit: .max, timeLimit: .seconds(3600))

  func set(_ key: String, _ amount: Int, in keyspace: Keyspace? = nil) async throws {
    let keyspace = keyspace ?? accounts
    try await database.write(retry: Self.patient) { tx in try tx.set(amount, for: key, in: keyspace)
    }
  }

  func balance(of name: String, _ count: Count = Count()) -> LiveValues<Int?> {
    database.observe { [accounts] snapshot in
      count.add()
      return try snapshot.value(for: name, in: accounts, as: Int.self)
    }
  }

  /// Keys of a range, the first few of them.
  func keys(from lower: String, to upper: String, limit: Int? = nil, _ count: Count = Count())
    -> LiveValues<[String]>
  {
    database.observe { [accounts] snapshot in
      count.add()
      var names: [String] = []
      let bounds = try KeyBounds.range(from: lower, to: upper)
      try snapshot.forEachKey(in: accounts, bounds, reverse: false, limit: limit) { key, _ in
        names.append(String(valueBytes: key) ?? "?")
        return .continue
      }
      return names
    }
  }

  /// Waits until all comparisons that earlier commits have caused are over.
  func settle() async throws {
    var fence = balance(of: "fence").makeAsyncIterator()
    _ = try await fence.next()
    try await set("fence", 1)
    _ = try await fence.next()
  }

  @Test func `show the state at once and after each commit`() async throws {
    var values = balance(of: "alice").makeAsyncIterator()
    #expect(try await values.next() == .some(nil))
    for amount in 1...20 {
      try await set("alice", amount)
      #expect(try await values.next() == amount)
    }
    try await database.write { [accounts] tx in try tx.remove("alice", in: accounts) }
    #expect(try await values.next() == .some(nil))
  }

  @Test func `read again only when what they read was written`() async throws {
    let count = Count()
    var values = keys(from: "b", to: "d", count).makeAsyncIterator()
    #expect(try await values.next() == [])
    for key in ["a", "d", "e", "azzz"] { try await set(key, 1) }
    try await set("b", 1, in: others)
    try await settle()
    #expect(count.value == 1)
    // Into a gap that was read.
    try await set("c", 1)
    #expect(try await values.next() == ["c"])
    #expect(count.value == 2)
  }

  @Test func `do not care for what lies behind the end of a limited scan`() async throws {
    for key in ["b", "d", "f"] { try await set(key, 1) }
    let count = Count()
    var values = keys(from: "a", to: "z", limit: 2, count).makeAsyncIterator()
    #expect(try await values.next() == ["b", "d"])
    try await set("e", 1)
    try await settle()
    #expect(count.value == 1)
    try await set("c", 1)
    #expect(try await values.next() == ["b", "c"])
    #expect(count.value == 2)
  }

  @Test func `take a burst together for who was busy`() async throws {
    let count = Count()
    var values = balance(of: "alice", count).makeAsyncIterator()
    _ = try await values.next()
    for amount in 1...100 { try await set("alice", amount) }
    #expect(try await values.next() == 100)
    #expect(count.value == 2)
  }

  @Test func `leave out equal values when asked to`() async throws {
    let count = Count()
    let values = balance(of: "alice", count).removingDuplicates()
    let collected = Task {
      var amounts: [Int?] = []
      for try await amount in values {
        amounts.append(amount)
        if amount == 2 { break }
      }
      return amounts
    }
    for (reads, amount) in [1, 1, 1, 2].enumerated() {
      while count.value <= reads { await Task.yield() }
      try await set("alice", amount)
    }
    #expect(try await collected.value == [nil, 1, 2])
    #expect(count.value == 5)
  }

  /// The code of the error that a result is.
  static func code<Value>(of result: Result<Value, any Error>) -> DatabaseError.Code? {
    guard case .failure(let error) = result else { return nil }
    return (error as? DatabaseError)?.code
  }

  struct Unwanted: Error, Equatable {}

  @Test func `go on after an error of the closure`() async throws {
    let values = database.observe { [accounts] snapshot -> Int in
      guard let amount = try snapshot.value(for: "alice", in: accounts, as: Int.self) else {
        throw Unwanted()
      }
      return amount
    }
    var iterator = values.makeAsyncIterator()
    do {
      _ = try await iterator.next()
      Issue.record("a value where there is none")
    } catch { #expect(error is Unwanted) }
    var results = values.results.makeAsyncIterator()
    let first = await results.next()
    #expect(throws: Unwanted.self) { _ = try first?.get() }
    try await set("alice", 5)
    #expect(try await iterator.next() == 5)
    #expect(try await results.next()?.get() == 5)
  }

  @Test func `end with an error when the database is closed`() async throws {
    let count = Count()
    let waiting = Task { [values = balance(of: "alice", count)] in
      for try await _ in values {}
    }
    var idle = balance(of: "alice", count).results.makeAsyncIterator()
    _ = await idle.next()
    while count.value < 2 { await Task.yield() }
    try database.close()
    #expect(Self.code(of: await waiting.result) == .closed)
    let last = await idle.next()
    #expect(last.flatMap(Self.code) == .closed)
    let end = await idle.next()
    #expect(end == nil)
    #expect(database.observerCount == 0)
  }

  @Test func `end with an error when their keyspace is dropped`() async throws {
    var values = balance(of: "alice").makeAsyncIterator()
    _ = try await values.next()
    try database.dropKeyspace("others")
    try database.dropKeyspace("accounts")
    do {
      _ = try await values.next()
      Issue.record("a value of a keyspace that is not there")
    } catch { #expect((error as? DatabaseError)?.code == .keyspaceDropped) }
    let end = try await values.next()
    #expect(end == nil)
  }

  private struct Person: Codable, Sendable, Identifiable {
    var id: Int

    static let all = RecordCollection("people", of: Person.self)
  }

  /// The story: it was taken for one that is going to be opened, and waited for without an end.
  @Test func `wait for a collection to be opened, and end when it is dropped`() async throws {
    let attempts = Count()
    var values = database.observe { snapshot in
      attempts.add()
      return try snapshot.count(Person.all.all)
    }.makeAsyncIterator()
    let opening = Task { [database] in
      while attempts.value < 3 { await Task.yield() }
      try database.open(Person.all)
    }
    #expect(try await values.next() == 0)
    try await opening.value
    try database.dropCollection("people")
    do {
      _ = try await values.next()
      Issue.record("a value of a collection that is not there")
    } catch { #expect((error as? DatabaseError)?.code == .collectionNotOpen) }
    #expect(try await values.next() == nil)
  }

  @Test func `leave nothing behind when their task is cancelled`() async throws {
    let count = Count()
    let tasks = (0..<20).map { number in
      Task { [values = balance(of: "\(number)", count)] in
        var total = 0
        for try await _ in values { total += 1 }
        return total
      }
    }
    while count.value < 20 { await Task.yield() }
    for task in tasks { task.cancel() }
    for task in tasks { #expect(try await task.value <= 1) }
    #expect(database.observerCount == 0)
    // Nobody is told any more.
    try await set("1", 1)
    #expect(count.value == 20)
  }

  @Test func `do not wait for a writer`() async throws {
    // Every thread for transactions waits for a lock, and its holder does not end.
    let holder = try database.open(isolation: .snapshot)
    try holder.run { [accounts] tx in try tx.set(1, for: "alice", in: accounts) }
    let writers = (0..<40).map { number in Task { try await set("alice", number) } }
    while database.waitingTransactions.isEmpty { await Task.yield() }
    var values = balance(of: "alice").makeAsyncIterator()
    #expect(try await values.next() == .some(nil))
    holder.rollback()
    for writer in writers { try await writer.value }
    #expect(try await values.next() ?? nil != nil)
  }

  @Test func `see what a write of thousands of keys has changed`() async throws {
    var values = keys(from: "b", to: "c").makeAsyncIterator()
    _ = try await values.next()
    try await database.write { [accounts] tx in
      for number in 0..<5000 { try tx.set(number, for: "a\(number)", in: accounts) }
      try tx.set(1, for: "bb", in: accounts)
    }
    #expect(try await values.next() == ["bb"])
  }

  @Test func `see a relaxed commit`() async throws {
    var values = balance(of: "alice").makeAsyncIterator()
    _ = try await values.next()
    try await database.write(durability: .relaxed) { [accounts] tx in
      try tx.set(7, for: "alice", in: accounts)
    }
    #expect(try await values.next() == 7)
  }

  @Test func `are cheap by the thousand`() async throws {
    let count = Count()
    let arrived = Count()
    let tasks = (0..<1000).map { number in
      Task { [values = balance(of: "\(number)", count)] in
        for try await value in values {
          arrived.add()
          if value != nil { return value }
        }
        return nil
      }
    }
    while arrived.value < 1000 { await Task.yield() }
    #expect(database.observerCount == 1000)
    try await set("500", 42)
    #expect(try await tasks[500].value == 42)
    try await settle()
    #expect(count.value == 1001)
    // One commit for all the others.
    try await database.write { [accounts] tx in
      for number in 0..<1000 { try tx.set(number, for: "\(number)", in: accounts) }
    }
    for (number, task) in tasks.enumerated() where number != 500 {
      #expect(try await task.value == number)
    }
    #expect(count.value == 2000)
  }
}
