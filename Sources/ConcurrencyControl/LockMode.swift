/// How a key is locked.
///
/// ```
///  asked \ held by another   S     U     X
///            S               yes   yes   no
///            U               yes   no    no
///            X               no    no    no
/// ```
///
/// `update` is a read that will become a write: it lets readers in and other would-be writers
/// wait, so that two of them cannot deadlock in converting (rule L5).
package enum LockMode: UInt8, Sendable, Hashable, Comparable, CaseIterable {
  case shared = 1
  case update = 2
  case exclusive = 3

  /// Whether two transactions may hold these modes on one name together (rule L1).
  @inlinable package func isCompatible(with other: LockMode) -> Bool {
    rawValue + other.rawValue <= 3
  }

  /// The mode that a holder of this one has after asking for another: the weakest that gives
  /// both. The modes are a chain, so it is the stronger of the two.
  @inlinable package func converted(by other: LockMode) -> LockMode { Swift.max(self, other) }

  @inlinable package static func < (left: LockMode, right: LockMode) -> Bool {
    left.rawValue < right.rawValue
  }
}
