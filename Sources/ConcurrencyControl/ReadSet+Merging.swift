import Primitives

extension ReadSet.Interval {
  /// The union with another interval that overlaps or touches this one; nil when a gap would be
  /// in it.
  func joined(touching other: Self) -> Self? {
    interval.merged(with: other.interval).map {
      Self(interval: $0, isCoarse: isCoarse || other.isCoarse)
    }
  }

  /// The smallest interval that contains both, of one keyspace, of which the other begins later.
  func spanned(with later: Self) -> Self {
    if let joined = joined(touching: later) { return joined }
    return Self(
      interval: KeyInterval(
        keyspace: interval.keyspace, lower: interval.lower, upper: later.interval.upper),
      isCoarse: true)
  }

  /// How near the next interval of the same keyspace begins, least is nearest: by how many first
  /// bytes the ends of the gap share, then by the bytes behind them.
  func gap(to next: Self) -> (sharedCount: Int, width: UInt64)? {
    guard interval.keyspace == next.interval.keyspace, let end = interval.upper else { return nil }
    let begin = next.interval.lower
    var shared = 0
    while shared < end.count, shared < begin.count, end[shared] == begin[shared] { shared += 1 }
    func number(_ bytes: [UInt8]) -> UInt64 {
      (shared..<shared + 8).reduce(0) { $0 << 8 | UInt64($1 < bytes.count ? bytes[$1] : 0) }
    }
    return (-shared, number(begin) &- number(end))
  }
}

extension ReadSet {
  /// Joins what overlaps, which loses nothing, then the nearest neighbours (rule S12).
  mutating func mergeIntervals(downTo limit: Int) {
    intervals.sort { left, right in
      left.interval.keyspace != right.interval.keyspace
        ? left.interval.keyspace < right.interval.keyspace
        : KeyOrder.precedes(left.interval.lower, right.interval.lower)
    }
    mergeNeighbours { left, right in left.joined(touching: right) }
    guard intervals.count > limit else { return }
    let gaps = zip(intervals, intervals.dropFirst()).compactMap { $0.gap(to: $1) }
    guard !gaps.isEmpty else { return }
    let bound = gaps.sorted(by: <)[Swift.min(intervals.count - limit, gaps.count) - 1]
    mergeNeighbours { left, right in
      guard let gap = left.gap(to: right), gap <= bound else { return nil }
      return left.spanned(with: right)
    }
  }

  /// Joins each interval with the one before, if it can be.
  private mutating func mergeNeighbours(_ join: (Interval, Interval) -> Interval?) {
    var kept = 0
    for index in intervals.indices.dropFirst() {
      if let joined = join(intervals[kept], intervals[index]) {
        intervals[kept] = joined
      } else {
        kept += 1
        intervals[kept] = intervals[index]
      }
    }
    intervals.removeLast(intervals.count - kept - 1)
  }
}
