/// What one round came to.
struct PutFigures: Codable {
  let putsPerSecond: Double
  /// Milliseconds from asking to the answer.
  let meanLatency: Double
  let greatestLatency: Double
}

/// The middle of several rounds, with the least and the greatest.
struct Spread: Codable {
  let median: Double
  let least: Double
  let greatest: Double

  init(_ values: [Double]) {
    let sorted = values.sorted()
    median = sorted[sorted.count / 2]
    least = sorted[0]
    greatest = sorted[sorted.count - 1]
  }
}
