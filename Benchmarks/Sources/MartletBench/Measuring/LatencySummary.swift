import Histogram

/// Percentiles of the latency of single operations, in microseconds.
struct LatencySummary: Codable, Sendable {
  let p50: Double
  let p99: Double
  let p999: Double

  /// Nil without samples. Samples are in nanoseconds.
  init?(_ samples: [UInt32]) {
    guard !samples.isEmpty else { return nil }
    var histogram = Histogram<UInt32>(
      highestTrackableValue: UInt64(UInt32.max), numberOfSignificantValueDigits: .three)
    for sample in samples { histogram.record(UInt64(sample)) }
    p50 = Double(histogram.valueAtPercentile(50)) / 1_000
    p99 = Double(histogram.valueAtPercentile(99)) / 1_000
    p999 = Double(histogram.valueAtPercentile(99.9)) / 1_000
  }
}
