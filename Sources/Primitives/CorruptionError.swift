/// Bytes on disk are not what the engine wrote.
///
/// Nothing was changed, and nothing wrong was returned. Every decoder of stored bytes throws
/// this, and none traps.
public struct CorruptionError: Error, Hashable, Sendable {
  /// Where the bytes are: file, offset and structure, in words.
  public let location: String
  /// What should stand there.
  public let expected: String
  /// What stands there.
  public let found: String

  /// A finding at a place.
  public init(location: String, expected: String, found: String) {
    self.location = location
    self.expected = expected
    self.found = found
  }
}

extension CorruptionError: CustomStringConvertible {
  /// One line for people.
  public var description: String { "corrupt \(location): expected \(expected), found \(found)" }
}
