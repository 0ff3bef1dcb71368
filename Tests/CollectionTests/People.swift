import Martlet

/// What the tests keep.
struct Person: Codable, Identifiable, Sendable, Hashable {
  var id: Int
  var name: String
  var email: String?
  var city: String
  var age: Int
  var tags: [String]

  static let byEmail = RecordIndex("email", onPresent: \Person.email, isUnique: true)
  static let byCity = RecordIndex("city", on: \Person.city, \Person.age)
  static let byTag = RecordIndex("tags", onEach: \Person.tags)
  static let byInitial = RecordIndex("initial", on: { (person: Person) in person.name.count })
  static let all = RecordCollection(
    "people", of: Person.self, coder: JSONRecordCoder(), indexes: byEmail, byCity, byTag, byInitial)
  static let plain = RecordCollection("plain", of: Person.self, id: \.name)
}
