/// Reads the own format: `format-spec/dump.md`.
struct MartletDumpReader {
  static let firstWord = "martlet-dump"
  static let version = 1

  private var isOver = false
  private var entryCount = 0
  /// A line that belongs to what comes next.
  private var waiting: [UInt8]?

  init(firstLine: [UInt8], _ lines: DumpLines) throws {
    let words = firstLine.split(separator: UInt8(ascii: " "))
    guard words.count == 2, let version = Int(String(decoding: words[1], as: UTF8.self)) else {
      throw lines.error("\"\(Self.firstWord)\" and a version expected")
    }
    guard version == Self.version else {
      throw DatabaseError(
        .newerFormat,
        "the dump has version \(version); this version of Martlet reads \(Self.version)")
    }
  }

  /// The next line that is no comment, and none of an empty one.
  private mutating func line(_ lines: inout DumpLines) throws -> [UInt8] {
    if let line = waiting.take() { return line }
    while let line = try lines.next() {
      if line.first != UInt8(ascii: "#") && !line.isEmpty { return line }
    }
    throw lines.error("the dump ends here and is not complete")
  }

  /// A word, and what stands behind the space after it.
  private static func parts(_ line: [UInt8]) -> (word: String, rest: ArraySlice<UInt8>?) {
    let end = line.firstIndex(of: UInt8(ascii: " ")) ?? line.count
    let word = String(decoding: line[..<end], as: UTF8.self)
    return (word, end < line.count ? line[(end + 1)...] : nil)
  }

  mutating func nextSection(_ lines: inout DumpLines) throws -> DumpSection? {
    if isOver { return nil }
    let (word, rest) = Self.parts(try line(&lines))
    if word == "end-of-dump", rest == nil {
      isOver = true
      while let line = try lines.next() {
        guard line.isEmpty || line.first == UInt8(ascii: "#") else {
          throw lines.error("nothing may follow the end of the dump")
        }
      }
      return nil
    }
    guard word == "keyspace", let rest, let bytes = DumpField.decode(rest),
      let name = String(validating: bytes, as: UTF8.self), !name.isEmpty
    else { throw lines.error("a keyspace and its name, or the end of the dump, expected") }
    entryCount = 0
    var section = DumpSection(name: name, tellsExpiry: true)
    let next = try line(&lines)
    let (second, options) = Self.parts(next)
    if second == "options" {
      guard let options, let bytes = DumpField.decode(options) else {
        throw lines.error("the bytes of the options expected")
      }
      section.options = bytes
    } else {
      waiting = next
    }
    return section
  }

  mutating func nextEntry(_ lines: inout DumpLines) throws -> DumpEntry? {
    let first = try line(&lines)
    guard first.first == UInt8(ascii: " ") else {
      let (word, count) = Self.parts(first)
      guard word == "end" else { throw lines.error("an entry or the end of the keyspace expected") }
      if let count {
        let stated = Int(String(decoding: count, as: UTF8.self))
        guard stated == entryCount else {
          throw lines.error(
            "\(String(decoding: count, as: UTF8.self)) entries are stated, \(entryCount) stand here"
          )
        }
      }
      return nil
    }
    let number = lines.number
    let fields = first.dropFirst().split(
      separator: DumpField.tab, omittingEmptySubsequences: false)
    guard fields.count >= 2, let key = DumpField.decode(fields[0]),
      let value = DumpField.decode(fields[1])
    else { throw lines.error("a key, a tab and a value expected") }
    var entry = DumpEntry(key: key, value: value, line: number)
    for field in fields.dropFirst(2) {
      let prefix = "expires="
      guard field.starts(with: prefix.utf8), entry.expiry == 0,
        let moment = UInt64(String(decoding: field.dropFirst(prefix.utf8.count), as: UTF8.self)),
        moment > 0
      else { throw lines.error("an expiry expected behind the value") }
      entry.expiry = moment
    }
    var next = try line(&lines)
    while next.first == UInt8(ascii: "+") {
      guard let more = DumpField.decode(next.dropFirst()) else {
        throw lines.error("more of the value expected")
      }
      guard entry.value.count + more.count <= DumpLines.limit else {
        throw lines.error("the value has more than \(DumpLines.limit) bytes")
      }
      entry.value += more
      next = try line(&lines)
    }
    waiting = next
    entryCount += 1
    return entry
  }
}
