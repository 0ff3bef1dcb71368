/// A key or a value in a line of a dump.
enum DumpField {
  static let tab = UInt8(ascii: "\t")
  private static let backslash = UInt8(ascii: "\\")

  /// Appends bytes: text as it is, with backslashes before what a line cannot hold; what is no
  /// text as `\=` and Base64.
  static func append(_ bytes: some Collection<UInt8>, to line: inout [UInt8]) {
    guard isText(bytes) else {
      line += "\\=".utf8
      Base64Text.append(Array(bytes), to: &line)
      return
    }
    for byte in bytes {
      switch byte {
      case tab: line += "\\t".utf8
      case 0x0A: line += "\\n".utf8
      case 0x0D: line += "\\r".utf8
      case backslash: line += "\\\\".utf8
      case ..<0x20, 0x7F: Hexadecimal.append(byte, after: "\\x", to: &line)
      default: line.append(byte)
      }
    }
  }

  /// Whether it is UTF-8 with few control characters.
  private static func isText(_ bytes: some Collection<UInt8>) -> Bool {
    var rest = bytes.count / 4
    for byte in bytes where byte < 0x20 && byte != tab && byte != 0x0A && byte != 0x0D {
      rest -= 1
      if rest < 0 { return false }
    }
    return String(validating: bytes, as: UTF8.self) != nil
  }

  /// The bytes of a field; nil when it is none.
  static func decode(_ field: ArraySlice<UInt8>) -> [UInt8]? {
    if field.starts(with: "\\=".utf8) { return Base64Text.decode(field.dropFirst(2)) }
    guard field.contains(backslash) else { return Array(field) }
    var bytes: [UInt8] = []
    bytes.reserveCapacity(field.count)
    var rest = field
    while let byte = rest.popFirst() {
      guard byte == backslash else {
        bytes.append(byte)
        continue
      }
      switch rest.popFirst() {
      case UInt8(ascii: "t"): bytes.append(tab)
      case UInt8(ascii: "n"): bytes.append(0x0A)
      case UInt8(ascii: "r"): bytes.append(0x0D)
      case backslash: bytes.append(backslash)
      case UInt8(ascii: "x"):
        guard let value = Hexadecimal.take(from: &rest) else { return nil }
        bytes.append(value)
      default: return nil
      }
    }
    return bytes
  }
}

/// Bytes as pairs of hexadecimal digits.
enum Hexadecimal {
  private static let digits = Array("0123456789abcdef".utf8)

  static func append(_ byte: UInt8, to line: inout [UInt8]) {
    line.append(digits[Int(byte >> 4)])
    line.append(digits[Int(byte & 15)])
  }

  static func append(_ byte: UInt8, after prefix: String, to line: inout [UInt8]) {
    line += prefix.utf8
    append(byte, to: &line)
  }

  /// The byte of the next two digits, of either case; nil when there are none.
  static func take(from text: inout ArraySlice<UInt8>) -> UInt8? {
    guard let high = text.popFirst().flatMap(value), let low = text.popFirst().flatMap(value)
    else { return nil }
    return high << 4 | low
  }

  private static func value(of digit: UInt8) -> UInt8? {
    switch digit {
    case UInt8(ascii: "0")...UInt8(ascii: "9"): digit - UInt8(ascii: "0")
    case UInt8(ascii: "a")...UInt8(ascii: "f"): digit - UInt8(ascii: "a") + 10
    case UInt8(ascii: "A")...UInt8(ascii: "F"): digit - UInt8(ascii: "A") + 10
    default: nil
    }
  }
}

/// RFC 4648, with padding.
enum Base64Text {
  private static let alphabet = Array(
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
  private static let padding = UInt8(ascii: "=")

  static func append(_ bytes: [UInt8], to line: inout [UInt8]) {
    for start in stride(from: 0, to: bytes.count, by: 3) {
      let group = bytes[start..<min(start + 3, bytes.count)]
      var bits: UInt32 = 0
      for byte in group { bits = bits << 8 | UInt32(byte) }
      bits <<= UInt32(8 * (3 - group.count))
      for index in 0..<4 {
        let digit = Int(bits >> UInt32(18 - 6 * index) & 63)
        line.append(index <= group.count ? alphabet[digit] : padding)
      }
    }
  }

  /// Nil for other characters, a length that is no multiple of four, and bits left over.
  static func decode(_ text: ArraySlice<UInt8>) -> [UInt8]? {
    guard text.count % 4 == 0 else { return nil }
    var bytes: [UInt8] = []
    bytes.reserveCapacity(text.count / 4 * 3)
    var rest = text
    while !rest.isEmpty {
      let group = rest.prefix(4)
      rest = rest.dropFirst(4)
      let digits = group.prefix { $0 != padding }
      guard digits.count >= 2, digits.count == 4 || rest.isEmpty,
        group.dropFirst(digits.count).allSatisfy({ $0 == padding })
      else { return nil }
      var bits: UInt32 = 0
      for digit in digits {
        guard let value = value(of: digit) else { return nil }
        bits = bits << 6 | UInt32(value)
      }
      bits <<= UInt32(6 * (4 - digits.count))
      for index in 0..<digits.count - 1 {
        bytes.append(UInt8(truncatingIfNeeded: bits >> UInt32(16 - 8 * index)))
      }
      let leftOver = bits & (UInt32(1) << UInt32(8 * (4 - digits.count)) - 1)
      guard leftOver == 0 else { return nil }
    }
    return bytes
  }

  private static func value(of digit: UInt8) -> UInt8? {
    switch digit {
    case UInt8(ascii: "A")...UInt8(ascii: "Z"): digit - UInt8(ascii: "A")
    case UInt8(ascii: "a")...UInt8(ascii: "z"): digit - UInt8(ascii: "a") + 26
    case UInt8(ascii: "0")...UInt8(ascii: "9"): digit - UInt8(ascii: "0") + 52
    case UInt8(ascii: "+"): 62
    case UInt8(ascii: "/"): 63
    default: nil
    }
  }
}
