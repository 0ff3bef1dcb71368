/// Splits a line of the shell into words, which are bytes: keys and values need not be text.
///
/// Words stand between spaces. Between single quotes everything stands for itself; between double
/// quotes and outside of quotes a backslash makes `\n`, `\r`, `\t`, `\0`, `\xHH` (a byte), and any
/// other character itself.
///
/// What means something is looked for among Unicode scalars, not among characters: a quote that a
/// combining mark follows is one character with it, and a quote all the same. Spaces are those of
/// ASCII; others are letters like any.
package struct ShellWords: Equatable, Sendable {
  /// One word.
  package struct Word: Equatable, Sendable {
    package var bytes: [UInt8]
    /// Whether some of it was quoted or escaped, so that it is no option.
    package var isQuoted: Bool
    /// Where it begins in the line, in characters.
    package var start: Int

    /// As text; what is no UTF-8 is replaced.
    package var text: String { String(decoding: bytes, as: UTF8.self) }
  }

  package private(set) var words: [Word] = []
  /// Whether the line ends inside a word: no space follows it.
  package private(set) var endsInWord = false
  /// The quote that was not closed; nil when all were.
  package private(set) var openQuote: Unicode.Scalar?

  /// Splits a line as far as it goes.
  package init(_ line: some Sequence<Character>) {
    let places = line.enumerated().flatMap { character in
      character.element.unicodeScalars.map { (scalar: $0, character: character.offset) }
    }
    let scalars = places.map(\.scalar)
    var index = 0
    var word: Word?
    while index < scalars.count {
      let scalar = scalars[index]
      if let quote = openQuote {
        if scalar == quote {
          openQuote = nil
        } else if scalar == "\\", quote == "\"" {
          word?.bytes += Self.escape(scalars, &index)
        } else {
          word?.bytes += Array(String(scalar).utf8)
        }
      } else if scalar.isASCII, scalar.properties.isWhitespace {
        if let done = word { words.append(done) }
        word = nil
      } else {
        if word == nil { word = Word(bytes: [], isQuoted: false, start: places[index].character) }
        if scalar == "'" || scalar == "\"" {
          openQuote = scalar
          word?.isQuoted = true
        } else if scalar == "\\" {
          word?.isQuoted = true
          word?.bytes += Self.escape(scalars, &index)
        } else {
          word?.bytes += Array(String(scalar).utf8)
        }
      }
      index += 1
    }
    if let word {
      words.append(word)
      endsInWord = true
    }
  }

  /// The bytes of an escape; moves to its last scalar.
  private static func escape(_ scalars: [Unicode.Scalar], _ index: inout Int) -> [UInt8] {
    guard index + 1 < scalars.count else { return [0x5C] }
    index += 1
    switch scalars[index] {
    case "n": return [0x0A]
    case "r": return [0x0D]
    case "t": return [0x09]
    case "0": return [0]
    case "x":
      guard index + 2 < scalars.count, let high = digit(scalars[index + 1]),
        let low = digit(scalars[index + 2])
      else { return [0x78] }
      index += 2
      return [high << 4 | low]
    case let other: return Array(String(other).utf8)
    }
  }

  private static func digit(_ scalar: Unicode.Scalar) -> UInt8? {
    Character(scalar).hexDigitValue.flatMap { scalar.isASCII ? UInt8($0) : nil }
  }

  /// Bytes as a word that this reads back. Control characters, those of Unicode too, are escaped: what
  /// is stored must not steer a terminal.
  package static func quoted(_ bytes: [UInt8]) -> String {
    let isPlain =
      !bytes.isEmpty && bytes.first != UInt8(ascii: "-")
      && bytes.allSatisfy { byte in
        byte >= 0x80 || byte > 0x20 && byte != 0x7F && !"\"'\\".utf8.contains(byte)
      }
    if let text = String(validating: bytes, as: UTF8.self),
      !text.unicodeScalars.contains(where: { $0.properties.generalCategory == .control })
    {
      if isPlain { return text }
      let escaped = text.unicodeScalars.map {
        "\"\\".unicodeScalars.contains($0) ? "\\\($0)" : "\($0)"
      }
      return "\"" + escaped.joined() + "\""
    }
    let parts = bytes.map { byte in
      byte > 0x20 && byte < 0x7F && !"\"\\".utf8.contains(byte)
        ? String(Character(Unicode.Scalar(byte)))
        : "\\x" + String(repeating: "0", count: byte < 16 ? 1 : 0) + String(byte, radix: 16)
    }
    return "\"" + parts.joined() + "\""
  }
}
