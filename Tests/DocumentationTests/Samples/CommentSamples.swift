import Foundation
import Martlet
import Testing

// The samples in the doc comments of the public interface.

struct Tick: Equatable {
  var time: Int
  var price: Double
}

// sample: BinaryRecord.swift
extension Tick: BinaryRecord {
  func encode(into writer: inout RecordWriter) {
    writer.append(time)
    writer.append(price)
  }

  init(from reader: inout RecordReader) throws {
    self.init(time: try reader.readInt(), price: try reader.readDouble())
  }
}
// end sample

#if canImport(SwiftUI)
  import SwiftUI

  // sample: LiveQuery+SwiftUI.swift
  struct Balance: View {
    @Live private var balance: Int?
    init(_ values: LiveValues<Int>) { _balance = Live(values) }
    var body: some View { Text(balance.map(String.init) ?? "–") }
  }
// end sample
#endif

@Suite(.ownFolder) struct CommentSamples {
  private struct Person: Codable, Identifiable, Sendable, Equatable {
    var id: Int
    var name: String
    var city = "Oslo"
    var born = 2000
    var email: String?
    var tags: [String] = []

    static let all = RecordCollection("people", of: Person.self)
  }

  private struct OldOrder: Codable, Identifiable, Sendable {
    var id: Int

    static let all = RecordCollection("orders", of: OldOrder.self)
  }

  private struct Order: Codable, Identifiable, Sendable {
    var id: Int
    var currency: String

    init(_ old: OldOrder, _ currency: String) { (id, self.currency) = (old.id, currency) }

    static let all = RecordCollection("orders", of: Order.self)
  }

  private func database() throws -> Database {
    let database = try Database.inMemory()
    try database.open(Schema(Person.all))
    try database.insert(Person(id: 1, name: "Anna"), into: Person.all)
    return database
  }

  @Test func `a tuple is a key`() throws {
    struct Customer { var id = 7 }
    let customer = Customer()
    // sample: KeyTuple.swift
    let key = KeyTuple("orders", customer.id, Date.now)
    // end sample
    let database = try database()
    let orders = try database.keyspace("orders")
    try database.write { tx in try tx.set("paid", for: key, in: orders) }
    let bounds = try KeyBounds.prefix(KeyTuple("orders", 7))
    var count = 0
    try database.read { snapshot in
      try snapshot.forEach(in: orders, bounds) { _, _ in
        count += 1
        return .continue
      }
    }
    #expect(count == 1)
  }

  @Test func `a record writes itself`() throws {
    let tick = Tick(time: 1, price: 2)
    let coder = HandWrittenCoder<Tick>()
    let bytes = try coder.encode(tick)
    let decoded = try unsafe coder.decode(bytes.span.bytes)
    #expect(decoded == tick)
  }

  @Test func `a keyspace is built of what is sorted`() throws {
    let database = try database()
    let sortedCities = [(name: "Bergen", description: "a"), (name: "Oslo", description: "b")]
    // sample: Database+Building.swift
    let cities = try database.build("cities") { builder in
      for city in sortedCities { try builder.append(city.name, city.description) }
    }
    // end sample
    #expect(try database.read { try $0.get("Oslo", in: cities) } == Array("b".utf8))
  }

  @Test func `a collection is declared and used`() throws {
    var anna: Person { Person(id: UUID(), name: "Anna", email: nil, city: "Oslo") }
    let database = try Database.inMemory()
    // sample: RecordCollection.swift
    struct Person: Codable, Identifiable, Sendable {
      var id: UUID
      var name: String
      var email: String?
      var city: String

      static let byEmail = RecordIndex("email", onPresent: \Person.email, isUnique: true)
      static let byCity = RecordIndex("city", on: \Person.city, \Person.name)
      static let all = RecordCollection("people", of: Person.self, indexes: byEmail, byCity)
    }

    try database.open(Schema(Person.all))
    try database.insert(anna, into: Person.all)
    let neighbours = try database.fetch(Person.all.where(Person.byCity.starts(with: anna.city)))
    // end sample
    #expect(neighbours.map(\.name) == ["Anna"])
  }

