/// Splits a line of the shell into words, which are bytes: keys and values need not be text.
///
/// Words stand between spaces. Between single quotes everything stands for itself; between double
/// quotes and outside of quotes a backslash makes `\n`, `\r`, `\t`, `\0`, `\xHH` (a byte), and any
/// other character itself.
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
  package private(set) var openQuote: Character?

  /// Splits a line as far as it goes.
  package init(_ line: some Sequence<Character>) {
    let characters = Array(line)
    var index = 0
    var word: Word?
    while index < characters.count {
      let character = characters[index]
      if let quote = openQuote {
        if character == quote {
          openQuote = nil
        } else if character == "\\", quote == "\"" {
          word?.bytes += Self.escape(characters, &index)
        } else {
          word?.bytes += Array(String(character).utf8)
        }
      } else if character.isWhitespace {
        if let done = word { words.append(done) }
        word = nil
      } else {
        if word == nil { word = Word(bytes: [], isQuoted: false, start: index) }
        if character == "'" || character == "\"" {
          openQuote = character
          word?.isQuoted = true
        } else if character == "\\" {
          word?.isQuoted = true
          word?.bytes += Self.escape(characters, &index)
        } else {
          word?.bytes += Array(String(character).utf8)
        }
      }
      index += 1
    }
    if let word {
      words.append(word)
      endsInWord = true
    }
  }

  /// The bytes of an escape; moves to its last character.
  private static func escape(_ characters: [Character], _ index: inout Int) -> [UInt8] {
    guard index + 1 < characters.count else { return [0x5C] }
    index += 1
    switch characters[index] {
    case "n": return [0x0A]
    case "r": return [0x0D]
    case "t": return [0x09]
    case "0": return [0]
    case "x":
      guard index + 2 < characters.count,
        let byte = UInt8(String(characters[index + 1...index + 2]), radix: 16)
      else { return [0x78] }
      index += 2
      return [byte]
    case let other: return Array(String(other).utf8)
    }
  }

  /// Bytes as a word that this reads back.
  package static func quoted(_ bytes: [UInt8]) -> String {
    let isPlain =
      !bytes.isEmpty && bytes.first != UInt8(ascii: "-")
      && bytes.allSatisfy { byte in
        byte >= 0x80 || byte > 0x20 && byte != 0x7F && !"\"'\\".utf8.contains(byte)
      }
    if let text = String(validating: bytes, as: UTF8.self) {
      if isPlain { return text }
      if !bytes.contains(where: { $0 < 0x20 || $0 == 0x7F }) {
        let escaped = text.map { "\"\\".contains($0) ? "\\\($0)" : String($0) }
        return "\"" + escaped.joined() + "\""
      }
    }
    let parts = bytes.map { byte in
      byte > 0x20 && byte < 0x7F && !"\"\\".utf8.contains(byte)
        ? String(Character(Unicode.Scalar(byte)))
        : "\\x" + String(repeating: "0", count: byte < 16 ? 1 : 0) + String(byte, radix: 16)
    }
    return "\"" + parts.joined() + "\""
  }
}
