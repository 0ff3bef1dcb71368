internal import Foundation

/// The seed of a random test: from the environment, else new.
package enum Seed {
  /// `MARTLET_SEED`, or one that is drawn: print it first.
  package static func take() -> UInt64 {
    ProcessInfo.processInfo.environment["MARTLET_SEED"].flatMap(UInt64.init)
      ?? UInt64.random(in: 0 ... .max)
  }
}

/// SplitMix64 (Steele, Lea, Flood 2014).
package struct SplitMix: RandomNumberGenerator {
  private var state: UInt64

  /// A stream of numbers from a seed.
  package init(_ seed: UInt64) { state = seed }

  package mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }
}
