import Foundation
import Martlet
import Testing

@Suite(.ownFolder) struct GettingStartedSamples {
  @Test func `a first transaction counts the runs of its program`() throws {
    var output: [String] = []
    func print(_ line: String) { output.append(line) }
    for _ in 1...2 {
      // sample: GettingStarted
      let db = try Database(at: "first.martlet")
      let counters = try db.keyspace("counters")

      let runs = try db.write { tx in
        let runs = try tx.value(for: "runs", in: counters, as: Int.self) ?? 0
        try tx.set(runs + 1, for: "runs", in: counters)
        return runs + 1
      }
      print("this program has run \(runs) times")
      try db.close()
      // end sample
      #expect(output.last == "this program has run \(runs) times")
    }
    #expect(output == (1...2).map { "this program has run \($0) times" })
  }

  // sample: GettingStarted
  struct Note: Codable, Identifiable, Sendable, Equatable {
    var id: UUID
    var title: String
    var folder: String
    var changed: Date

    static let byFolder = RecordIndex("folder", on: \Note.folder, \Note.changed)
    static let all = RecordCollection("notes", of: Note.self, indexes: byFolder)
  }
  // end sample

  @Test func `records are stored, changed and found through an index`() throws {
    var output: [String] = []
    func print(_ line: String) { output.append(line) }
    let db = try Database.inMemory()
    // sample: GettingStarted
    try db.open(Schema(Note.all))

    let note = Note(id: UUID(), title: "Swift on the shelf", folder: "ideas", changed: .now)
    try db.write { tx in
      try tx.insert(note, into: Note.all)
      try tx.update(note.id, in: Note.all) { $0.title = "Swifts on the shelf" }
    }

    let newest = try db.fetch(
      Note.all.where(Note.byFolder.starts(with: "ideas")).reversed().limit(10))
    for note in newest { print(note.title) }
    // end sample
    #expect(output == ["Swifts on the shelf"])
    #expect(newest.map(\.id) == [note.id])

    // sample: GettingStarted
    func move(_ note: UUID, to folder: String, _ tx: borrowing Transaction) throws {
      try tx.update(note, in: Note.all) { $0.folder = folder }
    }

    func isEmpty(_ folder: String, _ reading: borrowing some Reading & ~Copyable) throws -> Bool {
      try !reading.exists(Note.all.where(Note.byFolder.starts(with: folder)))
    }

    try db.write { tx in
      try move(note.id, to: "done", tx)
      if try isEmpty("ideas", tx) { print("no ideas are left") }
    }
    // end sample
    #expect(output.last == "no ideas are left")
  }

  @Test func `a live query follows the data`() async throws {
    let printed = Output<[String]>()
    func print(_ titles: [String]) { printed.append(titles) }
    let db = try Database.inMemory()
    try await db.open(Schema(Note.all))
    let note = Note(id: UUID(), title: "A", folder: "ideas", changed: .now)
    try await db.insert(note, into: Note.all)
    let deletion = Task {
      while printed.isEmpty { await Task.yield() }
      try await db.delete(note.id, from: Note.all)
    }
    // sample: GettingStarted
    let titles = db.observe { snapshot in
      try snapshot.fetch(Note.all.where(Note.byFolder.starts(with: "ideas"))).map(\.title)
    }
    for try await titles in titles {
      print(titles)
      if titles.isEmpty { break }
    }
    // end sample
    _ = try await deletion.value
    #expect(printed.lines == [["A"], []])
  }

  @Test func `keyspaces take tuples as keys`() throws {
    let db = try Database.inMemory()
    // sample: GettingStarted
    let readings = try db.keyspace("readings")
    try db.write { tx in
      try tx.set(21.5, for: KeyTuple("kitchen", 1), in: readings)
      try tx.set(22.0, for: KeyTuple("kitchen", 2), in: readings)
      try tx.set(18.0, for: KeyTuple("cellar", 1), in: readings)
    }

    var sum = 0.0
    try db.read { snapshot in
      try snapshot.forEach(in: readings, .prefix(KeyTuple("kitchen"))) { key, value in
        sum += Double(valueBytes: value) ?? 0
        return .continue
      }
    }
    // end sample
    #expect(sum == 43.5)
  }

  @Test func `a keyspace is built at once`() throws {
    let db = try Database.inMemory()
    let lines = [(name: "Oslo", description: "a"), (name: "Bergen", description: "b")]
    // sample: GettingStarted
    let cities = try db.build("cities", order: .any()) { builder in
      for line in lines { try builder.append(line.name, line.description) }
    }
    // end sample
    #expect(try db.read { try $0.value(for: "Oslo", in: cities, as: String.self) } == "a")
  }

  @Test func `tasks do not block`() async throws {
    let db = try Database.inMemory()
    let counters = try db.keyspace("counters")
    // sample: GettingStarted
    try await db.write { tx in try tx.set(1, for: "runs", in: counters) }
    // end sample
    let runs = try await db.read { try $0.value(for: "runs", in: counters, as: Int.self) }
    #expect(runs == 1)
  }
}
