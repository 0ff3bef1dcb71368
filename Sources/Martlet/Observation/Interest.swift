package import ConcurrencyControl
internal import Primitives

/// What a live query has read, as the registry keeps it: keys by name, present or absent, and
/// intervals.
///
/// - Invariant IN1: whatever was read is covered by a name or an interval.
/// - Invariant IN2: at most `limit` names and `limit` intervals, or one interval for each keyspace:
///   beyond that whole keyspaces count as read.
package struct Interest: Sendable {
  /// Names and intervals of one observer, each.
  package static var limit: Int { 1024 }

  package private(set) var names: [LockName]
  package private(set) var intervals: [KeyInterval]

  init(_ readSet: ReadSet) {
    self.init(names: readSet.points, intervals: readSet.keyIntervals)
  }

  package init(names: [LockName] = [], intervals: [KeyInterval] = []) {
    self.names = names
    self.intervals = intervals
    if names.count > Self.limit {
      let keyspaces = Set(names.map(\.keyspace))
      self.names = []
      self.intervals.removeAll { keyspaces.contains($0.keyspace) }
      self.intervals += keyspaces.sorted().map(Self.whole)
    }
    if self.intervals.count > Self.limit {
      self.intervals = Set(self.intervals.map(\.keyspace)).sorted().map(Self.whole)
    }
  }

  /// The keyspaces of which anything was read.
  var keyspaces: Set<KeyspaceID> {
    Set(names.map(\.keyspace)).union(intervals.map(\.keyspace))
  }

  private static func whole(_ keyspace: KeyspaceID) -> KeyInterval {
    KeyInterval(keyspace: keyspace, lower: [], upper: nil)
  }
}
