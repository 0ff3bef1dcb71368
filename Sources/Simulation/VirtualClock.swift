internal import Environment

extension Simulator {
  /// When the wall clock does something, counted from the beginning of the simulation.
  package enum ClockMoment: Sendable, Hashable {
    case afterNanoseconds(UInt64)
    /// After so many calls into all seams.
    case afterCalls(Int)
  }

  /// The wall clock is set, forwards or backwards.
  package struct WallClockJump: Sendable, Hashable {
    package let moment: ClockMoment
    package let nanoseconds: Int64

    package init(_ moment: ClockMoment, byNanoseconds nanoseconds: Int64) {
      (self.moment, self.nanoseconds) = (moment, nanoseconds)
    }
  }

  /// The wall clock stands still, from its first reading after a moment, for so long by the
  /// monotonic one; then it goes on from where it stood.
  package struct WallClockStop: Sendable, Hashable {
    package let moment: ClockMoment
    package let nanoseconds: UInt64

    package init(_ moment: ClockMoment, forNanoseconds nanoseconds: UInt64) {
      (self.moment, self.nanoseconds) = (moment, nanoseconds)
    }
  }
}

/// Clocks that only calls and waits move.
final class VirtualClock: TimeSource, @unchecked Sendable {
  // SENDABLE: touched by the holder of the baton only.
  private let scheduler: Scheduler
  private let start: UInt64
  /// Wall clock minus monotonic clock: what a jump of the wall clock changes.
  var wallOffset: Int64
  private var jumps: [Simulator.WallClockJump]
  private var stops: [Simulator.WallClockStop]
  private var stop: (since: UInt64, until: UInt64, wasSeen: Bool)?
  private(set) var jumpCount = 0
  private(set) var stopCount = 0

  init(scheduler: Scheduler, configuration: Simulator.Configuration) {
    self.scheduler = scheduler
    start = scheduler.now
    wallOffset = Int64(configuration.startingWallClock) - Int64(scheduler.now)
    jumps = configuration.wallClockJumps
    stops = configuration.wallClockStops
  }

  func wallClock() -> UInt64 {
    let now = monotonic()
    jump(now)
    return UInt64(max(Int64(standing(now)) + wallOffset, 0))
  }

  func monotonic() -> UInt64 {
    scheduler.enter(.clock, cost: 50)
    return scheduler.now
  }

  /// As the baton's holder knows it: not a call that takes time.
  func coarse() -> UInt64 { scheduler.now }

  private func jump(_ now: UInt64) {
    for jump in jumps where isPast(jump.moment, now) {
      wallOffset += jump.nanoseconds
      jumpCount += 1
    }
    jumps.removeAll { isPast($0.moment, now) }
  }

  /// The monotonic clock as the wall clock follows it: where that stands, the moment of the stop.
  private func standing(_ now: UInt64) -> UInt64 {
    if let stop, now >= stop.until {
      wallOffset -= Int64(stop.until - stop.since)
      self.stop = nil
    }
    if stop == nil, let next = stops.firstIndex(where: { isPast($0.moment, now) }) {
      stop = (now, now + stops.remove(at: next).nanoseconds, false)
      return now
    }
    guard let stop else { return now }
    if !stop.wasSeen {
      stopCount += 1
      self.stop?.wasSeen = true
    }
    return stop.since
  }

  private func isPast(_ moment: Simulator.ClockMoment, _ now: UInt64) -> Bool {
    switch moment {
    case .afterNanoseconds(let nanoseconds): now >= start + nanoseconds
    case .afterCalls(let count): scheduler.trace.callCount > count
    }
  }
}
