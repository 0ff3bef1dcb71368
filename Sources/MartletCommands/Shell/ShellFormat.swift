/// How the shell prints entries.
package enum ShellFormat: String, CaseIterable, Sendable {
  /// A key, a tab and a value, with what is no text escaped, as `load` reads it.
  case tsv
  /// In two columns, quoted where they are not plain text, cut to the width of the terminal.
  case table
  /// JSON lines.
  case json
  /// Bytes in hexadecimal.
  case hex

  /// The line of an entry, without its end. A scan of keys alone has no value.
  ///
  /// - Parameters:
  ///   - keyWidth: columns of the widest key so far; for a table.
  ///   - columns: of the terminal; nil: nothing is cut.
  package func line(key: [UInt8], value: [UInt8]?, keyWidth: Int = 24, columns: Int? = nil)
    -> [UInt8]
  {
    switch self {
    case .tsv:
      var bytes: [UInt8] = []
      TabSeparated.append(record: value.map { [key, $0] } ?? [key], to: &bytes)
      if bytes.last == 0x0A { bytes.removeLast() }
      return bytes
    case .json:
      var members = [JSON.member("key", bytes: key)]
      if let value { members.append(JSON.member("value", bytes: value)) }
      return Array(JSON.object(members).text.utf8)
    case .hex:
      return Array(
        ([Self.hexadecimal(key)] + (value.map { [Self.hexadecimal($0)] } ?? []))
          .joined(separator: " ").utf8)
    case .table:
      var line = ShellWords.quoted(key)
      if let value {
        line += String(repeating: " ", count: max(keyWidth - DisplayWidth.of(line), 0) + 2)
        line += ShellWords.quoted(value)
      }
      return Array(Self.cut(line, to: columns).utf8)
    }
  }

  private static func hexadecimal(_ bytes: [UInt8]) -> String {
    bytes.isEmpty
      ? "-"
      : bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
  }

  private static func cut(_ line: String, to columns: Int?) -> String {
    guard let columns, DisplayWidth.of(line) > columns else { return line }
    var width = 1
    let kept = line.prefix { character in
      width += DisplayWidth.of(character)
      return width <= columns
    }
    return kept + "…"
  }
}
