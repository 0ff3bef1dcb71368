package import Martlet
package import Simulation
internal import RedoLog

/// How far a run may go: what a shrunk run is told by.
package struct TortureLimits: Sendable, Hashable {
  /// Lives at most; each ends with a crash or a close.
  package var lives = 3
  /// Sessions at most that work at the same time.
  package var sessions = 4
  /// Steps of a session in a life at most.
  package var steps = 40
  /// Kinds that are left out.
  package var without: Set<TortureFault> = []

  package init() {}
}

/// Everything that a run will do, drawn from its seed beforehand.
///
/// - Invariant TP1: the parts are drawn from generators of their own. So a limit takes away and
///   changes nothing else: the first steps of a session are the same however many follow.
package struct TorturePlan: Sendable {
  /// One use of a key in a transaction.
  package enum Operation: Sendable {
    case get(space: Int, key: Int)
    /// Nil: it expires as its keyspace says.
    case set(space: Int, key: Int, value: TortureValue, expiry: TortureExpiry?)
    case setLarge(space: Int, key: Int, value: TortureValue, pieceByteCount: Int)
    case remove(space: Int, key: Int)
    case increment(space: Int, key: Int, by: Int)
    case merge(space: Int, key: Int, TortureMerge)
    /// Gives a key that is there another expiry.
    case touch(space: Int, key: Int, TortureExpiry)
    /// Sets every key of a range.
    case fill(space: Int, keys: Range<Int>, seed: UInt64, byteCount: Int)
    /// Removes every key of a range.
    case clear(space: Int, keys: Range<Int>)
    case scan(space: Int, bounds: Range<Int>, isReverse: Bool, limit: Int)
    /// Lets others run in the middle of it.
    case pause(nanoseconds: UInt64)
  }

  /// What a session does next.
  package enum Step: Sendable {
    case transaction([Operation], durability: Durability?, commits: Bool, retries: Bool)
    /// Views everything at one moment, in two parts with a pause between them.
    case observe(space: Int, bounds: Range<Int>, isReverse: Bool, limit: Int, pause: UInt64)
    /// Nil: what is in it lives for good.
    case createKeyspace(timeToLive: UInt64?)
    /// Makes one with everything that is in it, at once.
    case buildKeyspace(TortureBuild)
    case dropKeyspace
    case checkpoint
    /// Copies everything, and holds the copy against what was committed by then.
    case backUp
    case compact
    case verify
    case pause(nanoseconds: UInt64)
    /// Writes more than one transaction may.
    case exceedWriteSet(space: Int)
    /// Holds a snapshot while it overwrites what the snapshot shows, until older versions fill
    /// their budget or enough was written.
    case outlive(space: Int, seed: UInt64)
    /// The disk has so much room and no more, for a while.
    case fillDisk(spareByteCount: Int, nanoseconds: UInt64)
    case jumpWallClock(nanoseconds: Int64)
  }

  /// How a life ends.
  package enum Ending: Sendable, Equatable {
    case close
    case kill(change: Int)
    case powerCut(change: Int, LossModel)
  }

  /// A power cut while the database opens.
  package struct RecoveryCut: Sendable, Equatable {
    package let change: Int
    package let model: LossModel
  }

  package struct Life: Sendable {
    package let seed: UInt64
    package var sessions: [[Step]]
    package var faults: [(kind: TortureFault, occurrence: Fault.Occurrence)]
    package var ending: Ending
    /// Cuts in the recoveries that follow, one inside the other.
    package var recoveryCuts: [RecoveryCut]
    /// How willingly the simulator changes threads.
    package var handOverInterval: Int
    /// What the clock says when it is recovered from.
    package var restart = Restart.atTheBeginning
  }

  package let seed: UInt64
  package let configuration: Configuration
  package let keyCount: Int
  /// Whether anything expires.
  package let expires: Bool
  package let lives: [Life]

  package init(seed: UInt64, limits: TortureLimits = TortureLimits()) {
    self.seed = seed
    var streams = SeededGenerator(seed: seed ^ 0x746f_7274_7572_6521)
    var configurations = streams.fork()
    let featured = TortureFault.allCases[Int(seed % UInt64(TortureFault.allCases.count))]
    var configuration = Self.configuration(&configurations)
    if featured == .versionBudgetRunsOut { configuration.versionBudget = 1 << 16 }
    configuration.fileCaching = seed % 2 == 0 ? .system : .none
    keyCount = [12, 40, 120, 400, 400, 3_000][configurations.below(6)]
    var endings = streams.fork()
    var works = streams.fork()
    var faults = streams.fork()
    let lifeCount = 1 + endings.below(3)
    let featuredLife = endings.below(lifeCount)
    var lives: [Life] = []
    for number in 0..<lifeCount {
      let isFeatured = number == featuredLife
      let life = Life(
        seed: endings.next(),
        sessions: Self.sessions(
          &works, keyCount: keyCount, limits, featuring: isFeatured ? featured : nil),
        faults: Self.faults(&faults, featuring: isFeatured ? featured : nil, limits),
        ending: Self.ending(&endings, featuring: isFeatured ? featured : nil, limits),
        recoveryCuts: Self.recoveryCuts(&endings, featuring: isFeatured ? featured : nil, limits),
        handOverInterval: [1, 2, 4, 4, 16][endings.below(5)])
      lives.append(life)
    }
    var builds = streams.fork()
    for number in lives.indices {
      Self.turnCreationsIntoBuilds(
        &lives[number].sessions, keyCount: keyCount, &builds)
    }
    var copies = streams.fork()
    for number in lives.indices {
      Self.turnCheckpointsIntoCopies(&lives[number].sessions, salt: copies.next())
    }
    var habits = streams.fork()
    configuration.expiryPace = Self.pace(&habits)
    let habit = Habits(&habits)
    for number in lives.indices {
      Self.turnIntoExpiriesAndMerges(
        &lives[number].sessions, keyCount: keyCount, habit, salt: habits.next())
      lives[number].restart = Restart.draw(&habits)
    }
    expires = habit.expiries > 0
    self.configuration = configuration
    self.lives = Array(lives.prefix(limits.lives))
  }
}

