/// Tab-separated values, the form that `scan` writes and `load` reads back byte for byte.
///
/// A record is a line, a field ends at a tab. Inside a field a tab is written `\t`, a line feed
/// `\n`, a carriage return `\r` and a backslash `\\`; every other byte stands for itself, so that
/// any key and any value survives the trip.
package enum TabSeparated {
  /// Appends a field, escaped.
  package static func append(_ field: some Sequence<UInt8>, to output: inout [UInt8]) {
    for byte in field {
      switch byte {
      case 0x09: output += [0x5C, 0x74]
      case 0x0A: output += [0x5C, 0x6E]
      case 0x0D: output += [0x5C, 0x72]
      case 0x5C: output += [0x5C, 0x5C]
      default: output.append(byte)
      }
    }
  }

  /// Appends a whole record with its line end.
  package static func append(record fields: [[UInt8]], to output: inout [UInt8]) {
    for (index, field) in fields.enumerated() {
      if index > 0 { output.append(0x09) }
      append(field, to: &output)
    }
    output.append(0x0A)
  }

  /// What has to stand before a first record whose first field this is: readers take a byte order
  /// mark at the beginning of a file for no part of it.
  package static func opening(_ field: [UInt8]) -> [UInt8] {
    let mark = ByteSource.mark
    return field.starts(with: mark) ? mark : []
  }

  /// The bytes an escaped field stands for; nil with a backslash that begins no escape.
  package static func unescape(_ field: ArraySlice<UInt8>) -> [UInt8]? {
    guard field.contains(0x5C) else { return Array(field) }
    var result: [UInt8] = []
    result.reserveCapacity(field.count)
    var bytes = field.makeIterator()
    while let byte = bytes.next() {
      guard byte == 0x5C else {
        result.append(byte)
        continue
      }
      switch bytes.next() {
      case 0x74: result.append(0x09)
      case 0x6E: result.append(0x0A)
      case 0x72: result.append(0x0D)
      case 0x5C: result.append(0x5C)
      default: return nil
      }
    }
    return result
  }
}

/// Reads records of tab-separated values. Blank lines are skipped; a line may end with CR LF.
package struct TabSeparatedReader {
  private let backslashesAreLiteral: Bool
  private var line = 0
  private var bytes: [UInt8] = []

  package init(backslashesAreLiteral: Bool = false) {
    self.backslashesAreLiteral = backslashesAreLiteral
  }

  /// The next record; nil at the end.
  ///
  /// - Throws: `ToolError` with the line of a wrong escape.
  package mutating func next(from source: inout ByteSource) throws -> Record? {
    repeat {
      bytes.removeAll(keepingCapacity: true)
      guard try source.appendLine(to: &bytes) else { return nil }
      line += 1
      if bytes.last == 0x0D { bytes.removeLast() }
    } while bytes.isEmpty
    var record = Record(line: line, fields: [])
    for field in bytes.split(separator: 0x09, omittingEmptySubsequences: false) {
      if backslashesAreLiteral {
        record.fields.append(Array(field))
      } else if let plain = TabSeparated.unescape(field) {
        record.fields.append(plain)
      } else {
        throw source.error(
          line: line,
          "column \(record.fields.count + 1) holds a backslash that begins none of "
            + "\\t \\n \\r \\\\ (--literal-backslashes reads it as it stands)")
      }
    }
    return record
  }
}
