/// Where a text stops being JSON, and why.
package struct JSONSyntaxError: Error, Equatable, CustomStringConvertible {
  /// Bytes from the beginning of the text.
  package let offset: Int
  package let what: String

  package var description: String { "not JSON: \(what) at byte \(offset + 1)" }
}

extension JSON {
  /// Reads one value, with nothing but white space around it (RFC 8259).
  package init(parsing bytes: some Collection<UInt8>) throws(JSONSyntaxError) {
    var parser = JSONParser(bytes: Array(bytes))
    self = try parser.document()
  }

  package init(parsing text: String) throws(JSONSyntaxError) { try self.init(parsing: text.utf8) }
}

/// A recursive-descent reader. Nesting is bounded, so that no input exhausts the stack.
private struct JSONParser {
  private static let nestingLimit = 256

  let bytes: [UInt8]
  var position = 0
  var nesting = 0

  init(bytes: [UInt8]) { self.bytes = bytes }

  mutating func document() throws(JSONSyntaxError) -> JSON {
    let value = try value()
    skipSpace()
    guard position == bytes.count else { throw error("more text after the value") }
    return value
  }

  private func error(_ what: String) -> JSONSyntaxError {
    position >= bytes.count
      ? JSONSyntaxError(offset: bytes.count, what: "the text ends too early")
      : JSONSyntaxError(offset: position, what: what)
  }

  private var current: UInt8? { position < bytes.count ? bytes[position] : nil }

  private mutating func skipSpace() {
    while let byte = current, byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 {
      position += 1
    }
  }

  private mutating func take(_ byte: UInt8) -> Bool {
    skipSpace()
    guard current == byte else { return false }
    position += 1
    return true
  }

  private mutating func value() throws(JSONSyntaxError) -> JSON {
    skipSpace()
    switch current {
    case 0x7B: return try nested { parser throws(JSONSyntaxError) in try parser.object() }
    case 0x5B: return try nested { parser throws(JSONSyntaxError) in try parser.array() }
    case 0x22: return .string(try string())
    case 0x74: return try word("true", .bool(true))
    case 0x66: return try word("false", .bool(false))
    case 0x6E: return try word("null", .null)
    case 0x2D, .some(0x30...0x39): return try number()
    default: throw error("no value begins here")
    }
  }

  private mutating func nested(
    _ body: (inout JSONParser) throws(JSONSyntaxError) -> JSON
  ) throws(JSONSyntaxError) -> JSON {
    guard nesting < Self.nestingLimit else { throw error("nested too deep") }
    nesting += 1
    position += 1
    let result = try body(&self)
    nesting -= 1
    return result
  }

  private mutating func object() throws(JSONSyntaxError) -> JSON {
    var members: [JSON.Member] = []
    if take(0x7D) { return .object(members) }
    repeat {
      skipSpace()
      guard current == 0x22 else { throw error("a member's name in quotes is expected") }
      let name = try string()
      guard take(0x3A) else { throw error("a colon is expected") }
      members.append(JSON.Member(name, try value()))
    } while take(0x2C)
    guard take(0x7D) else { throw error("a comma or } is expected") }
    return .object(members)
  }

  private mutating func array() throws(JSONSyntaxError) -> JSON {
    var elements: [JSON] = []
    if take(0x5D) { return .array(elements) }
    repeat { elements.append(try value()) } while take(0x2C)
    guard take(0x5D) else { throw error("a comma or ] is expected") }
    return .array(elements)
  }

  private mutating func word(_ text: String, _ value: JSON) throws(JSONSyntaxError) -> JSON {
    for byte in text.utf8 {
      guard current == byte else { throw error("no value begins here") }
      position += 1
    }
    return value
  }

  private mutating func digits() throws(JSONSyntaxError) {
    guard let first = current, (0x30...0x39).contains(first) else {
      throw error("a digit is expected")
    }
    while let byte = current, (0x30...0x39).contains(byte) { position += 1 }
  }

  private mutating func number() throws(JSONSyntaxError) -> JSON {
    let start = position
    var isInteger = true
    if current == 0x2D { position += 1 }
    if current == 0x30 { position += 1 } else { try digits() }
    if current == 0x2E {
      isInteger = false
      position += 1
      try digits()
    }
    if current == 0x65 || current == 0x45 {
      isInteger = false
      position += 1
      if current == 0x2B || current == 0x2D { position += 1 }
      try digits()
    }
    let text = String(decoding: bytes[start..<position], as: UTF8.self)
    if isInteger, let value = Int64(text) { return .integer(value) }
    return .number(text)
  }
}

// MARK: - Strings

extension JSONParser {
  private mutating func string() throws(JSONSyntaxError) -> String {
    let opening = position
    position += 1
    var content: [UInt8] = []
    while true {
      let run = position
      while let byte = current, byte != 0x22, byte != 0x5C, byte >= 0x20 { position += 1 }
      content += bytes[run..<position]
      switch current {
      case 0x22:
        position += 1
        guard let text = String(validating: content, as: UTF8.self) else {
          throw JSONSyntaxError(offset: opening, what: "a string that is not UTF-8")
        }
        return text
      case 0x5C: try escape(into: &content)
      default: throw error("a control character inside a string")
      }
    }
  }

  private mutating func escape(into content: inout [UInt8]) throws(JSONSyntaxError) {
    position += 1
    let plain: UInt8
    switch current {
    case 0x22, 0x5C, 0x2F: plain = bytes[position]
    case 0x62: plain = 0x08
    case 0x66: plain = 0x0C
    case 0x6E: plain = 0x0A
    case 0x72: plain = 0x0D
    case 0x74: plain = 0x09
    case 0x75:
      position += 1
      return content += Character(try escapedScalar()).utf8
    default: throw error("an unknown escape")
    }
    position += 1
    content.append(plain)
  }

  /// Four hexadecimal digits, or eight with the second half of a surrogate pair.
  private mutating func escapedScalar() throws(JSONSyntaxError) -> Unicode.Scalar {
    let start = position
    let first = try fourDigits()
    if let scalar = Unicode.Scalar(first) { return scalar }
    if first < 0xDC00, current == 0x5C, position + 1 < bytes.count, bytes[position + 1] == 0x75 {
      position += 2
      let second = try fourDigits()
      if (0xDC00...0xDFFF).contains(second),
        let scalar = Unicode.Scalar(0x10000 + (first - 0xD800) << 10 + (second - 0xDC00))
      {
        return scalar
      }
    }
    throw JSONSyntaxError(offset: start, what: "half a surrogate pair")
  }

  private mutating func fourDigits() throws(JSONSyntaxError) -> UInt32 {
    var value: UInt32 = 0
    for _ in 0..<4 {
      guard let byte = current, let digit = Character(Unicode.Scalar(byte)).hexDigitValue else {
        throw error("four hexadecimal digits are expected")
      }
      value = value << 4 + UInt32(digit)
      position += 1
    }
    return value
  }
}
