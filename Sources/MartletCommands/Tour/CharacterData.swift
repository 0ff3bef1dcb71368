internal import Foundation

/// One character of Unicode, as `UnicodeData.txt` describes it.
package struct CharacterRecord: Equatable, Sendable {
  /// The code point in six hexadecimal digits, so that the order of keys is that of numbers.
  package var key: String
  /// Its name, such as GREEK SMALL LETTER PI.
  package var name: String
  /// The whole line of the file.
  package var line: String

  /// Reads a line of the file; nil when it is none.
  package init?(line: some StringProtocol) {
    let fields = line.split(separator: ";", omittingEmptySubsequences: false)
    guard fields.count == 15, let number = UInt32(fields[0], radix: 16) else { return nil }
    key = Self.key(of: number)
    name = String(fields[1])
    self.line = String(line)
  }

  package static func key(of codePoint: UInt32) -> String {
    let digits = String(codePoint, radix: 16, uppercase: true)
    return String(repeating: "0", count: max(0, 6 - digits.count)) + digits
  }

  /// Its key in the index by name: names such as <control> are shared.
  package var indexKey: String { "\(name) \(key)" }
}

/// The data set that the tool carries: the Unicode character database, version 15.0.0.
package enum CharacterData {
  package static let title = "UnicodeData.txt 15.0.0"

  /// All records, in the order of the file, which is that of their keys.
  ///
  /// - Throws: `ToolError` when the file is not where the build put it, or is not itself.
  package static func load() throws -> [CharacterRecord] {
    guard
      let url = Bundle.module.url(
        forResource: "UnicodeData", withExtension: "txt", subdirectory: "UnicodeData")
    else {
      throw ToolError(
        "UnicodeData.txt is missing beside the program, in \(Bundle.module.bundlePath)")
    }
    let text = try String(contentsOf: url, encoding: .utf8)
    return try text.split(separator: "\n").enumerated().map { index, line in
      guard let record = CharacterRecord(line: line) else {
        throw ToolError("\(url.path):\(index + 1): not a record of UnicodeData")
      }
      return record
    }
  }
}
