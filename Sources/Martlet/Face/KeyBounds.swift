/// Which keys a scan covers: from a lower bound, inclusive, to an upper bound, exclusive.
public struct KeyBounds: Sendable, Hashable {
  /// The first key that may be visited; nil for no bound.
  let lower: [UInt8]?
  /// The first key past the end; nil for no bound.
  let upper: [UInt8]?

  /// Every key.
  public static let all = KeyBounds(lower: nil, upper: nil)

  /// The keys of the half-open range from `lower` to `upper`.
  public static func range(from lower: some StoredKey, to upper: some StoredKey) throws -> KeyBounds
  {
    KeyBounds(lower: try bytes(of: lower), upper: try bytes(of: upper))
  }

  /// The keys from `lower` on.
  public static func from(_ lower: some StoredKey) throws -> KeyBounds {
    KeyBounds(lower: try bytes(of: lower), upper: nil)
  }

  /// The keys before `upper`.
  public static func upTo(_ upper: some StoredKey) throws -> KeyBounds {
    KeyBounds(lower: nil, upper: try bytes(of: upper))
  }

  /// The keys that begin with `prefix`.
  public static func prefix(_ prefix: some StoredKey) throws -> KeyBounds {
    let lower = try bytes(of: prefix)
    return KeyBounds(lower: lower, upper: successor(ofPrefix: lower))
  }

  /// The least key above every key with the prefix; nil when there is none.
  static func successor(ofPrefix prefix: [UInt8]) -> [UInt8]? {
    guard let last = prefix.lastIndex(where: { $0 != 255 }) else { return nil }
    var upper = Array(prefix[...last])
    upper[last] += 1
    return upper
  }

  static func bytes(of key: some StoredKey) throws -> [UInt8] {
    try key.withKeyBytes { span in unsafe span.withUnsafeBytes { unsafe [UInt8]($0) } }
  }
}

/// Whether a scan goes on.
public enum ScanStep: Sendable, Hashable {
  /// To the next entry.
  case `continue`
  /// No further.
  case stop
}
