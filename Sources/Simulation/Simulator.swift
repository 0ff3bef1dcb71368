package import Environment

/// A small world for the engine, whose every answer comes from a seed.
///
/// ```swift
/// let simulator = Simulator(seed: 7)
/// try simulator.run { effects in
///   let database = try Database(at: "/db", effects: effects)
///   ...
/// }
/// let survivor = simulator.disk.afterPowerCut(.random, seed: 3)
/// try Simulator(seed: 8, disk: survivor).run { effects in ... }   // recovers
/// ```
///
/// - Invariant D1: the same seed, configuration, disk and body give the same run: the same calls
///   by the same threads in the same order, and so the same `traceHash`.
/// - Invariant D2: what the seed decides is split into streams, one for the order of threads, one
///   for the disk, one for the engine's own chance, one for faults, one for stalls. A fault or a
///   power cut at the nth call therefore meets the very run that it would have been without.
///
/// How an engine must behave here:
/// - It reaches the world through `Effects` only, and holds no mutex across a call (E1): the
///   thread that waits for the mutex would have the baton, and the one that holds it would not.
/// - It ends: when the body of `run` returns or throws, every thread that it started must end by
///   itself, or the simulator traps and says which one sleeps.
/// - After a power cut every file call of every thread throws with `SimulatedDisk.powerCutNumber`;
///   waits, threads and clocks go on. The engine unwinds by its errors, as from a dead disk:
///   threads see their errors and end, waiters are woken. Then `disk.afterPowerCut` tells what a
///   restart finds.
/// - It decides nothing by addresses, by the order of a `Dictionary` or `Set`, or by global state.
package final class Simulator: @unchecked Sendable {
  // SENDABLE: its parts are touched by the holder of the baton, or outside a run by one thread.

  /// What of a simulation can be set.
  package struct Configuration: Sendable {
    /// At a call, the baton goes to another ready thread once in so many times.
    package var handOverInterval = 4
    /// Nanoseconds since 1970 when the run begins.
    package var startingWallClock: UInt64 = 1_700_000_000_000_000_000
    /// Jumps of the wall clock, each once.
    package var wallClockJumps: [WallClockJump] = []
    /// Stretches in which the wall clock stands still, one after the other.
    package var wallClockStops: [WallClockStop] = []
    /// At a handover among several ready threads one of them is kept waiting once in so many
    /// times, as a thread that the system does not schedule; nil: never.
    package var stallInterval: Int?
    /// For how long: others run meanwhile, for some hundreds of calls by default.
    package var stallNanoseconds: UInt64 = 5_000_000
    /// Whether `trace.entries` holds every call; costs memory.
    package var keepsTrace = false

    package init() {}
  }

  package let seed: UInt64
  package let disk: SimulatedDisk
  package let effects: Effects
  private let scheduler: Scheduler
  private let clock: VirtualClock
  private let recorded: RecordedEvents

  /// A world with a disk: an empty one, or what was left of another.
  package init(
    seed: UInt64, disk image: DiskImage = DiskImage(), configuration: Configuration = .init()
  ) {
    var generator = SeededGenerator(seed: seed)
    // The streams of D2, in an order that stays: a new one comes last.
    let (order, diskChance, entropy) = (generator.fork(), generator.fork(), generator.fork())
    let (faultChance, stalls) = (generator.fork(), generator.fork())
    scheduler = Scheduler(
      seed: seed, generator: order, stalls: stalls, configuration: configuration)
    self.seed = seed
    disk = SimulatedDisk(
      image: image, scheduler: scheduler, generator: diskChance, faultChance: faultChance)
    clock = VirtualClock(scheduler: scheduler, configuration: configuration)
    recorded = RecordedEvents(scheduler: scheduler)
    effects = Effects(
      files: disk, time: clock,
      entropy: SimulatedEntropy(scheduler: scheduler, generator: entropy),
      waits: SimulatedWaits(scheduler: scheduler),
      background: SimulatedBackgroundWork(scheduler: scheduler), events: recorded)
  }

  /// Runs a body as the first thread of this world, on the calling thread, until it and all
  /// threads that it started have ended. May be called again, one run after the other; between
  /// runs `effects` works too, without threads.
  package func run<Result, Failure: Error>(
    _ body: (Effects) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    try scheduler.run { () throws(Failure) -> Result in try body(effects) }
  }

  /// The course of the run in one number: see `Trace`.
  package var traceHash: UInt64 { scheduler.trace.hash }

  /// Every call so far; its entries only where the configuration keeps them.
  package var trace: Trace { scheduler.trace }

  /// The wall clock, without a call.
  package var wallClock: UInt64 { UInt64(max(Int64(scheduler.now) + clock.wallOffset, 0)) }

  /// News that the engine reported.
  package var events: [Event] { recorded.events }

  /// The monotonic clock, without a call.
  package var now: UInt64 { scheduler.now }

  /// How many jumps of the wall clock the engine has met: it read the clock after them.
  package var clockJumpCount: Int { clock.jumpCount }

  /// How many stops of the wall clock the engine has met: it read the same time twice.
  package var clockStopCount: Int { clock.stopCount }

  /// How often a thread that was ready was kept waiting while another went on.
  package var stallCount: Int { scheduler.stallCount }

  /// From now on a schedule decides which thread goes on; nil: the seed again.
  package func follow(_ schedule: Schedule?) { scheduler.follow(schedule) }

  /// For each choice since a schedule was followed, how many other threads could have gone on.
  package var choiceWidths: [Int] { scheduler.choiceWidths }

  /// Lets the wall clock jump, forwards or backwards. The monotonic one does not move.
  package func jumpWallClock(byNanoseconds jump: Int64) { clock.wallOffset += jump }
}
