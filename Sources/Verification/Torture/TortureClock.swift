internal import Simulation

/// What is known of the clock by which entries expire in a life: the wall clock, never going back.
///
/// Where it goes by the greatest lead over the monotonic clock that the wall clock ever had, only the
/// engine knows which leads it has read. So there are two bounds for each moment that somebody judged by.
struct TortureClock {
  /// When somebody began.
  struct Mark {
    fileprivate let wallClock: UInt64
    fileprivate let jumpCount: Int
    /// Nobody who begins later judges by an earlier moment.
    fileprivate let newest: UInt64
  }

  /// Of the wall clock over the monotonic one.
  private var greatestLead: Int64
  private var jumpCount = 0
  /// The latest moment by which somebody judged who has ended.
  private var newest: UInt64 = 0

  init(_ simulator: Simulator) { greatestLead = Self.lead(simulator) }

  private static func lead(_ simulator: Simulator) -> Int64 {
    Int64(simulator.wallClock) - Int64(simulator.now)
  }

  /// The wall clock was set.
  mutating func jumped(_ simulator: Simulator) {
    greatestLead = max(greatestLead, Self.lead(simulator))
    jumpCount += 1
  }

  /// No moment so far is beyond this one.
  func latest(_ simulator: Simulator) -> UInt64 { UInt64(Int64(simulator.now) + greatestLead) }

  func mark(_ simulator: Simulator) -> Mark {
    Mark(wallClock: simulator.wallClock, jumpCount: jumpCount, newest: newest)
  }

  /// What is wrong with the moment by which somebody judged who began at a mark; zero: by none.
  mutating func note(
    _ moment: UInt64, since mark: Mark, _ simulator: Simulator
  ) -> TortureViolation? {
    if moment == 0 { return nil }
    // Between two jumps the engine may have missed what the clock said before.
    let earliest = mark.jumpCount == jumpCount ? max(mark.wallClock, mark.newest) : mark.newest
    let latest = latest(simulator)
    guard earliest <= moment, moment <= latest else {
      return TortureViolation(
        .wrongMoment, "expiry was judged by \(moment), not between \(earliest) and \(latest)")
    }
    newest = max(newest, moment)
    return nil
  }
}

/// What sessions did that is counted beside their steps.
package struct TortureCounts: Sendable, Equatable {
  /// Merges that transactions asked for.
  package var mergeCount = 0
  /// Writes of what expires.
  package var expiringWriteCount = 0
  /// Entries that had expired and that the sweeper removed.
  package var sweptCount = 0

  package init() {}

  package mutating func add(_ other: TortureCounts) {
    mergeCount += other.mergeCount
    expiringWriteCount += other.expiringWriteCount
    sweptCount += other.sweptCount
  }
}
