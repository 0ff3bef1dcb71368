/// The way from one machine to another, and all that can happen to a frame on it.
package struct NetworkLink: Sendable {
  /// A frame takes this long at least, in nanoseconds, and up to `jitter` longer.
  package var delay: UInt64 = 100_000
  package var jitter: UInt64 = 400_000
  /// Every frame takes so many times as long.
  package var slowness: UInt64 = 1
  /// Frames arrive in the order in which they were sent, unless one is doubled.
  package var keepsOrder = true
  /// One frame in so many takes up to `lateness` longer; it keeps its place all the same where
  /// order is kept.
  package var lateOneIn: Int?
  package var lateness: UInt64 = 1_000_000_000
  package var loseOneIn: Int?
  package var doubleOneIn: Int?
  /// One bit of one frame in so many arrives wrong.
  package var damageOneIn: Int?

  /// Cuts that are in force, by number.
  var cuts: [(number: Int, fault: World.Fault)] = []
  /// When the newest frame arrives.
  var newestArrival: UInt64 = 0

  package init() {}

  /// What becomes of a frame: the copies that arrive, each with its moment. Notes what happened.
  mutating func carry(
    _ frame: [UInt8], at now: UInt64, _ chance: inout SeededGenerator,
    _ counters: inout World.Counters
  ) -> [(arrival: UInt64, frame: [UInt8])] {
    if let cut = cuts.first {
      counters.add(cut.fault)
      return []
    }
    if let loseOneIn, chance.oneIn(loseOneIn) {
      counters.add(.frameLost)
      return []
    }
    var copies = 1
    if let doubleOneIn, chance.oneIn(doubleOneIn) {
      counters.add(.frameDoubled)
      copies = 2
    }
    if slowness > 1 { counters.add(.linkSlow) }
    return (0..<copies).map { _ in
      (arrival(from: now, &chance, &counters), damaged(frame, &chance, &counters))
    }
  }

  private mutating func arrival(
    from now: UInt64, _ chance: inout SeededGenerator, _ counters: inout World.Counters
  ) -> UInt64 {
    var arrival = now + (delay + UInt64(chance.below(Int(jitter) + 1))) * slowness
    if let lateOneIn, chance.oneIn(lateOneIn) {
      counters.add(.frameLate)
      // Late is late, on a slow link as well: a hundred times as late, it would hold back everything
      // behind it for minutes, and be a cut that no healing ends.
      arrival += UInt64(chance.below(Int(lateness) + 1))
    }
    if arrival < newestArrival {
      if keepsOrder { arrival = newestArrival } else { counters.add(.frameOvertakes) }
    }
    newestArrival = max(newestArrival, arrival)
    return arrival
  }

  private func damaged(
    _ frame: [UInt8], _ chance: inout SeededGenerator, _ counters: inout World.Counters
  ) -> [UInt8] {
    guard let damageOneIn, chance.oneIn(damageOneIn), !frame.isEmpty else { return frame }
    counters.add(.frameDamaged)
    var frame = frame
    frame[chance.below(frame.count)] ^= 1 << UInt8(chance.below(8))
    return frame
  }
}
