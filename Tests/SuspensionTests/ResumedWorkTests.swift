import Environment
import Foundation
import Martlet
import Synchronization
import Testing

/// What was under way when the database was suspended, after it was resumed.
@Suite struct `Work that a suspension cut off` {
  private struct Note: Codable, Identifiable, Sendable {
    var id: Int
    var text: String
  }

  /// Lets a closure wait, the first time, until the test says so.
  private final class Gate: Sendable {
    private let entered = Atomic<Bool>(false)
    private let opened = Atomic<Bool>(false)

    func pass() {
      entered.store(true, ordering: .sequentiallyConsistent)
      while !opened.load(ordering: .sequentiallyConsistent) { usleep(500) }
    }

    func awaitVisitor() { while !entered.load(ordering: .sequentiallyConsistent) { usleep(500) } }
    func open() { opened.store(true, ordering: .sequentiallyConsistent) }
  }

  @Test(.timeLimit(.minutes(20))) func `goes on: a change feed`() async throws {
    let db = try Database.inMemory()
    let keys = try db.keyspace("k")
    let feed = try db.changes(in: [keys])
    try await db.write { try $0.set("1", for: "a", in: keys) }
    try db.suspend()
    let task = Task {
      var iterator = feed.makeAsyncIterator()
      return try await iterator.next()
    }
    try await Task.sleep(for: .milliseconds(50))
    try db.resume()
    let element = try await task.value
    #expect(element?.changes.count == 1)
    try db.close()
  }

  @Test(.timeLimit(.minutes(20))) func `goes on: a consumer of a queue`() async throws {
    let db = try Database.inMemory()
    let queue = try db.queue("mails")
    try await db.write { _ = try $0.enqueue("hello", to: queue) }
    try db.suspend()
    let task = Task {
      var iterator = queue.messages.makeAsyncIterator()
      return try await iterator.next()
    }
    try await Task.sleep(for: .milliseconds(50))
    try db.resume()
    #expect(try await task.value?.decoded(as: String.self) == "hello")
    try db.close()
  }

  @Test(.timeLimit(.minutes(20))) func `goes on: a live query`() async throws {
    let db = try Database.inMemory()
    let keys = try db.keyspace("k")
    try await db.write { try $0.set("1", for: "a", in: keys) }
    let gate = Gate()
    let values = db.observe { snapshot in
      gate.pass()
      return try snapshot.value(for: "a", in: keys, as: String.self)
    }
    let task = Task {
      var iterator = values.makeAsyncIterator()
      return try await iterator.next()
    }
    gate.awaitVisitor()
    try db.suspend(within: .milliseconds(20))
    gate.open()
    try await Task.sleep(for: .milliseconds(20))
    try db.resume()
    #expect(try await task.value == "1")
    try db.close()
  }

  @Test(.timeLimit(.minutes(20))) func `goes on: the build of an index`() throws {
    let db = try Database.inMemory()
    let bare = RecordCollection("notes", of: Note.self)
    try db.open(bare)
    try db.write { tx in
      for id in 0..<10 { try tx.put(Note(id: id, text: "\(id)"), in: bare) }
    }
    let gate = Gate()
    let byText = RecordIndex(
      "text",
      on: { (note: Note) in
        gate.pass()
        return note.text
      })
    let all = RecordCollection("notes", of: Note.self, indexes: byText)
    try db.open(Schema(all), building: .inBackground)
    gate.awaitVisitor()
    try db.suspend(within: .milliseconds(20))
    gate.open()
    usleep(20_000)
    try db.resume()
    try db.waitForIndexes(of: all)
    #expect(try db.read { try $0.count(all.where(byText.all)) } == 10)
    try db.close()
  }

  @Test func `may begin again: a compaction`() throws {
    let db = try Database.inMemory(configuration: Configuration(cacheSize: 1 << 20))
    let keys = try db.keyspace("k")
    var random = SystemRandomNumberGenerator()
    for number in 0..<2000 {
      let value = (0..<2000).map { _ in UInt8.random(in: 0...255, using: &random) }
      try db.write(durability: .relaxed) { try $0.set(value, for: number, in: keys) }
    }
    try db.checkpoint()
    try db.write { tx in for number in 0..<1500 { try tx.remove(number, in: keys) } }
    try db.checkpoint()
    var wasSuspended = false
    do {
      _ = try db.compact { _ in
        try db.suspend()
        wasSuspended = true
      }
    } catch {}
    try #require(wasSuspended, "there was something to move")
    try db.resume()
    _ = try db.compact()
    try db.close()
  }
}