  @Test func `indexes are declared`() throws {
    // sample: RecordIndex.swift
    let byName = RecordIndex("name", on: \Person.name)
    // Compound: by city, and within a city by birth.
    let byCity = RecordIndex("city", on: \Person.city, \Person.born)
    // No entry for nil.
    let byEmail = RecordIndex("email", onPresent: \Person.email, isUnique: true)
    // An entry for each tag.
    let byTag = RecordIndex("tags", onEach: \Person.tags)
    let byInitial = RecordIndex(
      "initial",
      on: { (person: Person) in
        person.name.prefix(1).lowercased()
      })
    // end sample
    let all = RecordCollection(
      "people", of: Person.self, indexes: byName, byCity, byEmail, byTag, byInitial)
    let database = try Database.inMemory()
    try database.open(all)
    try database.insert(Person(id: 1, name: "Anna", tags: ["a", "b"]), into: all)
    #expect(try database.count(all.where(byTag.all)) == 2)
    #expect(try database.count(all.where(byInitial.equals("a"))) == 1)
    #expect(try database.count(all.where(byEmail.all)) == 0)
  }

  @Test func `queries are values`() throws {
    struct Citizen: Codable, Identifiable, Sendable {
      var id: Int
      var age: Int
    }
    let byAge = RecordIndex("age", on: \Citizen.age)
    let people = RecordCollection("people", of: Citizen.self, indexes: byAge)
    let database = try Database.inMemory()
    try database.open(people)
    for age in 16...20 { try database.insert(Citizen(id: age, age: age), into: people) }
    // sample: RecordQuery.swift
    let adults = people.where(byAge.within(18...)).limit(50)
    let first = try database.read { try $0.fetch(adults) }
    // end sample
    #expect(first.map(\.age) == [18, 19, 20])
  }

  @Test func `records are visited, paged and changed`() throws {
    var output: [String] = []
    func print(_ line: String) { output.append(line) }
    let database = try database()
    let people = Person.all
    let anna = Person(id: 1, name: "Anna")
    try database.read { snapshot in
      // sample: RecordCursor.swift
      try snapshot.withCursor(people.all) { cursor in
        while let person = try cursor.next() { print(person.name) }
      }
      // end sample
    }
    #expect(output == ["Anna"])

    let query = people.all
    var position: QueryPosition?
    try database.read { snapshot in
      // sample: Reading+Collections.swift
      let page = try snapshot.page(query.resuming(after: position), of: 50)
      position = page.next
      // end sample
      #expect(page.records == [anna])
    }
    #expect(position == nil)

    try database.write { tx in
      // sample: Transaction+Collections.swift
      try tx.update(anna.id, in: people) { $0.city = "Oslo" }
      // end sample
    }
    #expect(try database.get(1, in: people)?.city == "Oslo")
  }

  @Test func `schemas migrate`() throws {
    let database = try Database.inMemory()
    try database.open(Schema(OldOrder.all))
    try database.insert(OldOrder(id: 1), into: OldOrder.all)
    // sample: Migration.swift
    let migration = Migration("2026-03 orders have a currency") { tx in
      for old in try tx.fetch(OldOrder.all) { try tx.put(Order(old, "EUR"), in: Order.all) }
    }
    // end sample
    #expect(migration.name.hasPrefix("2026-03"))
    try database.close()
  }

  @Test func `a schema with migrations is opened`() throws {
    let database = try Database.inMemory()
    try database.open(Schema(OldOrder.all))
    try database.insert(OldOrder(id: 1), into: OldOrder.all)
    // sample: Schema.swift
    let schema = Schema(
      Person.all, Order.all,
      migrations: [
        Migration("2026-03 orders have a currency") { tx in
          for old in try tx.fetch(OldOrder.all) { try tx.put(Order(old, "EUR"), in: Order.all) }
        }
      ])
    try database.open(schema)
    // end sample
    #expect(try database.get(1, in: Order.all)?.currency == "EUR")
  }

  @Test @MainActor func `views hold live queries`() async throws {
    let database = try database()
    // sample: LiveQuery.swift
    let people = LiveQuery(database.observe { snapshot in try snapshot.fetch(Person.all) })
    // in a view: ForEach(people.value ?? []) { person in Text(person.name) }
    // end sample
    while people.value == nil { await Task.yield() }
    #expect(people.value?.map(\.name) == ["Anna"])
  }

