package import Environment

/// Several machines in one simulation: one baton, one true time, and a network between them.
///
/// ```swift
/// let world = World(seed: 7, machineCount: 3)
/// world.run { outside in
///   let life = world.machines[0].start()
///   let server = try Server(effects: life.effects, transport: life.transport(as: node))
///   ...
///   world.machines[0].stop(.powerCut(.random))
///   server.close()
///   world.machines[0].finish(seed: 1)
/// }
/// ```
///
/// Each machine has effects of its own: a disk, clocks that differ from the true time, chance,
/// threads. The thread that runs the body, and those it starts by `outside`, belong to no machine:
/// they see the true time and are never frozen.
///
/// - Invariant WO1: what holds for a `Simulator` (D1, D2) holds for a world: the same seed,
///   machines and body give the same `traceHash`; each machine and the network have streams of
///   their own.
/// - Invariant WO2: calls that take time take it while others go on, so that machines work side by
///   side in virtual time, although one thread at a time executes.
package final class World: @unchecked Sendable {
  // SENDABLE: its parts are touched by the holder of the baton, or outside a run by one thread.
  package let seed: UInt64
  package let machines: [Machine]
  package let network: SimulatedNetwork
  /// The effects of who belongs to no machine.
  package let outside: Effects
  private let scheduler: Scheduler
  private let news = WorldNews()

  package init(
    seed: UInt64, machineCount: Int, configuration: Simulator.Configuration = .init()
  ) {
    var generator = SeededGenerator(seed: seed)
    // The streams, in an order that stays: a new one comes last.
    let (order, stalls, networkChance) = (generator.fork(), generator.fork(), generator.fork())
    let (diskChance, faultChance, entropy) = (generator.fork(), generator.fork(), generator.fork())
    var machineChances = generator.fork()
    let scheduler = Scheduler(
      seed: seed, generator: order, stalls: stalls, configuration: configuration)
    let network = SimulatedNetwork(scheduler: scheduler, chance: networkChance)
    self.seed = seed
    self.scheduler = scheduler
    self.network = network
    outside = Effects(
      files: SimulatedDisk(
        image: DiskImage(), scheduler: scheduler, generator: diskChance, faultChance: faultChance),
      time: VirtualClock(scheduler: scheduler, configuration: configuration),
      entropy: SimulatedEntropy(scheduler: scheduler, generator: entropy),
      waits: SimulatedWaits(scheduler: scheduler),
      background: SimulatedBackgroundWork(scheduler: scheduler),
      events: RecordedEvents(scheduler: scheduler))
    machines = (0..<machineCount).map { [news] number in
      network.addMachine()
      return Machine(
        number: number, scheduler: scheduler, network: network, news: news,
        startingWallClock: configuration.startingWallClock, generator: machineChances.fork())
    }
  }

  /// Runs a body as the first thread of this world, on the calling thread, until it and all
  /// threads that it started have ended.
  package func run<Result, Failure: Error>(
    _ body: (_ outside: Effects) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    try scheduler.run { () throws(Failure) -> Result in try body(outside) }
  }

  /// Waits for so long in true time, while others go on.
  package func sleep(forNanoseconds nanoseconds: UInt64) { scheduler.pass(nanoseconds) }

  /// The true time, without a call.
  package var now: UInt64 { scheduler.now }

  /// The course of the run in one number: see `Trace`.
  package var traceHash: UInt64 { scheduler.trace.hash }

  /// Every call so far; its entries only where the configuration keeps them.
  package var trace: Trace { scheduler.trace }

  /// How often the baton went to another thread.
  package var handOverCount: Int { scheduler.handOverCount }

  /// How often a thread that was ready was kept waiting while another went on.
  package var stallCount: Int { scheduler.stallCount }

  /// From now on every thread that is ready gets its turn.
  package func endStalls() { scheduler.stallInterval = nil }

  /// What really befell machines and frames so far.
  package var counters: Counters {
    var counters = network.counters
    for machine in machines { counters.add(machine.counters) }
    return counters
  }

  /// Hears the news of all processes, as they come.
  package var observer: ((_ machine: Int, _ event: Event) -> Void)? {
    get { news.observer }
    set { news.observer = newValue }
  }
}

/// Where the news of a world's processes go.
final class WorldNews: @unchecked Sendable {
  // SENDABLE: touched by the holder of the baton, or outside a run by one thread.
  var observer: ((_ machine: Int, _ event: Event) -> Void)?
}
