/// A value of the driven keyspace: a JSON integer or string, stored with its kind in front, so
/// that 11 and "11" stay apart.
///
/// In the database: `i` and the decimal digits, or `s` and UTF-8. Values are equal when those bytes
/// are, and not when Swift's texts are.
package enum DriveValue: Hashable, Sendable {
  case integer(Int64)
  case string(String)

  package static func == (left: DriveValue, right: DriveValue) -> Bool { left.bytes == right.bytes }

  package func hash(into hasher: inout Hasher) { hasher.combine(bytes) }

  /// Nil for a JSON value that is neither an integer nor a string.
  package init?(_ json: JSON) {
    switch json {
    case .integer(let value): self = .integer(value)
    case .string(let text): self = .string(text)
    default: return nil
    }
  }

  /// Nil for bytes that `bytes` never made.
  package init?(bytes: [UInt8]) {
    guard let text = String(validating: bytes.dropFirst(), as: UTF8.self) else { return nil }
    switch bytes.first {
    case UInt8(ascii: "i"):
      guard let value = Int64(text) else { return nil }
      self = .integer(value)
    case UInt8(ascii: "s"): self = .string(text)
    default: return nil
    }
  }

  package var bytes: [UInt8] {
    switch self {
    case .integer(let value): Array("i\(value)".utf8)
    case .string(let text): Array("s\(text)".utf8)
    }
  }

  package var json: JSON {
    switch self {
    case .integer(let value): .integer(value)
    case .string(let text): .string(text)
    }
  }
}
