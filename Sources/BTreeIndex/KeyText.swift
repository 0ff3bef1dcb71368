/// Keys in words for people: text as text, other bytes in hexadecimal; long ones cut.
package enum KeyText {
  private static let shownByteCount = 64

  package static func quoted(_ key: [UInt8]) -> String {
    let shown = key.prefix(shownByteCount)
    let isText = shown.allSatisfy { $0 >= 32 && $0 < 127 }
    let text =
      isText
      ? "\"" + String(decoding: shown, as: UTF8.self) + "\""
      : "0x" + shown.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    return key.count > shown.count ? text + "… (\(key.count) bytes)" : text
  }

  /// A range of keys; nil: to the end.
  package static func range(from lower: [UInt8], to upper: [UInt8]?) -> String {
    switch (lower.isEmpty, upper) {
    case (true, nil): "all keys"
    case (true, let upper?): "keys below \(quoted(upper))"
    case (false, nil): "keys from \(quoted(lower)) on"
    case (false, let upper?): "keys from \(quoted(lower)) up to \(quoted(upper))"
    }
  }
}
