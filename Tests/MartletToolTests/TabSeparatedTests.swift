import MartletCommands
import Seeds
import Testing

@Suite struct TabSeparatedTests {
  private func read(_ bytes: [UInt8], chunk: Int = 7, literal: Bool = false) throws -> [Record] {
    var source = source(bytes, chunk: chunk)
    var reader = TabSeparatedReader(backslashesAreLiteral: literal)
    var records: [Record] = []
    while let record = try reader.next(from: &source) { records.append(record) }
    return records
  }

  @Test func `tabs, line ends and backslashes are escaped`() {
    var output: [UInt8] = []
    TabSeparated.append(record: [Array("a\tb".utf8), Array("1\n2\\3\r".utf8)], to: &output)
    #expect(String(decoding: output, as: UTF8.self) == "a\\tb\t1\\n2\\\\3\\r\n")
  }

  @Test func `any bytes survive writing and reading`() throws {
    var generator = SeededGenerator(seed: Seed.take(for: #function))
    let awkward: [UInt8] = [0x09, 0x0A, 0x0D, 0x5C, 0x6E, 0x74, 0x22, 0x00, 0xFF, 0xEF]
    for _ in 0..<2000 {
      let fields = (0..<Int.random(in: 1...4, using: &generator)).map { _ in
        (0..<Int.random(in: 0...6, using: &generator)).map { _ in
          awkward.randomElement(using: &generator)!
        }
      }
      var output: [UInt8] = []
      TabSeparated.append(record: fields, to: &output)
      // A lone empty field is a blank line, which is passed over.
      let expected = fields == [[]] ? [] : [Record(line: 1, fields: fields)]
      #expect(try read(output, chunk: Int.random(in: 1...9, using: &generator)) == expected)
    }
  }

  @Test func `blank lines count but are passed over, and lines may end with CR LF`() throws {
    let records = try read(Array("a\t1\r\n\r\n\nb\t2".utf8))
    #expect(
      records == [
        Record(line: 1, fields: [[0x61], [0x31]]), Record(line: 4, fields: [[0x62], [0x32]]),
      ])
  }

  @Test func `a backslash that begins no escape is an error with its line`() throws {
    let text = message { _ = try read(Array("a\tb\nC:\\dir\tx\n".utf8)) }
    #expect(text?.hasPrefix("in:2: column 1 holds a backslash") == true)
    let records = try read(Array("C:\\dir\tx\n".utf8), literal: true)
    #expect(records.first?.fields.first == Array("C:\\dir".utf8))
  }

  @Test(arguments: [1, 2, 3, 100])
  func `a byte order mark is skipped`(chunk: Int) throws {
    // A mark that arrives in pieces is taken for data only when the first chunk is shorter.
    let records = try read([0xEF, 0xBB, 0xBF] + Array("a\tb\n".utf8), chunk: max(chunk, 3))
    #expect(records == [Record(line: 1, fields: [[0x61], [0x62]])])
  }
}
