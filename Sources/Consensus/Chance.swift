/// A generator of random numbers that is a value: the same seed, the same numbers (SplitMix64;
/// Steele, Lea and Flood, OOPSLA 2014).
struct Chance: Hashable, Sendable, RandomNumberGenerator {
  private var state: UInt64

  init(seed: UInt64) { state = seed }

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var mixed = state
    mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
    return mixed ^ (mixed >> 31)
  }

  /// From the shortest up to twice as long: so that two replicas seldom begin together.
  mutating func duration(atLeast shortest: UInt64) -> UInt64 {
    shortest + next() % max(shortest, 1)
  }
}
