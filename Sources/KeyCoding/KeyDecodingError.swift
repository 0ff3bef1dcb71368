/// Bytes that are not the encoding of the key that was asked for. Nothing was changed.
public struct KeyDecodingError: Error, Hashable, Sendable, CustomStringConvertible {
  /// How many bytes into the key it was found.
  public let offset: Int
  /// What was found there.
  public let reason: Reason

  /// An error at a place, for conformances of types of your own.
  public init(offset: Int, reason: Reason) {
    self.offset = offset
    self.reason = reason
  }

  /// What is wrong with the bytes.
  public enum Reason: Hashable, Sendable {
    /// The key ends within a value or before it.
    case endsEarly(expected: String)
    /// Another type's value stands there; the type byte tells which.
    case otherType(expected: String, typeCode: UInt8)
    /// The integer does not fit the type.
    case outOfRange(type: String)
    /// The bytes stand for a value that has another, shorter or canonical, encoding.
    case notCanonical(String)
    /// A string is not UTF-8.
    case notUTF8
    /// A nested tuple has more elements than the type.
    case tupleContinues
    /// Bytes follow the last element.
    case bytesFollow(count: Int)
    /// Tuples are nested more deeply than any key may be.
    case tooDeep
    /// A type of the application's has no value for what was read.
    case noValue(of: String)
  }

  /// What is wrong, and where.
  public var description: String {
    let what =
      switch reason {
      case .endsEarly(let expected): "the key ends where \(expected) is expected"
      case .otherType(let expected, let code):
        "\(TypeCode.name(of: code)) where \(expected) is expected"
      case .outOfRange(let type): "an integer that does not fit \(type)"
      case .notCanonical(let what): "\(what), which is encoded otherwise"
      case .notUTF8: "a string that is not UTF-8"
      case .tupleContinues: "a nested tuple with more elements than expected"
      case .bytesFollow(let count): "\(count) bytes after the last element"
      case .tooDeep: "tuples nested too deeply"
      case .noValue(let type): "what is read is no \(type)"
      }
    return "not the key expected, at byte \(offset): \(what)"
  }
}
