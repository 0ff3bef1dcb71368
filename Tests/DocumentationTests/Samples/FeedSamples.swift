import Foundation
import Martlet
import Testing

@Suite(.timeLimit(.minutes(20))) struct FeedSamples {
  private struct Person: Codable, Identifiable, Sendable {
    var id: Int
    var name: String

    static let all = RecordCollection("persons", of: Person.self)
  }

  @Test func `a feed goes on from a token`() async throws {
    actor Index {
      private(set) var words: [[UInt8]: String] = [:]
      func update(_ key: [UInt8], with value: ChangedValue) async throws {
        words[key] = value.decoded(as: String.self)
      }
    }
    let database = try Database.inMemory()
    let people = try database.keyspace("people")
    let index = Index()
    let beginning = try database.changeToken()
    try await database.write { try $0.set("Ada", for: "1", in: people) }
    let following = Task {
      var savedToken: ChangeToken? = beginning
      // sample: FollowingChanges
      for try await committed in try database.changes(in: [people], from: savedToken) {
        for change in committed.changes {
          try await index.update(change.key, with: change.newValue)
        }
        savedToken = committed.token
      }
      // end sample
      return savedToken
    }
    while await index.words.isEmpty { await Task.yield() }
    following.cancel()
    #expect(try await following.value != beginning)
    #expect(await index.words == [Array("1".utf8): "Ada"])
  }

  @Test func `a feed tells of records`() async throws {
    let output = Output<String>()
    func print(_ id: Int, _ text: String) { output.append("\(id) \(text)") }
    let database = try Database.inMemory()
    try await database.open(Schema(Person.all))
    let following = Task {
      // sample: FollowingChanges
      for try await committed in try database.changes(of: Person.all) {
        for change in try committed.records(of: Person.all, in: database) {
          print(change.id, change.newRecord?.name ?? "deleted")
        }
      }
      // end sample
    }
    while output.isEmpty {
      try await database.put(Person(id: 1, name: "Ada"), in: Person.all)
    }
    following.cancel()
    try await following.value
    #expect(output.lines.first == "1 Ada")
  }

  @Test func `a feed follows a snapshot`() async throws {
    struct Index {
      let names: Output<String>
      func insert(_ key: RawSpan, _ value: RawSpan) {
        names.append(String(valueBytes: value) ?? "?")
      }
      func apply(_ changes: [Change]) {
        for change in changes { names.append(change.newValue.decoded(as: String.self) ?? "?") }
      }
    }
    let database = try Database.inMemory()
    let people = try database.keyspace("people")
    try await database.write { try $0.set("Ada", for: "1", in: people) }
    let names = Output<String>()
    let following = Task {
      var index = Index(names: names)
      // sample: FollowingChanges
      func begin(_ index: inout Index) throws -> (ChangeToken, Timestamp) {
        let token = try database.changeToken()
        return try database.read { snapshot in
          try snapshot.forEach(in: people) { key, value in
            index.insert(key, value)
            return .continue
          }
          return (token, snapshot.timestamp)
        }
      }

      let (token, moment) = try begin(&index)
      for try await committed in try database.changes(in: [people], from: token)
      where committed.timestamp > moment {
        index.apply(committed.changes)
      }
      // end sample
    }
    while names.isEmpty { await Task.yield() }
    try await database.write { try $0.set("Grace", for: "2", in: people) }
    while names.lines.count < 2 { await Task.yield() }
    following.cancel()
    try await following.value
    #expect(names.lines == ["Ada", "Grace"])
  }

  @Test func `messages are enqueued by transactions`() throws {
    let database = try Database.inMemory()
    let orders = try database.keyspace("orders")
    // sample: Outbox
    let mails = try database.queue("mails")
    try database.write { tx in
      try tx.set("paid", for: "order 7", in: orders)
      try tx.enqueue("receipt for order 7", to: mails, key: "receipt 7")
    }
    // end sample
    #expect(try mails.counts() == QueueCounts(ready: 1))
  }

  @Test func `consumers work through a queue`() async throws {
    let database = try Database.inMemory()
    let mails = try database.queue("mails")
    try await database.write { tx in _ = try tx.enqueue("receipt", to: mails) }
    let sent = Output<String?>()
    @Sendable func send(_ text: String?) async throws { sent.append(text) }
    let consumer = Task {
      // sample: Outbox
      try await mails.process(consumerCount: 4) { message in
        try await send(message.decoded(as: String.self))
      }
      // end sample
    }
    while try mails.counts() != QueueCounts() { try await Task.sleep(for: .milliseconds(2)) }
    consumer.cancel()
    try await consumer.value
    #expect(sent.lines == ["receipt"])
  }

  @Test func `work inside the database is done once`() throws {
    let database = try Database.inMemory()
    let mails = try database.queue("mails")
    let log = try database.keyspace("log")
    try database.write { tx in _ = try tx.enqueue("receipt", to: mails) }
    // sample: Outbox
    for message in try mails.claim(limit: 10) {
      try database.write { tx in
        try tx.set("sent", for: message.body, in: log)
        try tx.acknowledge(message)
      }
    }
    // end sample
    #expect(try mails.counts() == QueueCounts())
    #expect(try database.read { try $0.contains("receipt", in: log) })
  }
}
