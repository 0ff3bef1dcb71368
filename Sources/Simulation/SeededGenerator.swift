/// Chance that repeats: xoshiro256** (Blackman and Vigna 2018), seeded through SplitMix64.
///
/// Ours rather than the standard library's, so that a seed written in a failing test's report
/// means the same run on every platform and in every release.
package struct SeededGenerator: RandomNumberGenerator, Sendable {
  private var state: (UInt64, UInt64, UInt64, UInt64)

  package init(seed: UInt64) {
    var mixer = seed
    func step() -> UInt64 {
      mixer &+= 0x9e37_79b9_7f4a_7c15
      var word = mixer
      word = (word ^ (word >> 30)) &* 0xbf58_476d_1ce4_e5b9
      word = (word ^ (word >> 27)) &* 0x94d0_49bb_1331_11eb
      return word ^ (word >> 31)
    }
    state = (step(), step(), step(), step())
  }

  package mutating func next() -> UInt64 {
    func rotate(_ word: UInt64, _ by: UInt64) -> UInt64 { (word << by) | (word >> (64 - by)) }
    let answer = rotate(state.1 &* 5, 7) &* 9
    let shifted = state.1 << 17
    state.2 ^= state.0
    state.3 ^= state.1
    state.1 ^= state.2
    state.0 ^= state.3
    state.2 ^= shifted
    state.3 = rotate(state.3, 45)
    return answer
  }

  /// A number in `0..<bound`.
  package mutating func below(_ bound: Int) -> Int {
    precondition(bound > 0)
    return Int(truncatingIfNeeded: next().multipliedFullWidth(by: UInt64(bound)).high)
  }

  /// True once in so many times.
  package mutating func oneIn(_ interval: Int) -> Bool { below(interval) == 0 }

  /// True with a chance of so many in 256.
  package mutating func chance(outOf256 share: Int) -> Bool { below(256) < share }

  /// A generator of its own, from the same seed: its draws move nothing here but one step.
  package mutating func fork() -> SeededGenerator { SeededGenerator(seed: next()) }
}
