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
  /// What cannot be read, or not be trusted, because of it: keys of a keyspace, a large value,
  /// commits of the log. Nil where that was not looked for: a read stops at the damage it meets,
  /// and verification looks.
  public let affects: String?

  /// A finding at a place.
  public init(location: String, expected: String, found: String, affects: String? = nil) {
    self.location = location
    self.expected = expected
    self.found = found
    self.affects = affects
  }
}

extension CorruptionError {
  /// The same finding, with what it affects; what was known before stays.
  package func affecting(_ what: @autoclosure () -> String) -> CorruptionError {
    affects == nil
      ? CorruptionError(location: location, expected: expected, found: found, affects: what())
      : self
  }

  /// The same finding, whose place is in a file.
  package func placed(in file: String) -> CorruptionError {
    CorruptionError(
      location: "\(file), \(location)", expected: expected, found: found, affects: affects)
  }

  /// Whether another finding is of the same bytes, whatever either knows of what it affects.
  package func isOfSamePlace(as other: CorruptionError) -> Bool {
    location == other.location && expected == other.expected && found == other.found
  }
}

extension CorruptionError: CustomStringConvertible {
  /// One line for people.
  public var description: String {
    "corrupt \(location): expected \(expected), found \(found)"
      + (affects.map { "; affects \($0)" } ?? "")
  }
}
