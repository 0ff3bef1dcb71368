/// The names of segments in a directory: `log-` and the number in 16 hexadecimal digits, so that
/// names sort as numbers do. What ends in `.new` is being made and never part of the log.
package enum SegmentName {
  static let prefix = "log-"
  static let temporarySuffix = ".new"

  package static func name(_ number: UInt64) -> String {
    let digits = String(number, radix: 16)
    return prefix + String(repeating: "0", count: 16 - digits.count) + digits
  }

  package static func temporaryName(_ number: UInt64) -> String {
    name(number) + temporarySuffix
  }

  /// The number in a segment's name; nil for every other name.
  package static func number(in name: String) -> UInt64? {
    guard name.utf8.count == prefix.utf8.count + 16, name.hasPrefix(prefix) else { return nil }
    let digits = name.dropFirst(prefix.count)
    guard digits.utf8.allSatisfy({ (48...57).contains($0) || (97...102).contains($0) }) else {
      return nil
    }
    return UInt64(digits, radix: 16)
  }

  package static func isTemporary(_ name: String) -> Bool {
    name.hasSuffix(temporarySuffix)
      && number(in: String(name.dropLast(temporarySuffix.count))) != nil
  }
}
