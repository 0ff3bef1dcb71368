/// The figure of a workload that counts, and which way it is better.
enum Metric: String, Sendable {
  case operationsPerSecond = "ops/s"
  case openSeconds = "open-s"
  case dataBytes = "bytes"
  case memoryBytes = "peak-bytes"

  var isBetterWhenLarger: Bool { self == .operationsPerSecond }

  func value(_ outcome: Outcome) -> Double {
    switch self {
    case .operationsPerSecond: outcome.operationsPerSecond
    case .openSeconds: outcome.seconds
    case .dataBytes: Double(outcome.dataByteCount)
    case .memoryBytes: Double(outcome.peakMemoryByteCount)
    }
  }

  /// How many times better the first figure is.
  func advantage(_ figure: Double, over other: Double) -> Double {
    isBetterWhenLarger ? figure / other : other / figure
  }

  /// The figure for people.
  func text(_ value: Double) -> String {
    switch self {
    case .operationsPerSecond: Figures.count(value)
    case .openSeconds: Figures.duration(seconds: value)
    case .dataBytes, .memoryBytes: Figures.mebibytes(value)
    }
  }

  func text(_ spread: Spread) -> String {
    text(spread.median) + Figures.range(spread, text)
  }
}
