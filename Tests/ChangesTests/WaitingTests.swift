import Foundation
import Martlet
import Testing

/// The asynchronous form, on real threads.
@Suite struct `Whoever waits for changes` {
  @Test func `is woken by the commit, and takes them one by one`() async throws {
    let db = try Database.inMemory()
    let keys = try db.keyspace("k")
    let feed = try db.changes(in: [keys])
    let consumer = Task {
      var seen: [String] = []
      for try await element in feed {
        seen += element.changes.compactMap { $0.newValue.decoded(as: String.self) }
        if seen.count == 50 { break }
      }
      return seen
    }
    for number in 0..<50 {
      try await db.write(durability: number % 2 == 0 ? .relaxed : .full) { tx in
        try tx.set("\(number)", for: "key", in: keys)
      }
      if number % 10 == 0 { try await Task.sleep(for: .milliseconds(2)) }
    }
    #expect(try await consumer.value == (0..<50).map(String.init))
  }

  @Test func `ends at once when its task is cancelled, before and while it waits`() async throws {
    let db = try Database.inMemory()
    let feed = try db.changes()
    for isEarly in [true, false] {
      let consumer = Task {
        var count = 0
        for try await _ in feed { count += 1 }
        return count
      }
      if !isEarly { try await Task.sleep(for: .milliseconds(20)) }
      consumer.cancel()
      #expect(try await consumer.value == 0)
    }
  }

  @Test func `is told when the database is closed`() async throws {
    let db = try Database.inMemory()
    let feed = try db.changes()
    let consumers = (0..<4).map { _ in
      Task {
        do {
          for try await _ in feed {}
          return DatabaseError.Code?.none
        } catch {
          return (error as? DatabaseError)?.code
        }
      }
    }
    try await Task.sleep(for: .milliseconds(20))
    try db.close()
    for consumer in consumers { #expect(await consumer.value == .closed) }
  }

  @Test func `sees all that many writers commit, in one order`() async throws {
    let db = try Database.inMemory(configuration: Configuration(changeRetention: 64 << 20))
    let keys = try db.keyspace(
      "counters", options: KeyspaceOptions(recordsPreviousValues: true))
    let feed = try db.changes(in: [keys])
    let (writerCount, commitCount) = (8, 60)
    let consumers = (0..<3).map { _ in
      Task {
        var elements: [CommittedChanges] = []
        for try await element in feed where !element.isEmpty {
          elements.append(element)
          if elements.count == writerCount * commitCount { break }
        }
        return elements
      }
    }
    try await withThrowingTaskGroup(of: Void.self) { group in
      for writer in 0..<writerCount {
        group.addTask {
          for number in 0..<commitCount {
            let isRelaxed = number % 3 == 0
            try await db.write(durability: isRelaxed ? .relaxed : nil) { tx in
              let name = "counter \((writer + number) % 5)"
              let value = try tx.valueForUpdate(for: name, in: keys, as: Int.self) ?? 0
              try tx.set(value + 1, for: name, in: keys)
            }
            if number % 20 == 19, writer == 0 { try db.checkpoint() }
          }
        }
      }
      try await group.waitForAll()
    }
    var streams: [[Timestamp]] = []
    for consumer in consumers {
      let elements = try await consumer.value
      var counters: [[UInt8]: Int] = [:]
      for change in elements.flatMap(\.changes) {
        let old = change.oldValue.decoded(as: Int.self)
        #expect(old == counters[change.key], "what it replaced is what was told before")
        let new = try #require(change.newValue.decoded(as: Int.self))
        #expect(new == (old ?? 0) + 1)
        counters[change.key] = new
      }
      #expect(counters.values.reduce(0, +) == writerCount * commitCount)
      streams.append(elements.map(\.timestamp))
    }
    #expect(streams[0] == streams[0].sorted())
    #expect(Set(streams).count == 1)
  }

  /// The documented way to begin: a token, a snapshot, and the feed from the token on.
  @Test func `begins from a snapshot and misses nothing`() async throws {
    let db = try Database.inMemory()
    let keys = try db.keyspace("k")
    let writer = Task {
      for number in 0..<200 {
        try await db.write(durability: .relaxed) {
          try $0.set(number, for: "\(number % 7)", in: keys)
        }
      }
      try await db.write { try $0.set(-1, for: "end", in: keys) }
    }
    try await Task.sleep(for: .milliseconds(1))
    let token = try db.changeToken()
    var (rows, moment): ([[UInt8]: Int], Timestamp) = try await db.read { snapshot in
      var rows: [[UInt8]: Int] = [:]
      try snapshot.forEach(in: keys) { key, value in
        rows[[UInt8](copying: key)] = Int(valueBytes: value)
        return .continue
      }
      return (rows, snapshot.timestamp)
    }
    for try await element in try db.changes(in: [keys], from: token) {
      if element.timestamp > moment {
        for change in element.changes { rows[change.key] = change.newValue.decoded(as: Int.self) }
        moment = element.timestamp
      }
      if rows[Array("end".utf8)] != nil { break }
    }
    try await writer.value
    let final = try db.rows()["k"]
    #expect(rows.mapValues { try? $0.withValueBytes { [UInt8](copying: $0) } } == final)
  }
}
