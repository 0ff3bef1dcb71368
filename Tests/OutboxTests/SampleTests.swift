import Martlet
import Synchronization
import Testing

/// The samples of the article about queues: what stands here stands there.
@Suite struct `The samples of the article about queues` {
  @Test func `enqueuing, and working through it`() async throws {
    let database = try Database.inMemory()
    let orders = try database.keyspace("orders")
    let sent = Mutex<[String?]>([])
    @Sendable func send(_ text: String?) async throws { sent.withLock { $0.append(text) } }

    let mails = try database.queue("mails")
    try await database.write { tx in
      try tx.set("paid", for: "order 7", in: orders)
      try tx.enqueue("receipt for order 7", to: mails, key: "receipt 7")
    }
    let consumer = Task {
      try await mails.process(consumerCount: 4) { message in
        try await send(message.decoded(as: String.self))
      }
    }
    while try mails.counts() != QueueCounts() { try await Task.sleep(for: .milliseconds(2)) }
    consumer.cancel()
    try await consumer.value
    #expect(sent.withLock { $0 } == ["receipt for order 7"])
  }

  @Test func `work in the same database`() throws {
    let database = try Database.inMemory()
    let log = try database.keyspace("log")
    let mails = try database.queue("mails")
    try database.write { _ = try $0.enqueue("receipt", to: mails) }
    for message in try mails.claim(limit: 10) {
      try database.write { tx in
        try tx.set("sent", for: message.body, in: log)
        try tx.acknowledge(message)
      }
    }
    #expect(try mails.counts() == QueueCounts())
    #expect(try database.read { try $0.contains("receipt", in: log) })
  }
}
