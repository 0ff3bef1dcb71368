import Martlet
import Testing

/// The worked example of `format-spec/collections.md`.
@Suite struct `The format of collections` {
  @Test func `is that of the worked example, byte for byte`() throws {
    let collection = RecordCollection(
      "people", of: Person.self, coder: JSONRecordCoder(), indexes: Person.byCity, Person.byEmail)
    let database = try Database.inMemory()
    try database.open(collection)
    try database.insert(Person(1, email: "a", city: "Oslo", age: 30), into: collection)

    func text(_ text: String) -> [UInt8] { [2] + Array(text.utf8) + [0] }
    func field(_ tag: UInt8, _ text: String) -> [UInt8] {
      [tag, UInt8(text.utf8.count)] + Array(text.utf8)
    }
    let schema = try entries(of: "martlet/schema", in: database)
    #expect(
      schema == [
        [
          text("collection") + text("people"), field(1, "JSONRecordCoder") + field(2, "integer"),
        ],
        [
          text("index") + text("people") + text("city"),
          [1, 1, 1, 2, 1, 1, 4, 1, 0] + field(5, "(string, integer)") + [6, 1, 2, 7, 1, 2],
        ],
        [
          text("index") + text("people") + text("email"),
          [1, 1, 2, 2, 1, 2, 3, 0, 4, 1, 0] + field(5, "string") + [6, 1, 1, 7, 1, 2],
        ],
        [text("next index"), [3, 0, 0, 0, 0, 0, 0, 0]],
      ])
    #expect(
      try entries(of: "martlet/index/1/people/city", in: database)
        == [[text("Oslo") + [0x15, 0x1e, 0x15, 0x01], [0x02]]])
    #expect(
      try entries(of: "martlet/index/2/people/email", in: database)
        == [[text("a"), [0x15, 0x01]]])
    #expect(try entries(of: "people", in: database).map(\.[0]) == [[0x15, 0x01]])
  }

  private func entries(of name: String, in database: Database) throws -> [[[UInt8]]] {
    let keyspace = try #require(try database.existingKeyspace(name))
    var entries: [[[UInt8]]] = []
    try database.read { snapshot in
      try snapshot.forEach(in: keyspace) { key, value in
        entries.append([
          unsafe key.withUnsafeBytes { unsafe [UInt8]($0) },
          unsafe value.withUnsafeBytes { unsafe [UInt8]($0) },
        ])
        return .continue
      }
    }
    return entries
  }
}
