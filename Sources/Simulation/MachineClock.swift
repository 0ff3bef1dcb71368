internal import Environment

/// The clocks of one machine: each runs at the machine's rate from a beginning of its own, and may
/// stand still while the machine does.
///
/// - Invariant MC1: the steady clock and the boot clock never go back. Only the wall clock is set.
/// - Invariant MC2: a parked thread times out when the machine's own steady clock has reached its
///   deadline, however far that is in true time.
final class MachineClock: TimeSource, @unchecked Sendable {
  // SENDABLE: touched by the holder of the baton only.

  /// One clock: at `origin` it shows `base`, and before as well.
  private struct Line {
    var origin: UInt64
    var base: UInt64

    func reading(at now: UInt64, rate: Int64) -> UInt64 {
      guard now > origin else { return base }
      let passed = Int64(now - origin)
      // Split, so that nothing overflows.
      let gained =
        passed / MachineClock.million * rate
        + passed % MachineClock.million * rate / MachineClock.million
      return base + UInt64(passed + gained)
    }

    mutating func rebase(at now: UInt64, rate: Int64) {
      base = reading(at: now, rate: rate)
      origin = max(now, origin)
    }

    mutating func stop(from now: UInt64, until end: UInt64, rate: Int64) {
      rebase(at: now, rate: rate)
      origin = max(end, origin)
    }
  }

  fileprivate static let million: Int64 = 1_000_000

  private let scheduler: Scheduler
  private var steady: Line
  private var boot: Line
  /// How much faster than true time: parts in a million.
  private(set) var rate: Int64 = 0
  /// Wall clock minus boot clock.
  private var wallOffset: Int64
  /// Readings at a rate that is not the true one.
  private(set) var driftedReadingCount = 0
  /// Jumps of the wall clock that were met: somebody read it afterwards.
  private(set) var jumpsMet: [World.Fault] = []
  private var pendingJumps: [World.Fault] = []

  /// - Parameter age: what the boot clock shows at first; the steady clock shows half of it, as
  ///   after a sleep.
  init(scheduler: Scheduler, age: UInt64, wallClock: UInt64) {
    self.scheduler = scheduler
    steady = Line(origin: scheduler.now, base: age / 2)
    boot = Line(origin: scheduler.now, base: age)
    wallOffset = Int64(wallClock) - Int64(age)
  }

  // MARK: Readings

  func wallClock() -> UInt64 {
    enter()
    jumpsMet += pendingJumps
    pendingJumps = []
    return UInt64(max(Int64(boot.reading(at: scheduler.now, rate: rate)) + wallOffset, 0))
  }

  func monotonic() -> UInt64 { passedOn(steady.reading(at: scheduler.now, rate: rate)) }

  func coarse() -> UInt64 { steady.reading(at: scheduler.now, rate: rate) }

  func continuous() -> UInt64 { passedOn(bootReading) }

  /// What was read is old already when the caller has it: others may have gone on meanwhile, or the
  /// machine may have stood still.
  private func passedOn(_ reading: UInt64) -> UInt64 {
    enter()
    return reading
  }

  /// The boot clock, without a call.
  var bootReading: UInt64 { boot.reading(at: scheduler.now, rate: rate) }

  /// The wall clock, without a call.
  var wallReading: UInt64 { UInt64(max(Int64(bootReading) + wallOffset, 0)) }

  private func enter() {
    scheduler.enter(.clock, cost: 50)
    if rate != 0 { driftedReadingCount += 1 }
  }

  /// The true time at which the steady clock will show a reading.
  func moment(ofSteady reading: UInt64) -> UInt64 {
    guard reading > steady.base else { return min(steady.origin, scheduler.now) }
    let ahead = reading - steady.base
    let (million, speed) = (UInt64(Self.million), UInt64(Self.million + rate))
    let (whole, rest) = ahead.quotientAndRemainder(dividingBy: speed)
    let (product, overflow) = whole.multipliedReportingOverflow(by: million)
    if overflow { return .max }
    // Rounding may make it a nanosecond early: MC2 wants the first at which it shows the reading.
    var moment = steady.origin.addingReportingOverflow(product + rest * million / speed)
    if moment.overflow { return .max }
    while steady.reading(at: moment.partialValue, rate: rate) < reading {
      moment.partialValue += 1
    }
    return moment.partialValue
  }

  // MARK: Faults

  func setRate(_ partsPerMillion: Int64) {
    precondition(abs(partsPerMillion) < Self.million / 2, "no clock is as wrong as that")
    steady.rebase(at: scheduler.now, rate: rate)
    boot.rebase(at: scheduler.now, rate: rate)
    rate = partsPerMillion
  }

  func jumpWallClock(byNanoseconds jump: Int64) {
    wallOffset += jump
    pendingJumps.append(jump < 0 ? .wallClockJumpsBack : .wallClockJumpsForward)
  }

  /// The clocks stand still until the end of a freeze.
  func stop(until end: UInt64, stopsBoot: Bool) {
    steady.stop(from: scheduler.now, until: end, rate: rate)
    if stopsBoot { boot.stop(from: scheduler.now, until: end, rate: rate) }
  }

  /// A freeze ended before its time.
  func goOn() {
    steady.origin = min(steady.origin, scheduler.now)
    boot.origin = min(boot.origin, scheduler.now)
  }
}
