/// Reads records of comma-separated values as RFC 4180 has them: fields in double quotes may
/// hold the delimiter, line ends and doubled quotes; records end with LF or CR LF. Blank lines
/// are skipped.
///
/// The input is read byte by byte, so that a file of any size takes the memory of one record.
package struct CommaSeparatedReader {
  private let delimiter: UInt8
  private var line = 1

  private enum Place {
    case fieldStart
    case plain
    case quoted
    case afterQuote
  }

  package init(delimiter: UInt8 = 0x2C) { self.delimiter = delimiter }

  /// The next record; nil at the end.
  ///
  /// - Throws: `ToolError` with the line of a quote that is out of place or never closed.
  package mutating func next(from source: inout ByteSource) throws -> Record? {
    var record = Record(line: line, fields: [])
    var field: [UInt8] = []
    var place = Place.fieldStart
    var quoteLine = line
    while let byte = try source.next() {
      if byte == 0x0A { line += 1 }
      if place == .quoted {
        if byte == 0x22 { place = .afterQuote } else { field.append(byte) }
      } else if byte == 0x22 {
        switch place {
        case .fieldStart:
          place = .quoted
          quoteLine = line
        case .afterQuote:
          field.append(0x22)
          place = .quoted
        case .plain, .quoted:
          throw source.error(
            line: line, "a quote inside a field that does not begin with one; double it and quote")
        }
      } else if byte == delimiter {
        record.fields.append(field)
        field = []
        place = .fieldStart
      } else if byte == 0x0A {
        if place == .plain, field.last == 0x0D { field.removeLast() }
        if field.isEmpty, record.fields.isEmpty, place != .afterQuote {
          record.line = line
          place = .fieldStart
          continue
        }
        record.fields.append(field)
        return record
      } else if place == .afterQuote {
        guard byte == 0x0D else {
          throw source.error(line: line, "text after the closing quote of a field")
        }
      } else {
        field.append(byte)
        place = .plain
      }
    }
    if place == .quoted {
      throw source.error(line: quoteLine, "the quote that begins here is never closed")
    }
    if place == .plain, field.last == 0x0D { field.removeLast() }
    if field.isEmpty, record.fields.isEmpty, place != .afterQuote { return nil }
    record.fields.append(field)
    return record
  }
}
