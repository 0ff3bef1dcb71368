import Martlet

/// What the tests keep.
struct Person: Codable, Identifiable, Sendable, Hashable {
  var id: Int
  var name: String
  var email: String?
  var city: String
  var age: Int
  var tags: [String]

  init(
    _ id: Int, _ name: String = "Anna", email: String? = nil, city: String = "Oslo", age: Int = 30,
    tags: [String] = []
  ) {
    self.id = id
    self.name = name
    self.email = email
    self.city = city
    self.age = age
    self.tags = tags
  }

  static let byEmail = RecordIndex("email", onPresent: \Person.email, isUnique: true)
  static let byCity = RecordIndex("city", on: \Person.city, \Person.age)
  static let byTag = RecordIndex("tags", onEach: \Person.tags)
  static let byName = RecordIndex("name", on: \Person.name)
  static let byLength = RecordIndex("length", on: { (person: Person) in person.name.count })
  static let all = RecordCollection(
    "people", of: Person.self, coder: JSONRecordCoder(),
    indexes: byEmail, byCity, byTag, byName, byLength)
  /// The same records without indexes.
  static let bare = RecordCollection("people", of: Person.self, coder: JSONRecordCoder())
}

extension Database {
  /// A database in memory with the people open.
  static func withPeople() throws -> Database {
    let database = try Database.inMemory()
    try database.open(Person.all)
    return database
  }
}

/// The levels and protocols at which collections are written.
struct Level: Sendable, CustomStringConvertible {
  let isolation: IsolationLevel
  let using: TransactionProtocol?

  var description: String { isolation.rawValue + (using.map { " by \($0.rawValue)" } ?? "") }

  static let all: [Level] =
    [.readUncommitted, .readCommitted, .repeatableRead, .snapshot].map {
      Level(isolation: $0, using: nil)
    }
    + TransactionProtocol.allCases.map { Level(isolation: .serializable, using: $0) }
}
