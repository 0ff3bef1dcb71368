import Primitives

/// What a transaction has read: keys, present or absent alike (rule S8), and intervals (rule S9).
/// Its own, so that a read touches nothing shared; the commit section looks at it.
///
/// It only grows: rolling back to a savepoint takes nothing out, since what was read may have
/// decided what was done afterwards (rule S6), and writing a key does not replace having read it
/// (rule S7 is not used). Names are keys and intervals of the key space, so splits and merges of
/// pages do not concern it (rule S10).
///
/// - Invariant E1: whatever was noted is covered by a point or an interval.
/// - Invariant E2: at most `pointLimit` points, and at most `intervalLimit` intervals or one for
///   each keyspace. Beyond that it becomes coarse and never refuses (rule S12).
/// - Invariant E3: an interval that contains what was never read is marked coarse.
package struct ReadSet: Sendable {
  /// An interval that was read, or that covers what was read.
  struct Interval: Sendable {
    var interval: KeyInterval
    var isCoarse: Bool
  }

  /// Up to here points are compared one by one.
  private static let smallCount = 16

  private let pointLimit: Int
  private let intervalLimit: Int
  package private(set) var points: [LockName] = []
  var intervals: [Interval] = []
  /// Keyspaces that count as read entirely because too many of their keys were read.
  private var promoted: [KeyspaceID] = []
  /// A hash table of indices in `points`, plus one; used when they are many.
  private var places: [UInt32] = []
  private var placeCount = 0

  package init(pointLimit: Int = 65_536, intervalLimit: Int = 1_024) {
    precondition(pointLimit > 0 && pointLimit < UInt32.max && intervalLimit > 0)
    self.pointLimit = pointLimit
    self.intervalLimit = intervalLimit
  }

  package var isEmpty: Bool { points.isEmpty && intervals.isEmpty }

  /// Whether it covers more than was read.
  package var isCoarse: Bool { intervals.contains { $0.isCoarse } }

  package var pointCount: Int { points.count }

  /// The intervals, those that became coarse included.
  package var keyIntervals: [KeyInterval] { intervals.map(\.interval) }

  package var intervalCount: Int { intervals.count }

  /// Forgets everything and keeps the memory.
  package mutating func removeAll() {
    points.removeAll(keepingCapacity: true)
    intervals.removeAll(keepingCapacity: true)
    promoted.removeAll(keepingCapacity: true)
    placeCount = 0
  }

  /// A key was read, or found to be absent.
  package mutating func note(_ name: LockName) {
    if points.last == name || covers(name) { return }
    points.append(name)
    if points.count > pointLimit {
      promoteLargestKeyspace()
    } else if placeCount > 0, points.count * 2 <= placeCount {
      place(points.count - 1)
    } else if points.count > Self.smallCount {
      rebuildPlaces()
    }
  }

  /// An interval was read. A cursor that moves on notes the longer interval, which joins the one
  /// that it noted before.
  package mutating func note(_ interval: KeyInterval) {
    if interval.isEmpty { return }
    if !promoted.isEmpty, promoted.contains(interval.keyspace) { return }
    let added = Interval(interval: interval, isCoarse: false)
    for index in intervals.indices.suffix(8).reversed() {
      if let joined = intervals[index].joined(touching: added) {
        intervals[index] = joined
        return
      }
    }
    intervals.append(added)
    if intervals.count > intervalLimit { mergeIntervals(downTo: intervalLimit - intervalLimit / 4) }
  }

  /// Whether a key that was read is covered: as a point, or by its keyspace.
  package func covers(_ name: LockName) -> Bool {
    contains(name) || (!promoted.isEmpty && promoted.contains(name.keyspace))
  }

  /// Whether one of the intervals contains another one.
  package func covers(_ interval: KeyInterval) -> Bool {
    intervals.contains { $0.interval.contains(interval) }
  }

  /// Whether a key is among the points.
  func contains(_ name: LockName) -> Bool {
    guard placeCount > 0 else { return points.contains(name) }
    var place = Int(truncatingIfNeeded: name.mixed >> 16) & (placeCount - 1)
    while places[place] != 0 {
      if points[Int(places[place]) - 1] == name { return true }
      place = (place + 1) & (placeCount - 1)
    }
    return false
  }

  /// The keyspace with most points counts as read entirely from now on: the keys are known by
  /// their fingerprints only, so that no smaller interval spans them.
  private mutating func promoteLargestKeyspace() {
    var counts: [KeyspaceID: Int] = [:]
    for point in points { counts[point.keyspace, default: 0] += 1 }
    guard let keyspace = counts.max(by: { ($0.value, $1.key) < ($1.value, $0.key) })?.key else {
      preconditionFailure("a promotion of nothing")
    }
    promoted.append(keyspace)
    points.removeAll { $0.keyspace == keyspace }
    intervals.removeAll { $0.interval.keyspace == keyspace }
    intervals.append(
      Interval(
        interval: KeyInterval(keyspace: keyspace, lower: [], upper: nil), isCoarse: true))
    rebuildPlaces()
  }

  private mutating func rebuildPlaces() {
    placeCount = 0
    guard points.count > Self.smallCount else { return }
    var size = 64
    while size < points.count * 4 { size *= 2 }
    if places.count < size {
      places = [UInt32](repeating: 0, count: size)
    } else {
      for index in 0..<size { places[index] = 0 }
    }
    placeCount = size
    for index in points.indices { place(index) }
  }

  private mutating func place(_ index: Int) {
    var place = Int(truncatingIfNeeded: points[index].mixed >> 16) & (placeCount - 1)
    while places[place] != 0 { place = (place + 1) & (placeCount - 1) }
    places[place] = UInt32(index + 1)
  }
}
