internal import Simulation

/// How often a workload chooses which key.
public enum KeyDistribution: String, Sendable, Hashable, CaseIterable {
  /// Each key as often as any other.
  case uniform
  /// The n-th key in proportion to 1/n.
  case zipfian
  /// Nine times of ten one of the first tenth.
  case hot
}

/// Draws keys of a distribution.
struct KeyChooser: Sendable {
  private let count: Int
  private let distribution: KeyDistribution
  /// Sums of the shares up to each key, in 2^-32 of the whole.
  private let sums: [UInt64]

  init(count: Int, _ distribution: KeyDistribution) {
    self.count = count
    self.distribution = distribution
    guard distribution == .zipfian else {
      sums = []
      return
    }
    let whole = (1...count).reduce(0) { $0 + 1 / Double($1) }
    var sum = 0.0
    sums = (1...count).map { number in
      sum += 1 / Double(number)
      return UInt64(sum / whole * 4_294_967_296)
    }
  }

  func next(_ generator: inout SeededGenerator) -> Int {
    switch distribution {
    case .uniform: return generator.below(count)
    case .hot:
      let hot = max(1, count / 10)
      return generator.below(10) < 9 ? generator.below(hot) : generator.below(count)
    case .zipfian:
      let place = generator.next() >> 32
      var low = 0
      var high = count - 1
      while low < high {
        let middle = (low + high) / 2
        if sums[middle] <= place { low = middle + 1 } else { high = middle }
      }
      return low
    }
  }
}
