import Foundation
import Martlet
import Testing

/// The samples of the guides to transactions, durability and errors, of the catalog's first page and of
/// the README.
@Suite(.ownFolder) struct GuideSamples {
  @Test func `the README's program runs`() throws {
    var output: [String] = []
    func print(_ key: String, _ balance: Int) { output.append("\(key) \(balance)") }
    // sample: README
    let db = try Database(at: "bank.martlet")
    let accounts = try db.keyspace("accounts")

    try db.write { tx in
      let alice = try tx.value(for: "alice", in: accounts, as: Int.self) ?? 100
      try tx.set(alice - 10, for: "alice", in: accounts)
      try tx.set(10, for: "bob", in: accounts)
    }

    try db.read { snapshot in
      try snapshot.forEach(in: accounts) { key, balance in
        print(String(valueBytes: key) ?? "?", Int(valueBytes: balance) ?? 0)
        return .continue
      }
    }
    try db.close()
    // end sample
    #expect(output == ["alice 90", "bob 10"])
  }

  @Test func `the README's program has fewer than twenty lines`() throws {
    let sample = try #require(try Samples.all()["README"]?.first)
    #expect(sample.lines.count + sample.imports.count < 20)
  }

  @Test func `the README's notes are found by their words`() throws {
    var output: [String] = []
    func print(_ line: String) { output.append(line) }
    let db = try Database.inMemory()
    // sample: README
    struct Note: Codable, Identifiable, Sendable {
      var id: Int
      var text: String

      var words: [String] { text.lowercased().split(separator: " ").map(String.init) }

      static let byWord = RecordIndex("words", onEach: \Note.words)
      static let all = RecordCollection("notes", of: Note.self, indexes: byWord)
    }

    try db.open(Schema(Note.all))
    try db.insert(Note(id: 1, text: "Swifts sleep in flight"), into: Note.all)
    for note in try db.fetch(Note.all.where(Note.byWord.hasPrefix("sle"))) { print(note.text) }
    // end sample
    #expect(output == ["Swifts sleep in flight"])
  }

  @Test func `the first page shows a transaction and a scan`() throws {
    var output: [String] = []
    func print(_ key: String, _ balance: Int) { output.append("\(key) \(balance)") }
    // sample: Martlet
    let db = try Database(at: "accounts.martlet")
    let accounts = try db.keyspace("accounts")
    try db.write { tx in
      let balance = try tx.value(for: "alice", in: accounts, as: Int.self) ?? 0
      try tx.set(balance + 10, for: "alice", in: accounts)
    }
    try db.read { snapshot in
      try snapshot.forEach(in: accounts, "a"..<"b") { key, balance in
        print(String(valueBytes: key) ?? "?", Int(valueBytes: balance) ?? 0)
        return .continue
      }
    }
    // end sample
    #expect(output == ["alice 10"])
  }

  @Test func `levels and protocols are chosen for each transaction`() throws {
    let db = try Database.inMemory()
    let doctors = try db.keyspace("doctors")
    let shifts = try db.keyspace("shifts")
    try db.write { tx in
      try tx.set(true, for: "ada", in: doctors)
      try tx.set(true, for: "bob", in: doctors)
    }
    // sample: TransactionsAndIsolation
    // Ada may go home as long as somebody else is on call. At `.snapshot` she and a colleague could both
    // count two, and both leave; at `.serializable` one of them runs again, and counts one.
    try db.write(isolation: .serializable) { tx in
      var onCall = 0
      try tx.forEach(in: doctors) { _, isOnCall in
        if Bool(valueBytes: isOnCall) == true { onCall += 1 }
        return .continue
      }
      if onCall > 1 { try tx.set(false, for: "ada", in: doctors) }
    }

    // Whoever would rather wait than run again takes locks.
    try db.write(isolation: .serializable, using: .twoPhaseLocking) { tx in
      let count = try tx.valueForUpdate(for: "ada", in: shifts, as: Int.self) ?? 0
      try tx.set(count + 1, for: "ada", in: shifts)
    }

    // A report that fits into an order of the serializable writers.
    let onCall = try db.read(isolation: .serializable) { snapshot in
      try snapshot.value(for: "ada", in: doctors, as: Bool.self)
    }
    // end sample
    #expect(onCall == false)
    #expect(try db.read { try $0.value(for: "ada", in: shifts, as: Int.self) } == 1)
  }

  @Test func `a savepoint undoes what came after it`() throws {
    let db = try Database.inMemory()
    let shifts = try db.keyspace("shifts")
    // sample: TransactionsAndIsolation
    try db.write { tx in
      try tx.set(1, for: "ada", in: shifts)
      let before = try tx.savepoint()
      try tx.set(2, for: "bob", in: shifts)
      try tx.rollBack(to: before)  // Bob's is undone, Ada's stays.
    }
    // end sample
    #expect(try db.read { try $0.value(for: "ada", in: shifts, as: Int.self) } == 1)
    #expect(try db.read { try $0.contains("bob", in: shifts) } == false)
  }

  @Test func `a durable commit makes those before it durable`() throws {
    let directory = OwnFolder.place("events")
    // sample: Durability
    let db = try Database(at: directory, configuration: Configuration(durability: .relaxed))
    let events = try db.keyspace("events")

    try db.write { tx in try tx.set("opened", for: "1", in: events) }  // Gone, perhaps, in a crash.
    try db.write(durability: .full) { tx in try tx.set("paid", for: "2", in: events) }  // Never.
    // end sample
    #expect(try db.read { try $0.value(for: "2", in: events, as: String.self) } == "paid")
  }

  @Test func `what a closure throws rolls back and passes through`() throws {
    var output: [String] = []
    func print(_ text: Any) { output.append("\(text)") }
    let db = try Database.inMemory()
    let accounts = try db.keyspace("accounts")
    // sample: ErrorsAndRetries
    struct Overdrawn: Error {}

    do {
      try db.write { tx in
        let balance = try tx.increment("alice", by: -50, in: accounts)
        if balance < 0 { throw Overdrawn() }
      }
    } catch is Overdrawn {
      print("nothing happened")
    } catch let error as DatabaseError where error.isRetryable {
      print("others were in the way for thirty seconds: \(error.message)")
      if let abort = error.abort { print(abort) }
    } catch let error as DatabaseError where error.code == .diskFull {
      print("there is no space; nothing was changed, and work goes on when there is")
    }
    // end sample
    #expect(output == ["nothing happened"])
    #expect(try db.read { try $0.contains("alice", in: accounts) } == false)
  }

  @Test func `a transaction has a deadline`() async throws {
    let db = try Database.inMemory()
    let accounts = try db.keyspace("accounts")
    // sample: ErrorsAndRetries
    try await db.write(within: .seconds(2)) { tx in
      try tx.increment("alice", by: -50, in: accounts)
    }
    // end sample
    let balance = try await db.read { try $0.value(for: "alice", in: accounts, as: Int.self) }
    #expect(balance == -50)
  }
}