extension TorturePlan {
  /// A number up to a bound, small ones more often.
  static func skewed(_ generator: inout SeededGenerator, _ bound: Int) -> Int {
    var magnitude = 1
    while magnitude < bound, !generator.oneIn(6) { magnitude *= 2 }
    return 1 + generator.below(min(magnitude, bound))
  }

  private static func configuration(_ generator: inout SeededGenerator) -> Configuration {
    let pageSize = [4096, 4096, 4096, 8192, 16384, 65536][generator.below(6)]
    var configuration = Configuration(
      pageSize: pageSize,
      cacheSize: pageSize * [64, 64, 96, 256][generator.below(4)],
      durability: [.full, .full, .ordered, .relaxed][generator.below(4)],
      compression: generator.oneIn(3) ? .none : .lz4,
      versionBudget: [1 << 16, 1 << 18, 1 << 20][generator.below(3)],
      transactionSizeLimit: [1 << 16, 1 << 17, 1 << 20][generator.below(3)],
      checkpointLogBytes: [1 << 16, 96 << 10, 1 << 18, 1 << 20][generator.below(4)],
      checkpointInterval: .milliseconds([5, 50, 1000][generator.below(3)]),
      lockTimeout: .milliseconds([0, 1, 50, 1000][generator.below(4)]))
    let segment = [64, 64, 128, 256][generator.below(4)] << 10
    configuration.log = .init(
      firstSegmentByteCount: segment, largestSegmentByteCount: segment << generator.below(2),
      spareByteCount: segment * 4)
    return configuration
  }

  /// How the sweeper goes about its work.
  private static func pace(_ generator: inout SeededGenerator) -> ExpiryPace {
    var pace = ExpiryPace()
    pace.delay = .microseconds([0, 100, 5_000, 1_000_000][generator.below(4)])
    pace.entryLimit = [3, 40, 4096][generator.below(3)]
    pace.keyLimit = [1, 8, 256][generator.below(3)]
    pace.restFactor = [2, 20][generator.below(2)]
    return pace
  }

