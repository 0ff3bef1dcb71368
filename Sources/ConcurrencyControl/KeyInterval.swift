package import Primitives

/// A half-open interval of a keyspace's keys, whatever keys exist (rules L2, L3, S9).
///
/// Keys are ordered as bytes: unsigned, a prefix before what it begins. An interval whose upper
/// bound is not above its lower one holds no key.
package struct KeyInterval: Hashable, Sendable {
  package let keyspace: KeyspaceID
  /// The first key inside.
  package let lower: [UInt8]
  /// The first key above; nil: no bound.
  package let upper: [UInt8]?

  package init(keyspace: KeyspaceID, lower: [UInt8], upper: [UInt8]?) {
    self.keyspace = keyspace
    self.lower = lower
    self.upper = upper
  }

  package var isEmpty: Bool { upper.map { !precedes(lower, $0) } ?? false }

  /// The bytes of its bounds.
  package var byteCount: Int { lower.count + (upper?.count ?? 0) }

  /// Whether a key of the interval's keyspace lies inside.
  package func contains(_ key: RawSpan) -> Bool {
    // SAFETY: the pointers do not leave the closure, and buffers know their bounds.
    unsafe key.withUnsafeBytes { key in
      if unsafe key.lexicographicallyPrecedes(lower) { return false }
      guard let upper else { return true }
      return unsafe key.lexicographicallyPrecedes(upper)
    }
  }

  /// Whether every key of another interval lies inside.
  package func contains(_ other: KeyInterval) -> Bool {
    if other.isEmpty { return true }
    guard keyspace == other.keyspace, !precedes(other.lower, lower) else {
      return false
    }
    guard let upper else { return true }
    return other.upper.map { !precedes(upper, $0) } ?? false
  }

  /// Whether some key, existing or not, lies in both.
  package func overlaps(_ other: KeyInterval) -> Bool {
    guard keyspace == other.keyspace, !isEmpty, !other.isEmpty else { return false }
    return other.begins(below: upper) && begins(below: other.upper)
  }

  /// The interval of both, when they overlap or one ends where the other begins; else nil.
  package func merged(with other: KeyInterval) -> KeyInterval? {
    guard keyspace == other.keyspace, other.begins(notAbove: upper), begins(notAbove: other.upper)
    else { return nil }
    let isFirst = precedes(lower, other.lower)
    return KeyInterval(
      keyspace: keyspace, lower: isFirst ? lower : other.lower,
      upper: ends(before: other) ? other.upper : upper)
  }

  private func begins(below bound: [UInt8]?) -> Bool {
    bound.map { precedes(lower, $0) } ?? true
  }

  private func begins(notAbove bound: [UInt8]?) -> Bool {
    bound.map { !precedes($0, lower) } ?? true
  }

  private func ends(before other: KeyInterval) -> Bool {
    guard let upper else { return false }
    return other.upper.map { precedes(upper, $0) } ?? true
  }
}

/// The order of keys.
private func precedes(_ left: [UInt8], _ right: [UInt8]) -> Bool {
  left.lexicographicallyPrecedes(right)
}
