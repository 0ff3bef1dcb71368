import MartletCommands
import Seeds
import Testing

@Suite struct CommaSeparatedTests {
  private func read(_ text: String, chunk: Int = 5, delimiter: UInt8 = 0x2C) throws -> [[String]] {
    try records(text, chunk: chunk, delimiter: delimiter).map { record in
      record.fields.map { String(decoding: $0, as: UTF8.self) }
    }
  }

  private func records(
    _ text: String, chunk: Int = 5, delimiter: UInt8 = 0x2C
  ) throws -> [Record] {
    var source = source(text, chunk: chunk)
    var reader = CommaSeparatedReader(delimiter: delimiter)
    var records: [Record] = []
    while let record = try reader.next(from: &source) { records.append(record) }
    return records
  }

  @Test(arguments: [
    ("a,b\n1,2\n", [["a", "b"], ["1", "2"]]),
    ("a,b\r\n1,2", [["a", "b"], ["1", "2"]]),
    ("\"a\"\"b\",\"c,d\"\n", [["a\"b", "c,d"]]),
    ("\"x\ny\",z\n", [["x\ny", "z"]]),
    ("\"x\r\ny\",z\r\n", [["x\r\ny", "z"]]),
    ("a,\n,b\n,\n", [["a", ""], ["", "b"], ["", ""]]),
    ("\"\",\"\"\n", [["", ""]]),
    ("\"\"\n", [[""]]),
    ("\n\r\na\n\n", [["a"]]),
    ("a b , c\n", [["a b ", " c"]]),
    ("é,日本\n", [["é", "日本"]]),
    ("", []),
    ("a", [["a"]]),
    ("a,", [["a", ""]]),
    ("\"a\"", [["a"]]),
    ("\"a\"\r\n", [["a"]]),
    ("a\r", [["a"]]),
  ])
  func `records are read as RFC 4180 has them`(text: String, expected: [[String]]) throws {
    for chunk in [1, 2, 1000] { #expect(try read(text, chunk: chunk) == expected) }
  }

  @Test func `another delimiter leaves commas alone`() throws {
    #expect(try read("0041;A, capital;x\n", delimiter: 0x3B) == [["0041", "A, capital", "x"]])
  }

  @Test func `lines inside quotes count for the records after them`() throws {
    #expect(try records("\"a\nb\",1\n\nc,2\n").map(\.line) == [1, 4])
  }

  @Test func `a quote out of place is an error with its line`() {
    #expect(message { _ = try read("a\nb\"c\n") }?.hasPrefix("in:2: a quote inside") == true)
    #expect(message { _ = try read("\"a\"b\n") }?.hasPrefix("in:1: text after") == true)
    #expect(message { _ = try read("a\n\"b\nc\n") }?.hasPrefix("in:2: the quote") == true)
  }

  @Test func `any fields survive quoting and reading`() throws {
    var generator = SeededGenerator(seed: Seed.take(for: #function))
    let awkward: [Character] = ["\"", ",", "\n", "\r", "a", " ", "é"]
    for _ in 0..<2000 {
      let rows = (0..<Int.random(in: 0...3, using: &generator)).map { _ in
        (0..<3).map { _ in
          String(
            (0..<Int.random(in: 0...4, using: &generator)).map { _ in
              awkward.randomElement(using: &generator)!
            })
        }
      }
      let text = rows.map { row in
        row.map { field in
          "\""
            + field.split(separator: "\"", omittingEmptySubsequences: false)
            .joined(separator: "\"\"") + "\""
        }.joined(separator: ",") + "\r\n"
      }.joined()
      #expect(try read(text, chunk: Int.random(in: 1...8, using: &generator)) == rows)
    }
  }
}
