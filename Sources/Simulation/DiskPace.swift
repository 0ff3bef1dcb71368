/// How long the calls of one machine's disk take, while others go on.
struct DiskPace {
  /// What a call costs its thread in any case, at most: the rest is waiting.
  static let longestCost: UInt64 = 10_000

  /// A call that makes something durable takes at least this, and up to four times as long.
  var leastSync: UInt64
  /// Every call that begins before this moment ends after it.
  var stalledUntil: UInt64 = 0
  /// How many calls a stall has kept waiting.
  private(set) var stalledCallCount = 0
  private var chance: SeededGenerator

  init(leastSync: UInt64, chance: SeededGenerator) {
    self.leastSync = leastSync
    self.chance = chance
  }

  /// How long a call that begins now waits.
  mutating func wait(at now: UInt64, isDurable: Bool) -> UInt64 {
    var wait: UInt64 = 0
    if isDurable, leastSync > 0 { wait = leastSync + UInt64(chance.below(Int(leastSync) * 3)) }
    if now < stalledUntil {
      stalledCallCount += 1
      wait += stalledUntil - now
    }
    return wait
  }
}
