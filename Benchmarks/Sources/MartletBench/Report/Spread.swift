/// Median, minimum and maximum of what the rounds gave.
struct Spread: Sendable {
  let median: Double
  let minimum: Double
  let maximum: Double
  let rounds: Int

  init(median: Double, minimum: Double, maximum: Double, rounds: Int) {
    self.median = median
    self.minimum = minimum
    self.maximum = maximum
    self.rounds = rounds
  }

  /// Nil without values.
  init?(_ values: [Double]) {
    let sorted = values.sorted()
    guard let first = sorted.first, let last = sorted.last else { return nil }
    let middle = sorted.count / 2
    median =
      sorted.count.isMultiple(of: 2) ? (sorted[middle - 1] + sorted[middle]) / 2 : sorted[middle]
    minimum = first
    maximum = last
    rounds = sorted.count
  }
}
