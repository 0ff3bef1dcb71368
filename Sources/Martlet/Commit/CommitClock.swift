package import Primitives

/// Gives commits their timestamps: the wall clock while it runs ahead of the last commit, else the
/// next number.
///
/// - Invariant T1: every timestamp given is greater than all given before, and than every
///   timestamp of an earlier life of the database: the owner starts the clock at the greatest
///   ceiling that any of them can have reached (rule R6).
/// - Invariant T2: no timestamp exceeds the durable ceiling, so that a restart, which begins above
///   the ceiling, never gives one a second time, not even that of a lost relaxed commit (rule W4).
package struct CommitClock {
  /// The last timestamp given.
  package private(set) var last: Timestamp

  /// Begins above `floor`.
  package init(above floor: Timestamp) { last = floor }

  /// The timestamp of the next commit; nil, and nothing given, when it would exceed the ceiling.
  package mutating func next(wallClock: UInt64, ceiling: Timestamp) -> Timestamp? {
    let candidate = Timestamp(max(wallClock, last.rawValue + 1))
    guard candidate <= ceiling else { return nil }
    last = candidate
    return candidate
  }
}
