package import Consensus
package import Simulation

/// Everything that is done to a group of replicas in one run, drawn from its seed beforehand.
///
/// Each seed is a swarm of its own: it enables some kinds of faults and not others, with rates of
/// its own, and sets the group up in its own way. Faults that are always all there hide each other:
/// where every link is cut, no replica ever falls far enough behind to need an image.
///
/// - Invariant CP1: every kind of fault has a generator of its own. So a limit takes away and
///   changes nothing else.
/// - Invariant CP2: what takes promises away, damage of a disk and its loss, befalls the machines in
///   `weak` only, and they are no more than a group of so many voters tolerates: f of 2f + 1. The
///   other f + 1 keep everything that they ever acknowledged; so every quorum that chose something
///   has one of them, and they are a quorum themselves. A group keeps 2f + 1 voters throughout.
/// - Invariant CP3: where clocks may break the bound that leases rest on, there are no leases.
package struct ClusterPlan: Sendable {
  package struct Moment: Sendable {
    /// Since the beginning of the phase of safety.
    package let nanoseconds: UInt64
    package let fault: ClusterFault
    package let step: ClusterStep
  }

  package let seed: UInt64
  /// The voters of the group, at first the machines 0 up to this.
  package let nodeCount: Int
  /// Machines that may take the place of one.
  package let spareCount: Int
  package let faults: Set<ClusterFault>
  package let settings: Settings
  package let setup: Setup
  package let link: NetworkLink
  /// Machines whose disks may be damaged or lost, and that may stay away for ever.
  package let weak: [Int]
  /// By time.
  package let moments: [Moment]
  package let safetySeconds: Int
  package let lie: ClusterLie?

  /// How nodes and clients are set up.
  package struct Setup: Sendable {
    package var checkpointLogByteCount: UInt64 = 1 << 20
    package var logSegmentByteCount = 64 << 10
    package var clientCount = 3
    package var keyCount = 3
    package var valueByteCount = 16
    /// Between two operations of a client, on average; nanoseconds.
    package var pause: UInt64 = 300_000_000
    /// Clients work in the same moments and rest in between: so most operations are concurrent with
    /// others, although there are not many.
    package var areClientsInStep = true
    package var leastSync: UInt64 = 100_000
    /// How willingly the simulator changes threads at a call.
    package var handOverInterval = 8
    /// At a change of threads one of those that could go on is kept waiting, once in so many times.
    package var stallOneIn: Int?
    package var stallNanoseconds: UInt64 = 0
    /// A client hears one answer in so many not.
    package var answerLostOneIn: Int?
    package var leaderMissedOneIn: Int?
    /// Rates of the machines' clocks at the start, parts in a million.
    package var clockRates: [Int64] = []
  }

  /// The phase of liveness: within so much true time after all but a minority is healed, clients
  /// must be answered again.
  package static let progressSeconds = 30
  /// Then clients work undisturbed for a while.
  package static let calmSeconds = 4
  /// A run in which clients got fewer answers fails. Fewer will do of fewer clients than the seed says.
  package let leastAnswerCount: Int

  package init(seed: UInt64, limits: ClusterLimits = ClusterLimits()) {
    self.seed = seed
    lie = limits.lie
    var streams = SeededGenerator(seed: seed ^ 0x636c_7573_7465_7221)
    var setups = streams.fork()
    var swarm = streams.fork()
    var phases = streams.fork()
    let drawnCount = setups.oneIn(3) ? 5 : 3
    let nodeCount = limits.nodes ?? drawnCount
    self.nodeCount = nodeCount
    spareCount = nodeCount == 3 ? 2 : 1
    let machineCount = nodeCount + spareCount

    // Each kind has a generator of its own, whether it is enabled or not.
    let featured = ClusterFault.allCases[Int(seed % UInt64(ClusterFault.allCases.count))]
    let share = [12, 32, 64, 110][swarm.below(4)]
    var drawn: Set<ClusterFault> = [featured]
    var chances: [ClusterFault: SeededGenerator] = [:]
    for fault in ClusterFault.allCases {
      chances[fault] = swarm.fork()
      if swarm.chance(outOf256: share) { drawn.insert(fault) }
    }
    let faults = limits.only ?? drawn
    self.faults = faults

    let drawnSeconds = [30, 40, 60, 90][phases.below(4)]
    safetySeconds = min(drawnSeconds, limits.seconds)
    var machines = Array(0..<machineCount)
    machines.shuffle(using: &phases)
    // The spare ones count as well: each may become a voter.
    weak = machines.prefix(nodeCount / 2).sorted()

    settings = Self.settings(
      &setups, allowsLease: !drawn.union(faults).contains { $0.breaksClocks })
    var setup = Self.setup(&setups)
    let clientCount = min(setup.clientCount, limits.clients)
    leastAnswerCount = max(20 * clientCount / setup.clientCount, 5)
    setup.clientCount = clientCount
    var link = NetworkLink()
    link.delay = [20_000, 100_000, 1_000_000, 10_000_000][setups.below(4)]
    link.jitter = link.delay * UInt64(1 + setups.below(5))
    let timing = ClusterTiming(
      machineCount: machineCount, weak: weak, kindCount: drawn.union(faults).count,
      duration: UInt64(drawnSeconds) * 1_000_000_000)
    var moments: [Moment] = []
    for fault in ClusterFault.allCases where faults.contains(fault) {
      var chance = chances[fault] ?? SeededGenerator(seed: seed)
      Self.set(fault, &setup, &link, machineCount: machineCount, &chance)
      moments += timing.moments(of: fault, &chance)
    }
    if limits.lie == .clocks { moments += timing.pauses() }
    let end = UInt64(safetySeconds) * 1_000_000_000
    // A stable order: by time, then in the order of the kinds.
    self.moments = moments.enumerated().filter { $0.element.nanoseconds < end }
      .sorted { ($0.element.nanoseconds, $0.offset) < ($1.element.nanoseconds, $1.offset) }
      .map(\.element)
    self.setup = setup
    self.link = link
  }

  private static func settings(
    _ chance: inout SeededGenerator, allowsLease: Bool
  ) -> Settings {
    var settings = Settings()
    let wantsLease = !chance.oneIn(3)
    settings.usesLease = wantsLease && allowsLease
    settings.windowSlotCount = [1, 4, 16, 64, 256][chance.below(5)]
    settings.windowByteCount = [4 << 10, 64 << 10, 8 << 20][chance.below(3)]
    settings.messageByteCount = [1 << 10, 16 << 10, 1 << 20][chance.below(3)]
    settings.caughtUpSlotCount = [8, 64][chance.below(2)]
    settings.retainedByteCount = [2 << 10, 16 << 10, 256 << 10, 64 << 20][chance.below(4)]
    return settings
  }

  private static func setup(_ chance: inout SeededGenerator) -> Setup {
    var setup = Setup()
    setup.checkpointLogByteCount = [128 << 10, 256 << 10, 512 << 10, 1 << 20][chance.below(4)]
    setup.logSegmentByteCount = [64 << 10, 128 << 10][chance.below(2)]
    setup.clientCount = 2 + chance.below(4)
    setup.keyCount = [1, 2, 4, 12][chance.below(4)]
    setup.valueByteCount = [8, 16, 64, 512][chance.below(4)]
    // So many operations a second, of all clients together.
    setup.pause = UInt64(setup.clientCount) * 1_000_000_000 / [4, 8, 12][chance.below(3)]
    setup.areClientsInStep = !chance.oneIn(3)
    setup.leastSync = [50_000, 100_000, 1_000_000, 5_000_000][chance.below(4)]
    setup.handOverInterval = [2, 4, 16, 64][chance.below(4)]
    return setup
  }

  /// What a kind changes from the beginning on.
  private static func set(
    _ fault: ClusterFault, _ setup: inout Setup, _ link: inout NetworkLink, machineCount: Int,
    _ chance: inout SeededGenerator
  ) {
    let rare = [10, 30, 100, 300][chance.below(4)]
    switch fault {
    case .frameLost: link.loseOneIn = rare
    case .frameLate:
      link.lateOneIn = rare
      link.lateness = [10_000_000, 300_000_000, 3_000_000_000][chance.below(3)]
    case .frameOvertakes: link.keepsOrder = false
    case .frameDoubled: link.doubleOneIn = rare
    case .frameDamaged: link.damageOneIn = rare
    case .threadStalls:
      // The longer, the rarer.
      let choice = chance.below(3)
      setup.stallOneIn = [20, 100, 1_000][choice]
      setup.stallNanoseconds = [10_000_000, 300_000_000, 8_000_000_000][choice]
    case .answerLost: setup.answerLostOneIn = 2 + chance.below(20)
    case .leaderMissed: setup.leaderMissedOneIn = 2 + chance.below(20)
    case .clockDrifts:
      // Within the bound that `Settings.clockRateBound` promises.
      setup.clockRates = (0..<machineCount).map { _ in Int64(chance.below(19_800)) - 9_900 }
    default: break
    }
  }
}
