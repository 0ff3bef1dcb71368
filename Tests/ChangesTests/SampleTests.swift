import Martlet
import Testing

/// The samples of the article about change feeds: what stands here stands there.
@Suite struct `The samples of the article about change feeds` {
  private actor Index {
    private(set) var words: [[UInt8]: String] = [:]

    func update(_ key: [UInt8], with value: ChangedValue) {
      words[key] = value.decoded(as: String.self)
    }
  }

  private struct Rows {
    var words: [[UInt8]: String] = [:]

    mutating func insert(_ key: RawSpan, _ value: RawSpan) {
      words[[UInt8](copying: key)] = String(valueBytes: value)
    }

    mutating func apply(_ changes: [Change]) {
      for change in changes { words[change.key] = change.newValue.decoded(as: String.self) }
    }
  }

  @Test func `following from a token`() async throws {
    let database = try Database.inMemory()
    let people = try database.keyspace("people")
    let index = Index()
    var savedToken: ChangeToken? = try database.changeToken()
    try await database.write { try $0.set("Ada", for: "1", in: people) }
    for try await committed in try database.changes(in: [people], from: savedToken) {
      for change in committed.changes {
        await index.update(change.key, with: change.newValue)
      }
      savedToken = committed.token
      break
    }
    #expect(await index.words == [Array("1".utf8): "Ada"])
    #expect(savedToken != nil)
  }

  @Test func `beginning with a snapshot`() async throws {
    let database = try Database.inMemory()
    let people = try database.keyspace("people")
    try await database.write { try $0.set("Ada", for: "1", in: people) }
    var index = Rows()
    let token = try database.changeToken()
    let moment = try database.readNow { snapshot in
      try snapshot.forEach(in: people) { key, value in
        index.insert(key, value)
        return .continue
      }
      return snapshot.timestamp
    }
    try await database.write { try $0.set("Grace", for: "2", in: people) }
    for try await committed in try database.changes(in: [people], from: token)
    where committed.timestamp > moment {
      index.apply(committed.changes)
      break
    }
    #expect(index.words.values.sorted() == ["Ada", "Grace"])
  }
}

extension Database {
  /// The synchronous `read`, in an asynchronous test.
  fileprivate func readNow<Result>(
    _ body: (borrowing Snapshot) throws -> Result
  ) throws -> Result {
    try read(body)
  }
}
