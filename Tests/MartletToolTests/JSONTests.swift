import MartletCommands
import Seeds
import Testing

@Suite struct JSONTests {
  @Test func `the members of an object keep their order, and numbers their kind`() throws {
    let text = #"{"b":1,"a":[true,null,-2.50,1e3],"c":{"":"é\n"},"n":9223372036854775808}"#
    let value = try JSON(parsing: text)
    #expect(
      value == [
        "b": 1, "a": [true, .null, .number("-2.50"), .number("1e3")], "c": ["": "é\n"],
        "n": .number("9223372036854775808"),
      ])
    #expect(value.text == text)
  }

  @Test(arguments: [
    (#""\u0041\"\\\/\b\f\n\r\t""#, "A\"\\/\u{8}\u{C}\n\r\t"),
    (#""\ud83d\ude00""#, "\u{1F600}"), (#""\u00e9""#, "é"), (#"  "x" "#, "x"),
  ])
  func `strings are unescaped`(text: String, expected: String) throws {
    #expect(try JSON(parsing: text) == .string(expected))
  }

  @Test(arguments: [
    ("", 0), ("{", 1), ("[1,]", 3), ("{\"a\" 1}", 5), ("tru", 3), ("nulls", 4), ("01", 1),
    ("1.", 2), ("-", 1), ("+1", 0), ("1e", 2), ("\"a", 2), ("\"\u{1}\"", 1), (#""\x""#, 2),
    (#""\ud800""#, 3), (#""\u12g4""#, 5), ("[1 2]", 3), ("{a:1}", 1), ("'a'", 0), ("NaN", 0),
  ])
  func `what is not JSON is refused at its place`(text: String, offset: Int) {
    #expect { try JSON(parsing: text) } throws: { error in
      (error as? JSONSyntaxError)?.offset == offset
    }
  }

  @Test func `bytes that are not UTF-8 are refused`() {
    #expect(throws: JSONSyntaxError.self) { try JSON(parsing: [0x22, 0xFF, 0x22]) }
  }

  @Test func `deep nesting is refused, not followed`() {
    let deep = String(repeating: "[", count: 100_000)
    #expect { try JSON(parsing: deep) } throws: { error in
      (error as? JSONSyntaxError)?.what == "nested too deep"
    }
  }

  @Test func `any value survives writing and reading`() throws {
    var generator = SeededGenerator(seed: Seed.take(for: #function))
    for _ in 0..<500 {
      let value = Self.random(depth: 4, &generator)
      #expect(try JSON(parsing: value.text) == value)
    }
  }

  private static func random(depth: Int, _ generator: inout SeededGenerator) -> JSON {
    switch Int.random(in: 0..<(depth == 0 ? 5 : 7), using: &generator) {
    case 0: return .null
    case 1: return .bool(.random(using: &generator))
    case 2: return .integer(.random(in: .min ... .max, using: &generator))
    case 3: return .number("-0.\(Int.random(in: 0...999, using: &generator))E+7")
    case 4: return .string(text(&generator))
    case 5:
      return .array(
        (0..<Int.random(in: 0...3, using: &generator)).map { _ in
          random(depth: depth - 1, &generator)
        })
    default:
      return .object(
        (0..<Int.random(in: 0...3, using: &generator)).map { _ in
          .init(text(&generator), random(depth: depth - 1, &generator))
        })
    }
  }

  private static func text(_ generator: inout SeededGenerator) -> String {
    let scalars: [Unicode.Scalar] = ["\"", "\\", "\n", "\u{0}", "\u{7F}", "é", "\u{1F600}", "/"]
    var text = ""
    for _ in 0..<Int.random(in: 0...5, using: &generator) {
      text.unicodeScalars.append(scalars.randomElement(using: &generator)!)
    }
    return text
  }
}

@Suite struct Base64Tests {
  @Test(arguments: [
    ("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg=="),
    ("fooba", "Zm9vYmE="), ("foobar", "Zm9vYmFy"),
  ])
  func `the vectors of RFC 4648 come out`(text: String, expected: String) {
    #expect(Base64.encode(Array(text.utf8)) == expected)
  }
}
