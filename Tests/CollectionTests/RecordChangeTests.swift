import Martlet
import Testing

/// What a change feed tells of the records of a collection.
@Suite struct RecordChangeTests {
  private struct Bird: Codable, Identifiable, Sendable, Equatable {
    var id: Int
    var name: String

    static let byName = RecordIndex("name", on: \Bird.name)
    static let all = RecordCollection("birds", of: Bird.self, indexes: byName)
    static let others = RecordCollection("others", of: Bird.self)
  }

  @Test func `insertions, updates and deletions come as records, whole transactions at a time`()
    async throws
  {
    let database = try Database.inMemory()
    try await database.open(Schema(Bird.all, Bird.others))
    let token = try database.changeToken()
    try await database.write { tx in
      try tx.insert(Bird(id: 2, name: "swift"), into: Bird.all)
      try tx.insert(Bird(id: 1, name: "martlet"), into: Bird.all)
      try tx.insert(Bird(id: 3, name: "other"), into: Bird.others)
    }
    try await database.write { tx in
      try tx.update(1, in: Bird.all) { $0.name = "martin" }
      try tx.delete(2, from: Bird.all)
    }

    var feed = try database.changes(of: Bird.all, from: token).makeAsyncIterator()
    let first = try await records(&feed, database)
    #expect(first.map(\.id) == [1, 2])
    #expect(first.map(\.newRecord) == [Bird(id: 1, name: "martlet"), Bird(id: 2, name: "swift")])
    let second = try await records(&feed, database)
    #expect(second.map(\.newRecord) == [Bird(id: 1, name: "martin"), nil])
    #expect(second.map(\.isDeletion) == [false, true])
    #expect(second.allSatisfy { $0.oldRecord == nil && $0.change.oldValue == .unrecorded })
  }

  @Test func `a feed of everything gives each collection its own`() async throws {
    let database = try Database.inMemory()
    try await database.open(Schema(Bird.all, Bird.others))
    let token = try database.changeToken()
    try await database.write { tx in
      try tx.insert(Bird(id: 1, name: "martlet"), into: Bird.all)
      try tx.insert(Bird(id: 3, name: "other"), into: Bird.others)
    }
    var feed = try database.changes(from: token).makeAsyncIterator()
    let committed = try #require(try await feed.next())
    #expect(committed.changes.count == 3)  // Two records and an entry of the index.
    #expect(try committed.records(of: Bird.all, in: database).map(\.id) == [1])
    #expect(try committed.records(of: Bird.others, in: database).map(\.id) == [3])
  }

  @Test func `a collection that is not open is refused`() throws {
    let database = try Database.inMemory()
    #expect {
      try database.changes(of: Bird.all)
    } throws: { error in
      (error as? DatabaseError)?.code == .collectionNotOpen
    }
  }

  /// The next changes that are not empty.
  private func records(_ feed: inout ChangeFeed.Iterator, _ database: Database) async throws
    -> [RecordChange<Bird, Int>]
  {
    while let committed = try await feed.next() {
      let records = try committed.records(of: Bird.all, in: database)
      if !records.isEmpty { return records }
    }
    return []
  }
}
