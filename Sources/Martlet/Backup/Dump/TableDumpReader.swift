/// Reads what `mdb_dump` of LMDB and `db_dump` of Berkeley DB write: headers of `name=value` lines, a
/// line for each key and each value, which begin with a space.
///
/// ```text
///  VERSION=3
///  format=bytevalue
///  database=people          only where there are several
///  type=btree
///  …                        sizes and flags of theirs
///  HEADER=END
///   6b6579
///   76616c7565
///  DATA=END
/// ```
struct TableDumpReader {
  static let firstWord = "VERSION="
  private static let versions = ["2", "3"]

  /// The line that a section begins with, when it was taken already.
  private var waiting: [UInt8]?
  private var notation = DumpNotation.bytes

  init(firstLine: [UInt8]) { waiting = firstLine }

  mutating func nextSection(_ lines: inout DumpLines) throws -> DumpSection? {
    guard let first = try waiting.take() ?? lines.next() else { return nil }
    guard first.starts(with: Self.firstWord.utf8) else {
      throw lines.error("a header expected, which begins with \(Self.firstWord)")
    }
    var line = first
    var section = DumpSection()
    var hasFormat = false
    while line != Array("HEADER=END".utf8) {
      let (name, value) = try Self.setting(line, lines)
      switch name {
      case "VERSION":
        guard Self.versions.contains(value) else {
          throw lines.error("version \(value) of the dump is not known: 2 and 3 are")
        }
      case "format":
        guard let found = DumpNotation(rawValue: value) else {
          throw lines.error("format \(value) is not known: bytevalue and print are")
        }
        notation = found
        hasFormat = true
      case "type":
        guard value == "btree" || value == "hash" else {
          throw lines.error("a database of type \(value) has no keys of its own")
        }
      case "keys":
        guard value == "1" else { throw lines.error("a dump without keys; dump it with keys") }
      case "database", "subdatabase":
        // Notation applies to names as well, in either tool's print format.
        guard let bytes = try? Self.printable(Array(value.utf8)[...]),
          let text = String(validating: bytes, as: UTF8.self), !text.isEmpty
        else { throw lines.error("the name of a database expected") }
        section.name = text
      default: break
      }
      guard let next = try lines.next() else {
        throw lines.error("the dump ends in a header and is not complete")
      }
      line = next
    }
    guard hasFormat else { throw lines.error("the header gives no format") }
    return section
  }

  private static func setting(
    _ line: [UInt8], _ lines: DumpLines
  ) throws -> (name: String, value: String) {
    guard let equals = line.firstIndex(of: UInt8(ascii: "=")), line.first != UInt8(ascii: " "),
      let name = String(validating: line[..<equals], as: UTF8.self),
      let value = String(validating: line[(equals + 1)...], as: UTF8.self)
    else { throw lines.error("a setting of the header expected, or HEADER=END") }
    return (name, value)
  }

  func nextEntry(_ lines: inout DumpLines) throws -> DumpEntry? {
    guard let key = try nextField(&lines, "a key") else { return nil }
    let number = lines.number
    guard let value = try nextField(&lines, "a value") else {
      throw lines.error("the value of the key before it is missing")
    }
    return DumpEntry(key: key, value: value, line: number)
  }

  private func nextField(_ lines: inout DumpLines, _ what: String) throws -> [UInt8]? {
    guard let line = try lines.next() else {
      throw lines.error("the dump ends here and is not complete: DATA=END is missing")
    }
    if line == Array("DATA=END".utf8) { return nil }
    guard line.first == UInt8(ascii: " ") else {
      throw lines.error("\(what) expected, behind a space")
    }
    do {
      return try notation == .bytes
        ? Self.hexadecimal(line.dropFirst()) : Self.printable(line.dropFirst())
    } catch {
      throw lines.error(error.rawValue)
    }
  }

  private enum Problem: String, Error {
    case digits = "pairs of hexadecimal digits expected"
    case backslash =
      "a backslash goes before two hexadecimal digits or another one; dump with format=bytevalue"
  }

  private static func hexadecimal(_ text: ArraySlice<UInt8>) throws(Problem) -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(text.count / 2)
    var rest = text
    while !rest.isEmpty {
      guard let byte = Hexadecimal.take(from: &rest) else { throw .digits }
      bytes.append(byte)
    }
    return bytes
  }

  private static func printable(_ text: ArraySlice<UInt8>) throws(Problem) -> [UInt8] {
    let backslash = UInt8(ascii: "\\")
    guard text.contains(backslash) else { return Array(text) }
    var bytes: [UInt8] = []
    bytes.reserveCapacity(text.count)
    var rest = text
    while let byte = rest.popFirst() {
      if byte != backslash {
        bytes.append(byte)
      } else if rest.first == backslash {
        bytes.append(backslash)
        rest.removeFirst()
      } else if let value = Hexadecimal.take(from: &rest) {
        bytes.append(value)
      } else {
        throw .backslash
      }
    }
    return bytes
  }
}