  @Test func `values follow the data`() async throws {
    struct Label { var text = "" }
    let database = try Database.inMemory()
    let accounts = try database.keyspace("accounts")
    let texts = Output<String>()
    let observation = Task {
      var label = Label() { didSet { texts.append(label.text) } }
      // sample: Database+Observing.swift
      for try await balance in database.observe({ snapshot in
        try snapshot.value(for: "alice", in: accounts, as: Int.self)
      }) {
        label.text = balance.map { "\($0)" } ?? "no account"
      }
      // end sample
    }
    while texts.isEmpty { await Task.yield() }
    try await database.write { tx in try tx.set(7, for: "alice", in: accounts) }
    while texts.lines.count < 2 { await Task.yield() }
    observation.cancel()
    try await observation.value
    #expect(texts.lines == ["no account", "7"])
  }

  @Test func `a feed is applied elsewhere`() async throws {
    actor Index {
      var keys: [[UInt8]] = []
      func apply(_ changes: [Change]) throws { keys += changes.map(\.key) }
    }
    let database = try database()
    let people = try database.keyspace("people")
    let index = Index()
    let beginning = try database.changeToken()
    let feed = Task {
      var savedToken: ChangeToken? = beginning
      // sample: ChangeFeed.swift
      for try await committed in try database.changes(in: [people], from: savedToken) {
        try await index.apply(committed.changes)
        savedToken = committed.token
      }
      // end sample
      return savedToken
    }
    try await database.insert(Person(id: 2, name: "Bo"), into: Person.all)
    while await index.keys.isEmpty { await Task.yield() }
    feed.cancel()
    _ = try? await feed.value
    #expect(await index.keys.count == 1)
  }

  @Test func `a feed tells of records`() async throws {
    let names = Output<String>()
    func print(_ name: String) { names.append(name) }
    let database = try Database.inMemory()
    try await database.open(Schema(Person.all))
    let token = try database.changeToken()
    try await database.insert(Person(id: 1, name: "Anna"), into: Person.all)
    let following = Task {
      // sample: RecordChange.swift
      for try await committed in try database.changes(of: Person.all, from: token) {
        for change in try committed.records(of: Person.all, in: database) {
          if let person = change.newRecord { print(person.name) }
        }
      }
      // end sample
    }
    while names.isEmpty { await Task.yield() }
    following.cancel()
    try await following.value
    #expect(names.lines == ["Anna"])
  }

  @Test func `an outbox of a transaction`() async throws {
    struct Order { let id = "7" }
    let database = try Database.inMemory()
    let orders = try database.keyspace("orders")
    let order = Order()
    let sent = Output<String?>()
    @Sendable func send(_ text: String?) async throws { sent.append(text) }
    let working = Task {
      // sample: MessageQueue.swift
      let mails = try database.queue("mails")
      try await database.write { tx in
        try tx.set("paid", for: order.id, in: orders)
        try tx.enqueue("confirm \(order.id)", to: mails, key: "confirm \(order.id)")
      }
      try await mails.process { message in try await send(message.decoded(as: String.self)) }
      // end sample
    }
    while sent.isEmpty { await Task.yield() }
    working.cancel()
    try await working.value
    #expect(sent.lines == ["confirm 7"])
  }

  @Test func `backups go to directories and streams`() async throws {
    let copies = OwnFolder.place("backups")
    try FileManager.default.createDirectory(atPath: copies, withIntermediateDirectories: true)
    try copyAndRestore()
    let database = try database()
    let size = Output<Int>()
    func upload(_ piece: [UInt8]) async throws { size.append(piece.count) }
    // sample: BackupStream.swift
    for try await piece in database.backupStream() { try await upload(piece) }
    // end sample
    #expect(size.lines.reduce(0, +) > 0)
  }

  private func copyAndRestore() throws {
    let database = try database()
    // sample: Database+Backup.swift
    let summary = try database.backup(to: "backups/monday")
    // end sample
    #expect(summary.pageCount > 0)

    let file = OwnFolder.place("stream")
    #expect(FileManager.default.createFile(atPath: file, contents: nil))
    let output = try #require(FileHandle(forWritingAtPath: file))
    try database.backup { piece in try output.write(contentsOf: Data(piece)) }
    let input = try #require(FileHandle(forReadingAtPath: file))
    // sample: Database+Restore.swift
    try Database.restore(to: "restored") { try input.read(upToCount: 1 << 20).map(Array.init) }
    // end sample
    let restored = try Database(at: "restored")
    try restored.open(Person.all)
    #expect(try restored.get(1, in: Person.all)?.name == "Anna")
  }
}
