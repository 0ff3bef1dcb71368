internal import ConcurrencyControl
internal import Primitives

/// What a live query has read, as the registry keeps it: keys by name, present or absent, and
/// intervals.
///
/// - Invariant IN1: whatever was read is covered by a name or an interval.
/// - Invariant IN2: at most `limit` names and `limit` intervals, or one interval for each keyspace:
///   beyond that whole keyspaces count as read.
struct Interest: Sendable {
  /// Names and intervals of one observer, each.
  static var limit: Int { 1024 }

  private(set) var names: [LockName]
  private(set) var intervals: [KeyInterval]

  init(_ readSet: ReadSet) {
    self.init(names: readSet.points, intervals: readSet.keyIntervals)
  }

  init(names: [LockName] = [], intervals: [KeyInterval] = []) {
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

  /// Whether a key is among what was read.
  func contains(_ name: LockName, key: RawSpan) -> Bool {
    names.contains(name)
      || intervals.contains { $0.keyspace == name.keyspace && $0.contains(key) }
  }

  /// The keyspaces of which anything was read.
  var keyspaces: Set<KeyspaceID> {
    Set(names.map(\.keyspace)).union(intervals.map(\.keyspace))
  }

  private static func whole(_ keyspace: KeyspaceID) -> KeyInterval {
    KeyInterval(keyspace: keyspace, lower: [], upper: nil)
  }
}