  private static func ending(
    _ generator: inout SeededGenerator, featuring featured: TortureFault?, _ limits: TortureLimits
  ) -> Ending {
    let model = LossModel.allCases[generator.below(LossModel.allCases.count)]
    let change = generator.oneIn(3) ? skewed(&generator, 2048) : 1 + generator.below(1000)
    let choice = generator.below(20)
    switch featured {
    case .powerCutKeepsAll: return .powerCut(change: change, .keepAll)
    case .powerCutLosesAll: return .powerCut(change: change, .loseAll)
    case .powerCutTearsWrites: return .powerCut(change: change, .random)
    case .processIsKilled: return .kill(change: change)
    // These need a life that comes to something.
    case .truncationFails, .holePunchFails, .versionBudgetRunsOut: return .close
    default: break
    }
    switch choice {
    case 0..<4: return .close
    case 4..<8 where !limits.without.contains(.processIsKilled): return .kill(change: change)
    default: return .powerCut(change: change, model)
    }
  }

  private static func recoveryCuts(
    _ generator: inout SeededGenerator, featuring featured: TortureFault?, _ limits: TortureLimits
  ) -> [RecoveryCut] {
    let cuts = (0..<3).map { _ in
      RecoveryCut(
        change: skewed(&generator, 32), model: LossModel.allCases[generator.below(3)])
    }
    let chosen = generator.below(8)
    var count =
      switch featured {
      case .powerCutInRecovery: 1
      case .powerCutInSecondRecovery: 2
      case .powerCutInThirdRecovery: 3
      default: max(0, chosen - 4)
      }
    let kinds: [TortureFault] = [
      .powerCutInRecovery, .powerCutInSecondRecovery, .powerCutInThirdRecovery,
    ]
    for (depth, kind) in kinds.enumerated() where limits.without.contains(kind) {
      count = min(count, depth)
    }
    return Array(cuts.prefix(count))
  }

  private static func faults(
    _ generator: inout SeededGenerator, featuring featured: TortureFault?, _ limits: TortureLimits
  ) -> [(kind: TortureFault, occurrence: Fault.Occurrence)] {
    var kinds: [TortureFault] = []
    let call = TortureFault.ofCalls[generator.below(TortureFault.ofCalls.count)]
    let bytes = TortureFault.ofBytes[generator.below(TortureFault.ofBytes.count)]
    let hasCall = generator.oneIn(4)
    let hasBytes = generator.oneIn(8)
    let isFeaturedCall = featured.map { TortureFault.ofCalls.contains($0) } ?? false
    let isFeaturedByte = featured.map { TortureFault.ofBytes.contains($0) } ?? false
    if let featured, isFeaturedCall || isFeaturedByte || TortureFault.ofTime.contains(featured) {
      kinds.append(featured)
    }
    // At most one failing call and one lying byte at a time: so counters tell them apart.
    if hasCall, !isFeaturedCall { kinds.append(call) }
    if hasBytes, !isFeaturedByte { kinds.append(bytes) }
    if generator.oneIn(10), !kinds.contains(.callIsDelayed) { kinds.append(.callIsDelayed) }
    if generator.oneIn(10), !kinds.contains(.threadStalls) { kinds.append(.threadStalls) }
    return kinds.map { kind in
      let number = skewed(&generator, kind.rarity)
      let isLasting = generator.oneIn(6) && !kind.corruptsReads
      return (kind, isLasting ? Fault.Occurrence.from(number) : .once(at: number))
    }.filter { !limits.without.contains($0.kind) }
  }
}

extension TortureFault {
  /// How many calls that it can befall a life makes, about.
  fileprivate var rarity: Int {
    switch self {
    case .truncationFails, .holePunchFails: 2
    case .openingFails, .renamingFails, .removalFails, .allocationFails, .listingFails, .sizeFails,
      .lockingFails, .directorySyncFails, .readFails, .readFlipsBit, .readReturnsStaleSector,
      .readReturnsMisdirectedSector:
      6
    default: 256
    }
  }
}
