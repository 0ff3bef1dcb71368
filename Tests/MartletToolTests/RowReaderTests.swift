import MartletCommands
import Testing

@Suite struct RowReaderTests {
  private func rows(_ text: String, _ layout: InputLayout) throws -> [String] {
    var reader = RowReader(source: source(text), layout: layout)
    return try reader.batch(limit: .max, byteLimit: .max).map { row in
      let key = String(decoding: row.key, as: UTF8.self)
      return "\(row.line) \(key) \(String(decoding: row.value, as: UTF8.self))"
    }
  }

  @Test func `two columns are key and value`() throws {
    #expect(
      try rows("a\t1\\t2\nb\t3\n", InputLayout(format: .tsv, key: .number(1)))
        == ["1 a 1\t2", "2 b 3"])
    #expect(
      try rows("1,a\n3,b\n", InputLayout(format: .csv, key: .number(2))) == ["1 a 1", "2 b 3"])
  }

  @Test func `several other columns are the value as TSV`() throws {
    #expect(
      try rows("x,\"a\tb\",z\n", InputLayout(format: .csv, key: .number(1))) == ["1 x a\\tb\tz"])
  }

  @Test func `with a header the other columns are the value as a JSON object`() throws {
    let text = "name,age\nada,36\n"
    #expect(
      try rows(text, InputLayout(format: .csv, key: .name("name"))) == [#"2 ada {"age":"36"}"#])
    #expect(
      try rows(text, InputLayout(format: .csv, key: .number(2), hasHeader: true))
        == [#"2 36 {"name":"ada"}"#])
  }

  @Test func `one column can be the value`() throws {
    let layout = InputLayout(format: .csv, key: .name("id"), value: .name("b"))
    #expect(try rows("a,b,id\n1,2,3\n", layout) == ["2 3 2"])
  }

  @Test func `a JSON line has its key in a field, and is the value`() throws {
    let text = "{\"id\":7,\"n\":\"x\"}\n\n{\"n\":1.50,\"id\":\"q\"}\r\n"
    #expect(
      try rows(text, InputLayout(format: .jsonl, key: .name("id")))
        == [#"1 7 {"id":7,"n":"x"}"#, #"3 q {"n":1.50,"id":"q"}"#])
    #expect(
      try rows(text, InputLayout(format: .jsonl, key: .name("id"), value: .name("n")))
        == ["1 7 x", "3 q 1.50"])
  }

  @Test(arguments: [
    ("a\tb\nc\n", InputLayout(format: .tsv, key: .number(1)), "in:2: 1 column where"),
    ("a\tb\tc\nd\te\n", InputLayout(format: .tsv, key: .number(1)), "in:2: 2 columns where"),
    ("a,b\n", InputLayout(format: .csv, key: .number(3)), "in:1: 2 columns, the key was"),
    ("a,b\n", InputLayout(format: .csv, key: .name("c")), "in:1: the header has no column named c"),
    ("a,a\n", InputLayout(format: .csv, key: .name("a")), "in:1: the header names a column twice"),
    (
      "a,b\n", InputLayout(format: .csv, key: .name("a"), value: .name("z")),
      "in:1: the header has no column named z"
    ),
    ("{\"id\":1}\n{\n", InputLayout(format: .jsonl, key: .name("id")), "in:2: not JSON"),
    ("[1]\n", InputLayout(format: .jsonl, key: .name("id")), "in:1: an array where"),
    (
      "{\"x\":1}\n", InputLayout(format: .jsonl, key: .name("id")), "in:1: there is no field \"id\""
    ),
    ("{\"id\":1.5}\n", InputLayout(format: .jsonl, key: .name("id")), "in:1: the key is a number"),
    (
      "{\"id\":1}\n", InputLayout(format: .jsonl, key: .name("id"), value: .name("v")),
      "in:1: there is no field \"v\""
    ),
  ])
  func `what is wrong is told with its line`(
    text: String, layout: InputLayout, expected: String
  ) throws {
    let found = try #require(message { _ = try rows(text, layout) })
    #expect(found.hasPrefix(expected), "\(found)")
  }

  @Test func `a batch ends at its rows or its bytes, and the rest follows`() throws {
    let text = (1...10).map { "k\($0)\tvalue" }.joined(separator: "\n")
    var reader = RowReader(
      source: source(text, chunk: 3), layout: InputLayout(format: .tsv, key: .number(1)))
    #expect(try reader.batch(limit: 4, byteLimit: .max).map(\.line) == [1, 2, 3, 4])
    #expect(try reader.batch(limit: 9, byteLimit: 8).map(\.line) == [5, 6])
    #expect(try reader.batch(limit: 9, byteLimit: .max).map(\.line) == [7, 8, 9, 10])
    #expect(try reader.batch(limit: 9, byteLimit: .max).isEmpty)
  }

  @Test(arguments: [("a.tsv", InputFormat.tsv), ("b.CSV", .csv), ("c.jsonl", .jsonl)])
  func `the name of a file tells its format`(name: String, format: InputFormat) {
    #expect(InputFormat(fileName: name) == format)
  }

  @Test func `a name without a known ending tells none`() {
    #expect(InputFormat(fileName: "data.txt") == nil)
  }
}
