/// How long something took, each time: counts by powers of two of a microsecond.
///
/// Small enough to be kept always, and right to a factor of two at every quantile, which tells a
/// millisecond from a second.
///
/// - Invariant LH1: the counts have `bucketCount` elements, and their sum is `count`.
public struct LatencyHistogram: Sendable, Hashable, Codable {
  /// Up to a microsecond, up to two, up to four, … up to 67 seconds, and everything above.
  public static let bucketCount = 28

  /// How often it took up to ``upperBound(ofBucket:)`` and longer than the bound before.
  public private(set) var counts: [UInt64]
  /// All of them together.
  public private(set) var total: Duration

  /// Nothing yet.
  public init() {
    counts = Array(repeating: 0, count: Self.bucketCount)
    total = .zero
  }

  /// How often something was timed.
  public var count: UInt64 { counts.reduce(0, +) }

  /// The mean; zero when nothing was timed.
  public var mean: Duration { count == 0 ? .zero : total / Double(count) }

  /// The longest time that is counted in a bucket; the last bucket has no bound, and says its lower
  /// one.
  public static func upperBound(ofBucket index: Int) -> Duration {
    precondition((0..<bucketCount).contains(index), "a histogram has \(bucketCount) buckets")
    return .microseconds(1 << min(index, bucketCount - 2))
  }

  /// A bound that a share of the times, from 0 to 1, does not exceed; zero when nothing was timed.
  public func quantile(_ share: Double) -> Duration {
    let all = count
    guard all > 0 else { return .zero }
    let wanted = max(1, UInt64((Double(all) * min(max(share, 0), 1)).rounded(.up)))
    var seen: UInt64 = 0
    for (index, count) in counts.enumerated() {
      seen += count
      if seen >= wanted { return Self.upperBound(ofBucket: index) }
    }
    return Self.upperBound(ofBucket: Self.bucketCount - 1)
  }

  /// Counts one time.
  public mutating func record(_ duration: Duration) { record(nanoseconds: duration.nanoseconds) }

  /// What has come since an earlier state of the same histogram.
  func subtracting(_ before: LatencyHistogram) -> LatencyHistogram {
    var result = self
    for index in result.counts.indices {
      result.counts[index] -= min(result.counts[index], before.counts[index])
    }
    result.total -= before.total
    return result
  }

  mutating func record(nanoseconds: UInt64) {
    let (whole, rest) = nanoseconds.quotientAndRemainder(dividingBy: 1000)
    let microseconds = whole + (rest > 0 ? 1 : 0)
    let bucket =
      microseconds <= 1 ? 0 : UInt64.bitWidth - (microseconds - 1).leadingZeroBitCount
    counts[min(bucket, Self.bucketCount - 1)] += 1
    total += .nanoseconds(Int64(clamping: nanoseconds))
  }
}
