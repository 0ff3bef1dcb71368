internal import Foundation

/// The seed of a random test: that of the environment, `MARTLET_SEED`, or one of the test's choice.
///
/// `MARTLET_DRAWN_SEED` stands in for chance: tests that would draw a seed take that one, all others go
/// on as they are. By it a whole run can be repeated.
package enum Seed {
  /// From the environment, else new: print it first.
  package static func take() -> UInt64 { given ?? drawn ?? UInt64.random(in: 0 ... .max) }

  /// The same, printed with the name of the test. A new one is short, so that it is easily typed.
  package static func take(for name: String) -> UInt64 {
    let seed = given ?? drawn ?? UInt64.random(in: 0..<1_000_000_000)
    print("\(name): MARTLET_SEED=\(seed)")
    return seed
  }

  /// From the environment, else always the same: of tests whose counts hold for one seed, or that are too
  /// long to look elsewhere each time.
  package static var fixed: UInt64 { given ?? 1 }

  /// The one seed of the environment, else so many from 1 on, or as many as `MARTLET_SEEDS` says.
  package static func range(count: UInt64) -> Range<UInt64> {
    if let given { return given..<given + 1 }
    return 1..<1 + (number("MARTLET_SEEDS") ?? count)
  }

  private static var given: UInt64? { number("MARTLET_SEED") }
  private static var drawn: UInt64? { number("MARTLET_DRAWN_SEED") }

  private static func number(_ variable: String) -> UInt64? {
    ProcessInfo.processInfo.environment[variable].flatMap(UInt64.init)
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
