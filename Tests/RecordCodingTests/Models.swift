import Foundation
import RecordCoding
import Seeds

/// A record with one field of everything that `Codable` types are made of.
struct Everything: Codable, Equatable, Sendable {
  enum Shape: Codable, Equatable, Sendable {
    case point
    case circle(radius: Double)
    case polygon([[Int]], name: String?)
    indirect case group(Shape, Shape)
  }

  struct Address: Codable, Equatable, Sendable {
    var street: String
    var number: Int?
    var tags: Set<String>
  }

  var flag: Bool
  var integers: [Int]
  var small: [Int8]
  var large: [UInt64]
  var float: Float
  var double: Double
  var text: String
  var nothing: String?
  var date: Date
  var uuid: UUID
  var data: Data
  var bytes: [UInt8]
  var decimal: Decimal
  var url: URL
  var shapes: [Shape]
  var addresses: [Address]
  var byName: [String: Address]
  var byNumber: [Int: String]
  var byUUID: [UUID: Int?]
  var optionals: [Int?]
  var nested: [[String: [Double]]]
}

extension Everything {
  static func random(_ chance: inout SplitMix) -> Everything {
    func count() -> Int { Int.random(in: 0...5, using: &chance) }
    func integer() -> Int {
      Int(truncatingIfNeeded: chance.next()) >> Int.random(in: 0...63, using: &chance)
    }
    func text() -> String {
      let pieces = ["a", "long enough to be on the heap ", "é", "🔥", "\0", ""]
      let count = [0, 1, 2, 3, 10].randomElement(using: &chance) ?? 0
      return (0..<count).map { _ in pieces.randomElement(using: &chance) ?? "" }.joined()
    }
    func double() -> Double {
      let value = Double(bitPattern: chance.next())
      return value.isNaN ? 0 : value
    }
    func bytes() -> [UInt8] {
      (0..<Int.random(in: 0...200, using: &chance)).map { UInt8(truncatingIfNeeded: $0) }
    }
    func shape(_ depth: Int = 0) -> Shape {
      switch Int.random(in: 0..<(depth > 3 ? 3 : 4), using: &chance) {
      case 0: .point
      case 1: .circle(radius: double())
      case 2: .polygon((0..<count()).map { _ in [integer(), integer()] }, name: optional(text))
      default: .group(shape(depth + 1), shape(depth + 1))
      }
    }
    func optional<Value>(_ make: () -> Value) -> Value? {
      Bool.random(using: &chance) ? make() : nil
    }
    func address() -> Address {
      Address(
        street: text(), number: optional(integer), tags: Set((0..<count()).map { _ in text() }))
    }
    func list<Value>(_ make: () -> Value) -> [Value] { (0..<count()).map { _ in make() } }
    func dictionary<Key: Hashable, Value>(
      _ key: () -> Key, _ value: () -> Value
    ) -> [Key: Value] {
      Dictionary(list { (key(), value()) }, uniquingKeysWith: { first, _ in first })
    }
    return Everything(
      flag: Bool.random(using: &chance), integers: list(integer),
      small: list { Int8(truncatingIfNeeded: integer()) },
      large: list { UInt64(bitPattern: Int64(integer())) }, float: Float(integer()),
      double: double(), text: text(), nothing: optional(text),
      date: Date(timeIntervalSinceReferenceDate: double()), uuid: UUID(), data: Data(bytes()),
      bytes: bytes(), decimal: Decimal(integer()) / 100,
      url: URL(filePath: "/tmp/\(integer())"), shapes: list { shape() }, addresses: list(address),
      byName: dictionary(text, address), byNumber: dictionary(integer, text),
      byUUID: dictionary({ UUID() }, { optional(integer) }), optionals: list { optional(integer) },
      nested: list { dictionary(text) { list(double) } })
  }
}
