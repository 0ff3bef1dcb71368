import Foundation
import RecordCoding
import Testing

@Suite struct `Records of a type that has changed` {
  private func convert<Before: Codable, After: Codable>(
    _ record: Before, to type: After.Type
  ) throws -> After {
    try BinaryCoder<After>().decode(try BinaryCoder<Before>().encode(record))
  }

  struct Before: Codable {
    var id = 7
    var name = "Ada"
    var gone = ["x": [1, 2]]
    var score = 12
    var other = Date(timeIntervalSinceReferenceDate: 1)
  }

  struct After: Codable {
    var other: Date
    var added: String?
    var score: Double
    var id: Int
    var name: String
  }

  @Test func `skip what is gone, lack what is new, and widen numbers`() throws {
    let after = try convert(Before(), to: After.self)
    #expect(after.id == 7 && after.name == "Ada" && after.added == nil && after.score == 12)
    #expect(after.other == Date(timeIntervalSinceReferenceDate: 1))
  }

  struct Demanding: Codable {
    struct Inner: Codable {
      var x: Int
      var missing: String
    }

    var id: Int
    var inner: [Inner]
  }

  struct Modest: Codable {
    struct Inner: Codable { var x = 1 }
    var id = 1
    var inner = [Inner(), Inner()]
  }

  @Test func `name the field that is missing, and the way to it`() throws {
    do {
      _ = try convert(Modest(), to: Demanding.self)
      Issue.record("decoded")
    } catch DecodingError.keyNotFound(let key, let context) {
      #expect(key.stringValue == "missing")
      #expect(context.codingPath.map(\.stringValue) == ["inner", "Index 0"])
      #expect(context.debugDescription == "the record has no field \"missing\"")
    }
  }

  @Test func `say which type was found where another was expected`() throws {
    func message<Value: Codable>(_ value: Value, as type: (some Codable).Type) throws -> String {
      do {
        _ = try convert(value, to: type)
        return "decoded"
      } catch DecodingError.typeMismatch(_, let context) {
        return context.debugDescription
      } catch DecodingError.dataCorrupted(let context) {
        return context.debugDescription
      } catch DecodingError.valueNotFound(_, let context) {
        return context.debugDescription
      }
    }
    #expect(try message("text", as: Int.self) == "a text where Int is expected")
    #expect(try message(300, as: Int8.self) == "the integer 300 is no Int8")
    #expect(try message(-1, as: UInt.self) == "the integer -1 - 0 is no UInt")
    #expect(try message(1 << 60 + 1, as: Double.self) == "the integer \(1 << 60 + 1) is no Double")
    #expect(try message(0.5, as: Int.self) == "a number with a fraction where Int is expected")
    #expect(try message(Int?.none, as: Int.self) == "null where Int is expected")
    #expect(try message([1], as: String.self) == "a list where String is expected")
  }

  @Test func `take integers for numbers only where those are the same`() throws {
    #expect(try convert(-5, to: Double.self) == -5)
    #expect(try convert(-5, to: Decimal.self) == -5)
    #expect(try convert(Int.min, to: Double.self) == Double(Int.min))
    #expect(try convert(Int.min, to: Decimal.self) == Decimal(Int.min))
    #expect(try convert(Float(0.5), to: Double.self) == 0.5)
    #expect(try convert(0.5, to: Float.self) == 0.5)
    #expect(throws: DecodingError.self) { try convert(0.1, to: Float.self) }
    #expect(throws: DecodingError.self) { try convert(UInt64.max, to: Double.self) }
  }

  @Test func `are read whatever the order of their fields`() throws {
    struct Forward: Codable { var a = 1, b = 2, c = 3, d = 4 }
    struct Backward: Codable { var d: Int, c: Int, b: Int, a: Int }
    let record = try convert(Forward(), to: Backward.self)
    #expect(record.a == 1 && record.b == 2 && record.c == 3 && record.d == 4)
  }
}
