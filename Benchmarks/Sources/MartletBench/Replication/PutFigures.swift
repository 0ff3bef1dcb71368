/// What one round came to.
struct PutFigures: Codable {
  let putsPerSecond: Double
  /// Milliseconds from asking to the answer.
  let meanLatency: Double
  let greatestLatency: Double
}
