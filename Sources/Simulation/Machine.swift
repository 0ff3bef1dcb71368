package import Environment
package import Primitives

/// One machine of a world: a disk that outlives its processes, clocks, threads and a plug in the
/// network.
///
/// A process runs on it from `start` to `stop(_:)`. When a machine stops, at once its disk
/// fails every call, its network carries nothing, and freezes and stalls end; the process unwinds
/// by its errors, as in a `Simulator` after a power cut, and whoever started it calls its closing
/// and then `restOfDisk`.
///
/// - Invariant MA1: what a process does after its machine stopped reaches nobody: neither the disk
///   that the next one finds, nor a peer.
/// - Invariant MA2: a thread that the process started, and whoever visits it, goes on only while
///   the machine does.
package final class Machine: @unchecked Sendable {
  // SENDABLE: touched by the holder of the baton only.

  /// What a process has of its machine.
  package final class Life: @unchecked Sendable {
    // SENDABLE: touched by the holder of the baton only.
    package let effects: Effects
    package let disk: SimulatedDisk
    /// Whether its machine has stopped.
    package fileprivate(set) var isOver = false
    fileprivate var plugs: [SimulatedTransport] = []
    fileprivate let clock: MachineClock
    fileprivate let plug: (NodeID) -> SimulatedTransport

    fileprivate init(
      effects: Effects, disk: SimulatedDisk, clock: MachineClock,
      plug: @escaping (NodeID) -> SimulatedTransport
    ) {
      self.effects = effects
      self.disk = disk
      self.plug = plug
      self.clock = clock
    }

    /// The network, as a node of the process sees it.
    package func transport(as node: NodeID) -> any Transport {
      let transport = plug(node)
      if isOver { transport.unplug() } else { plugs.append(transport) }
      return transport
    }
  }

  /// How a process ends, and what that leaves on the disk.
  package enum Ending: Sendable, Hashable {
    case powerCut(LossModel)
    /// The process is killed; the machine goes on.
    case kill
  }

  /// Which clocks go on while the machine is frozen.
  package enum Freeze: Sendable, Hashable, CaseIterable {
    /// All.
    case process
    /// Only the boot clock and the wall clock.
    case sleep
    /// None: a paused virtual machine that nobody told.
    case pause
  }

  package let number: Int
  /// What the disk holds between two lives.
  package var image = DiskImage()
  package private(set) var life: Life?
  /// Told when it stops, by whoever stops it or by the call that met the power cut.
  package var whenStopped: (() -> Void)?
  private let scheduler: Scheduler
  private let network: SimulatedNetwork
  private let news: WorldNews
  private let startingWallClock: UInt64
  private let group = ThreadGroup()
  private var generator: SeededGenerator
  private var endedBy: Ending?
  private var armed: (ending: Ending, noticed: (() -> Void)?)?
  private var freezeCounts: (freeze: Freeze, countBefore: Int)?
  private var age: UInt64
  /// Of all lives but the present one.
  private var finished = World.Counters()
  /// A call that makes something durable takes at least this, and up to four times as long.
  package var leastSync: UInt64 = 100_000 {
    didSet { life?.disk.pace?.leastSync = leastSync }
  }

  init(
    number: Int, scheduler: Scheduler, network: SimulatedNetwork, news: WorldNews,
    startingWallClock: UInt64, generator: SeededGenerator
  ) {
    self.number = number
    self.scheduler = scheduler
    self.network = network
    self.news = news
    self.startingWallClock = startingWallClock &- scheduler.now
    self.generator = generator
    age = 1_000_000_000
    age += UInt64(self.generator.below(1_000_000)) * 1_000_000
  }

  // MARK: Lives

  /// Begins a process, with what the disk holds.
  /// - Parameter wallError: what the wall clock shows beyond the true time.
  package func start(wallError: Int64 = 0) -> Life {
    precondition(life == nil, "machine \(number) has a process")
    let (chance, faultChance) = (generator.fork(), generator.fork())
    let (entropy, paceChance) = (generator.fork(), generator.fork())
    let disk = SimulatedDisk(
      image: image, scheduler: scheduler, generator: chance, faultChance: faultChance)
    disk.pace = DiskPace(leastSync: leastSync, chance: paceChance)
    let wall = Int64(startingWallClock &+ scheduler.now) + wallError
    let clock = MachineClock(scheduler: scheduler, age: age, wallClock: UInt64(max(wall, 0)))
    let events = RecordedEvents(scheduler: scheduler) { [news, number] event in
      news.observer?(number, event)
    }
    let effects = Effects(
      files: disk, time: clock, entropy: SimulatedEntropy(scheduler: scheduler, generator: entropy),
      waits: SimulatedWaits(scheduler: scheduler, clock: clock),
      background: SimulatedBackgroundWork(scheduler: scheduler, group: group), events: events)
    let life = Life(effects: effects, disk: disk, clock: clock) {
      [network, scheduler, group, number] node in
      SimulatedTransport(
        network: network, scheduler: scheduler, group: group, machine: number, node: node)
    }
    disk.whenCut = { [weak self] in self?.noticePowerCut() }
    self.life = life
    endedBy = nil
    armed = nil
    return life
  }

  /// The machine loses its power or its process, now.
  package func stop(_ ending: Ending) {
    guard let life, !life.isOver else { return }
    life.isOver = true
    endedBy = ending
    life.disk.cutPower()
    for plug in life.plugs { plug.unplug() }
    accountForFreeze()
    life.clock.goOn()
    life.disk.pace?.stalledUntil = 0
    scheduler.release(group)
    switch ending {
    case .powerCut(.keepAll): finished.add(.crashKeepsAll)
    case .powerCut(.loseAll): finished.add(.crashLosesAll)
    case .powerCut(.random): finished.add(.crashTearsWrites)
    case .kill: finished.add(.processKilled)
    }
    whenStopped?()
  }

  /// Stops the machine at the nth change of its disk from now: in the middle of a write, say.
  /// - Parameter noticed: told when that happens.
  package func stop(
    _ ending: Ending, afterChanges count: Int, noticed: (() -> Void)? = nil
  ) {
    guard let life, !life.isOver else { return }
    armed = (ending, noticed)
    life.disk.cutPower(atChange: life.disk.counters.changeCount + max(count, 1))
  }

  /// A stop that was to come at a change of the disk comes no more.
  package func disarm() {
    armed = nil
    life?.disk.cutPower(atChange: .max)
  }

  private func noticePowerCut() {
    guard let (ending, noticed) = armed else { return }
    armed = nil
    noticed?()
    stop(ending)
  }

  /// Ends the life of a process that has unwound, or that was closed in good order. From then on
  /// `image` is what the next one finds.
  package func finish(seed: UInt64) {
    guard let life else { return }
    accountForFreeze()
    account(for: life)
    image =
      switch life.isOver ? endedBy ?? .kill : .kill {
      case .kill: life.disk.snapshot.afterProcessCrash()
      case .powerCut(let model): life.disk.afterPowerCut(model, seed: seed)
      }
    life.isOver = true
    for plug in life.plugs { plug.unplug() }
    // A power cut is followed by a boot: those clocks begin anew.
    if case .powerCut? = endedBy { age = 1_000_000 } else { age = life.clock.bootReading }
    group.slowness = 1
    group.frozenUntil = nil
    self.life = nil
  }

  /// Calls into the process from outside: the calling thread goes on with the machine.
  package func visit<Result, Failure: Error>(
    _ body: () throws(Failure) -> Result
  ) throws(Failure) -> Result {
    let before = scheduler.enter(group)
    defer { _ = scheduler.enter(before) }
    return try body()
  }

  // MARK: Faults

  /// No thread of the machine goes on for a while. To be called from outside.
  package func freeze(_ freeze: Freeze, forNanoseconds nanoseconds: UInt64) {
    guard let life, !life.isOver, !isFrozen else { return }
    accountForFreeze()
    freezeCounts = (freeze, group.heldThreadCount)
    let end = scheduler.now + nanoseconds
    if freeze != .process { life.clock.stop(until: end, stopsBoot: freeze == .pause) }
    scheduler.freeze(group, until: end)
  }

  /// Whether its threads stand still.
  package var isFrozen: Bool { group.frozenUntil.map { $0 > scheduler.now } ?? false }

  /// Ends a freeze before its time.
  package func thaw() {
    guard isFrozen else { return }
    life?.clock.goOn()
    scheduler.release(group)
  }

  /// Every call takes so many times its time.
  package var slowness: UInt64 {
    get { group.slowness }
    set { group.slowness = max(newValue, 1) }
  }

  /// Calls of the disk that begin within the time do not return before its end.
  package func stallDisk(forNanoseconds nanoseconds: UInt64) {
    life?.disk.pace?.stalledUntil = scheduler.now + nanoseconds
  }

  /// Ends a stall, also for calls that are under way.
  package func endStall() {
    life?.disk.pace?.stalledUntil = 0
    if !isFrozen { scheduler.release(group) }
  }

  /// How much faster than true time its clocks run, in parts per million.
  package func setClockRate(_ partsPerMillion: Int64) { life?.clock.setRate(partsPerMillion) }

  package func jumpWallClock(byNanoseconds jump: Int64) {
    life?.clock.jumpWallClock(byNanoseconds: jump)
  }

  // MARK: Looking

  /// The boot clock, without a call.
  package var bootTime: BootTime? {
    life.map { BootTime(nanoseconds: $0.clock.bootReading) }
  }

  /// What really befell this machine so far.
  package var counters: World.Counters {
    var counters = finished
    if let life { counters.add(Self.counters(of: life)) }
    counters.add(.machineSlow, group.slowedCallCount)
    if let (freeze, before) = freezeCounts {
      counters.add(freeze.fault, group.heldThreadCount - before)
    }
    return counters
  }

  private func account(for life: Life) { finished.add(Self.counters(of: life)) }

  private func accountForFreeze() {
    guard let (freeze, before) = freezeCounts else { return }
    finished.add(freeze.fault, group.heldThreadCount - before)
    freezeCounts = nil
  }

  private static func counters(of life: Life) -> World.Counters {
    var counters = World.Counters()
    counters.add(.diskStalls, life.disk.pace?.stalledCallCount ?? 0)
    counters.add(.clockDrifts, life.clock.driftedReadingCount)
    for jump in life.clock.jumpsMet { counters.add(jump) }
    return counters
  }
}

extension Machine.Freeze {
  /// By which name it is counted.
  package var fault: World.Fault {
    switch self {
    case .process: .machineFrozen
    case .sleep: .machineSuspended
    case .pause: .machinePaused
    }
  }
}
