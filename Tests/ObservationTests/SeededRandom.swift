import Foundation

/// Random numbers from a seed that is printed first and may be given in MARTLET_SEED (SplitMix64).
struct SeededRandom: RandomNumberGenerator {
  let seed: UInt64
  private var state: UInt64

  init(_ test: String = #function) {
    let given = ProcessInfo.processInfo.environment["MARTLET_SEED"].flatMap(UInt64.init)
    seed = given ?? UInt64.random(in: 0 ... .max)
    print("\(test): MARTLET_SEED=\(seed)")
    state = seed
  }

  init(seed: UInt64) {
    self.seed = seed
    state = seed
  }

  mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var value = state
    value = (value ^ (value >> 30)) &* 0xbf58_476d_1ce4_e5b9
    value = (value ^ (value >> 27)) &* 0x94d0_49bb_1331_11eb
    return value ^ (value >> 31)
  }

  mutating func below(_ limit: Int) -> Int { Int.random(in: 0..<limit, using: &self) }
}
