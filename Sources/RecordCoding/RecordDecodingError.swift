/// Bytes that are no record of the type that was asked for.
public struct RecordDecodingError: Error, Hashable, Sendable, CustomStringConvertible {
  /// How many bytes into the record it was found.
  public let offset: Int
  /// What was found there.
  public let reason: Reason

  /// An error at a place, for codecs of your own.
  public init(offset: Int, reason: Reason) {
    self.offset = offset
    self.reason = reason
  }

  /// What is wrong with the bytes.
  public enum Reason: Hashable, Sendable {
    /// The record ends where more is expected.
    case endsEarly
    /// Bytes follow the record.
    case bytesFollow
    /// The record is of a format that this version does not know.
    case unknownFormat(UInt8)
    /// A byte that begins no value.
    case unknownTag(UInt8)
    /// A text is not UTF-8.
    case notUTF8
    /// A number that cannot be: it points or reaches outside, or does not fit.
    case outOfRange
    /// Values are nested too deeply.
    case tooDeep
    /// The codec of the record's type says so.
    case invalid(String)
  }

  /// What is wrong, and where.
  public var description: String {
    let what =
      switch reason {
      case .endsEarly: "the record ends too early"
      case .bytesFollow: "bytes follow the record"
      case .unknownFormat(let format): "unknown record format \(format)"
      case .unknownTag(let tag): "unknown tag \(tag)"
      case .notUTF8: "a text that is not UTF-8"
      case .outOfRange: "a number out of range"
      case .tooDeep: "values nested too deeply"
      case .invalid(let message): message
      }
    return "not the record expected, at byte \(offset): \(what)"
  }
}
