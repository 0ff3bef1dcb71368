#if canImport(Darwin)
  import Darwin
#else
  import Glibc
#endif

/// Ranks below a bound of which few are drawn often: rank `r` with a share of `1 / (r + 1)^0.99`.
///
/// Gray, Sundaresan, Englert, Baclawski, Weinberger: Quickly Generating Billion-Record Synthetic
/// Databases, SIGMOD 1994; the exponent is that of YCSB (Cooper et al., SoCC 2010).
struct ZipfianDistribution: Sendable {
  static let exponent = 0.99

  private let bound: Double
  private let alpha: Double
  private let zeta: Double
  private let eta: Double

  /// - Complexity: O(bound), for the sum of all shares.
  init(bound: Int) {
    precondition(bound > 1, "ranks are drawn from at least two")
    self.bound = Double(bound)
    zeta = (1...bound).reduce(0) { $0 + 1 / pow(Double($1), Self.exponent) }
    alpha = 1 / (1 - Self.exponent)
    let firstTwo = 1 + pow(0.5, Self.exponent)
    eta = (1 - pow(2 / self.bound, 1 - Self.exponent)) / (1 - firstTwo / zeta)
  }

  func rank(using generator: inout SeededGenerator) -> Int {
    let uniform = Double.random(in: 0..<1, using: &generator)
    let share = uniform * zeta
    if share < 1 { return 0 }
    if share < 1 + pow(0.5, Self.exponent) { return 1 }
    return min(Int(bound * pow(eta * uniform - eta + 1, alpha)), Int(bound) - 1)
  }
}
