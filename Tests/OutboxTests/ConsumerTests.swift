import Foundation
import Martlet
import RawBytes
import Synchronization
import Testing

/// The asynchronous form, on real threads.
@Suite struct `A consumer of a message queue` {
  private static let options = QueueOptions(
    attemptLimit: 3, firstBackOff: .milliseconds(1), longestBackOff: .milliseconds(4))

  @Test func `is woken by a commit, and by the clock for what rests`() async throws {
    let db = try Database.inMemory()
    let queue = try db.queue("q", options: Self.options)
    let consumer = Task {
      var bodies: [String] = []
      for try await message in queue.messages {
        bodies.append(message.decoded(as: String.self) ?? "?")
        try await queue.acknowledge(message)
        if bodies.count == 21 { break }
      }
      return bodies
    }
    try await db.write { _ = try $0.enqueue("late", to: queue, after: .milliseconds(40)) }
    for number in 0..<20 {
      try await db.write { _ = try $0.enqueue("\(number)", to: queue) }
    }
    let bodies = try await consumer.value
    #expect(bodies.filter { $0 != "late" } == (0..<20).map(String.init))
    #expect(bodies.count == 21)
  }

  @Test func `hands every message to its closure until that succeeds, side by side`() async throws {
    let db = try Database.inMemory()
    let queue = try db.queue("q", options: Self.options)
    let state = Mutex((tries: [String: Int](), done: [String: Int]()))
    let consumer = Task {
      try await queue.process(consumerCount: 4) { message in
        let body = message.decoded(as: String.self) ?? "?"
        let count = state.withLock { state in
          state.tries[body, default: 0] += 1
          return state.tries[body, default: 0]
        }
        if body.hasSuffix("7") { throw WorkFailed(description: "never") }
        if body.hasSuffix("3"), count == 1 { throw WorkFailed(description: "not yet") }
        state.withLock { $0.done[body, default: 0] += 1 }
      }
    }
    for number in 0..<60 {
      try await db.write(durability: .relaxed) { _ = try $0.enqueue("\(number)", to: queue) }
    }
    while try queue.counts() != QueueCounts(ready: 0, waiting: 0, dead: 6) {
      try await Task.sleep(for: .milliseconds(2))
    }
    consumer.cancel()
    try await consumer.value
    let (tries, done) = state.withLock { ($0.tries, $0.done) }
    #expect(done.count == 54 && done.values.allSatisfy { $0 == 1 })
    #expect(tries["7"] == 3 && tries["13"] == 2 && tries["1"] == 1)
    #expect(try queue.deadLetters().allSatisfy { $0.error == "never" })
  }

  @Test func `gives back what a cancellation has cut off`() async throws {
    let db = try Database.inMemory()
    let queue = try db.queue("q")
    try await db.write { _ = try $0.enqueue("long work", to: queue) }
    let (stream, started) = AsyncStream<Void>.makeStream()
    let consumer = Task {
      try await queue.process { _ in
        started.yield()
        try await Task.sleep(for: .seconds(3600))
      }
    }
    for await _ in stream { break }
    consumer.cancel()
    try await consumer.value
    let again = try #require(try await queue.claim().first)
    #expect(again.attempt == 1 && again.previousError == nil)
  }

  @Test func `is told when the database is closed`() async throws {
    let db = try Database.inMemory()
    let queue = try db.queue("q")
    let consumer = Task { try await queue.process { _ in } }
    try await Task.sleep(for: .milliseconds(10))
    try db.close()
    let error = await #expect(throws: DatabaseError.self) { try await consumer.value }
    #expect(error?.code == .closed)
  }
}
