internal import Martlet
internal import Simulation

/// What one run did and found.
package struct TortureResult: Sendable {
  package let seed: UInt64
  package var violation: TortureViolation?
  package var faults = FaultCounts()
  /// Steps that sessions took.
  package var operationCount = 0
  package var commitCount = 0
  package var lostRelaxedCount = 0
  package var viewCount = 0
  package var counts = TortureCounts()
  package var crashCount = 0
  package var recoveryCount = 0
  /// Calls of the simulated file system.
  package var callCount = 0
  /// The run ended early, because the declared damage was found, as it should be.
  package var endedByDamage = false
  /// Every call of every world in one number: equal seeds give equal numbers.
  package var traceHash: UInt64 = 0
}

/// One run: a chain of lives of one database. Each life is worked in, ends by a crash or a close,
/// and is recovered from, with further cuts inside the recovery; then the oracle settles it.
package struct TortureRun {
  package let plan: TorturePlan
  private var oracle = TortureOracle()
  private var result: TortureResult
  private var image = DiskImage()
  private var numbers: [Int: Int] = [:]
  /// What the wall clock says when the next world begins.
  private var wallClock = Simulator.Configuration().startingWallClock
  /// The disk may hold wrong bytes, by declaration.
  private var isDamaged = false

  /// What the disk claims and does not do: the oracle must find out.
  private let lie: TortureLie?

  private init(_ plan: TorturePlan, _ lie: TortureLie?) {
    self.plan = plan
    self.lie = lie
    result = TortureResult(seed: plan.seed)
  }

  /// Runs a plan to its end, or to the first broken promise.
  package static func run(_ plan: TorturePlan, lie: TortureLie? = nil) -> TortureResult {
    var run = TortureRun(plan, lie)
    do throws(TortureViolation) {
      for number in plan.lives.indices {
        guard try run.live(number) else {
          run.result.endedByDamage = true
          break
        }
      }
    } catch {
      run.result.violation = error
    }
    run.result.commitCount = run.oracle.commitCount
    run.result.lostRelaxedCount = run.oracle.lostRelaxedCount
    run.result.viewCount = run.oracle.viewCount
    return run.result
  }

  // MARK: A life

  /// Lives and settles one life; false when declared damage ended the run.
  private mutating func live(_ number: Int) throws(TortureViolation) -> Bool {
    let life = plan.lives[number]
    isDamaged = isDamaged || life.faults.contains { $0.kind.damagesDisk }
    if let rot = life.faults.first(where: { $0.kind == .pageRots }) {
      if decay(rot.occurrence, seed: life.seed) { result.faults.add(.pageRots) }
    }
    let simulator = world(life)
    let cut = cutPlanned(by: life)
    if let cut { simulator.disk.cutPower(atChange: cut) }
    for fault in life.faults {
      for fault in fault.kind.faults(fault.occurrence) { simulator.disk.inject(fault) }
    }
    if let lie { simulator.disk.inject(lie.fault) }
    let tolerance = TortureTolerance(
      isDiskDamaged: isDamaged,
      areReadsCorrupted: life.faults.contains { $0.kind.corruptsReads })

    var lived: TortureLife?
    var openingError: (any Error)?
    simulator.run { [plan, numbers] effects in
      do {
        let database = try Database(
          at: TortureLife.directory, configuration: plan.configuration, effects: effects)
        let living = TortureLife(
          plan: plan, lifeNumber: number, simulator: simulator, effects: effects,
          database: database, tolerance: tolerance, numbers: numbers)
        lived = living
        living.run()
        if life.ending != .close { simulator.disk.cutPower() }
        do { try database.close() } catch { living.meet(error, "closing") }
      } catch {
        openingError = error
      }
    }
    account(for: simulator, life, lived)
    let latest = lived.map { $0.clock.latest(simulator) } ?? simulator.wallClock
    switch life.restart {
    case .atTheBeginning: wallClock = Simulator.Configuration().startingWallClock
    case .later(let nanoseconds):
      wallClock = UInt64(max(Int64(simulator.wallClock) &+ nanoseconds, 1 << 40))
    }
    if let openingError {
      let verdict = (openingError as? DatabaseError).map {
        tolerance.judge($0, isDisturbed: simulator.disk.isDisturbed)
      }
      if verdict == nil || verdict == .unexplained {
        throw TortureViolation(.openingFailed, "life \(number): \(openingError)")
      }
      if (openingError as? DatabaseError)?.code == .corrupt, isDamaged { return false }
    }
    if let violation = lived?.violation { throw violation }
    numbers = lived?.newestNumbers ?? numbers
    image = ended(simulator.disk, life)
    return try recover(life, lived?.history ?? TortureHistory(), sweptUpTo: latest)
  }

  private func world(_ life: TorturePlan.Life) -> Simulator {
    var configuration = Simulator.Configuration()
    configuration.handOverInterval = life.handOverInterval
    configuration.startingWallClock = wallClock
    if life.faults.contains(where: { $0.kind == .threadStalls }) {
      configuration.stallInterval = 40
      configuration.stallNanoseconds = 3_000_000
    }
    return Simulator(seed: life.seed, disk: image, configuration: configuration)
  }

  private func recoveringWorld(_ seed: UInt64, _ disk: DiskImage) -> Simulator {
    var configuration = Simulator.Configuration()
    configuration.startingWallClock = wallClock
    return Simulator(seed: seed, disk: disk, configuration: configuration)
  }

  private func cutPlanned(by life: TorturePlan.Life) -> Int? {
    switch life.ending {
    case .close: nil
    case .kill(let change), .powerCut(let change, _): change
    }
  }

  /// The disk as the next start finds it.
  private func ended(_ disk: SimulatedDisk, _ life: TorturePlan.Life) -> DiskImage {
    var image =
      switch life.ending {
      case .close, .kill: disk.snapshot.afterProcessCrash()
      case .powerCut(_, let model): disk.afterPowerCut(model, seed: life.seed &+ 1)
      }
    image.capacity = nil
    return image
  }

  /// Counts what the life met.
  private mutating func account(
    for simulator: Simulator, _ life: TorturePlan.Life, _ lived: TortureLife?
  ) {
    let counters = simulator.disk.counters
    for fault in life.faults {
      for kind in fault.kind.counted { result.faults.add(fault.kind, counters.count(of: kind)) }
    }
    if life.faults.contains(where: { $0.kind == .threadStalls }) {
      result.faults.add(.threadStalls, simulator.stallCount)
    }
    result.faults.add(.diskRunsFull, counters.count(of: .full))
    if let lived {
      result.faults.add(lived.faults)
      result.operationCount += lived.operationCount
      result.counts.add(lived.counts)
    }
    switch life.ending {
    case .close: break
    case .kill: result.faults.add(.processIsKilled)
    case .powerCut(_, let model):
      switch model {
      case .keepAll: result.faults.add(.powerCutKeepsAll)
      case .loseAll: result.faults.add(.powerCutLosesAll)
      case .random: result.faults.add(.powerCutTearsWrites)
      }
    }
    if life.ending != .close { result.crashCount += 1 }
    note(simulator)
  }

  private mutating func note(_ simulator: Simulator) {
    result.callCount += simulator.disk.counters.callCount
    result.traceHash = (result.traceHash ^ simulator.traceHash) &* 0x9E37_79B9_7F4A_7C15
  }

  // MARK: Recovery

  /// Recovers, through the cuts of the plan, twice; settles. False when declared damage was found.
  private mutating func recover(
    _ life: TorturePlan.Life, _ history: TortureHistory, sweptUpTo moment: UInt64
  ) throws(TortureViolation) -> Bool {
    var swept = moment
    for (depth, cut) in life.recoveryCuts.enumerated() {
      let simulator = recoveringWorld(life.seed &+ UInt64(depth) &+ 10, image)
      simulator.disk.cutPower(atChange: cut.change)
      if let lie { simulator.disk.inject(lie.fault) }
      var failure: (any Error)?
      simulator.run { [plan] effects in
        do {
          let database = try Database(
            at: TortureLife.directory, configuration: plan.configuration, effects: effects)
          try? database.close()
        } catch {
          failure = error
        }
      }
      note(simulator)
      swept = max(swept, simulator.wallClock)
      if simulator.disk.isPowered {
        if let failure {
          if isDamaged, (failure as? DatabaseError)?.code == .corrupt { return false }
          throw TortureViolation(.openingFailed, "after a crash in recovery: \(failure)")
        }
        // It was through before the cut: close is a fine ending, too.
        image = simulator.disk.snapshot.afterProcessCrash()
        continue
      }
      result.crashCount += 1
      result.faults.add(
        [.powerCutInRecovery, .powerCutInSecondRecovery, .powerCutInThirdRecovery][depth])
      image = simulator.disk.afterPowerCut(cut.model, seed: life.seed &+ UInt64(depth) &+ 20)
    }
    let before = image
    guard let first = try read(before, life.seed &+ 30) else { return false }
    let end = wallClock + first.elapsed
    guard let second = try read(before, life.seed &+ 31) else {
      throw TortureViolation(.recoveriesDiffer, "one of two recoveries found damage")
    }
    // One may have looked later than the other.
    let later = max(first.recovery.moment, second.recovery.moment)
    guard first.recovery.state(at: later) == second.recovery.state(at: later) else {
      throw TortureViolation(
        .recoveriesDiffer, "two recoveries of one disk show different contents")
    }
    image = first.image
    // The next life goes on from here: what has expired by now stays so until its end.
    wallClock = end
    let shown = TortureRecovery(
      first.recovery.state, moment: first.recovery.moment, sweptUpTo: swept)
    try oracle.settle(history, shown)
    return true
  }

  /// Opens a disk in a world of its own, walks the structure and reads everything. Nil when
  /// declared damage was found.
  private mutating func read(
    _ disk: DiskImage, _ seed: UInt64
  ) throws(TortureViolation)
    -> (recovery: TortureRecovery, image: DiskImage, elapsed: UInt64)?
  {
    result.recoveryCount += 1
    let simulator = recoveringWorld(seed, disk)
    if let lie { simulator.disk.inject(lie.fault) }
    let outcome: Result<TortureRecovery, any Error> = simulator.run { [plan, isDamaged] effects in
      do {
        let database = try Database(
          at: TortureLife.directory, configuration: plan.configuration, effects: effects)
        defer { try? database.close() }
        let state = try TortureReading.everything(in: database)
        let report = try database.verify()
        if let finding = report.findings.first, !isDamaged {
          throw TortureViolation(.structureDamaged, "after recovery: \(finding)")
        }
        return .success(state)
      } catch {
        return .failure(error)
      }
    }
    note(simulator)
    switch outcome {
    case .success(let recovery):
      return (
        recovery, simulator.disk.snapshot.afterProcessCrash(), simulator.wallClock - wallClock
      )
    case .failure(let error):
      if let violation = error as? TortureViolation { throw violation }
      if isDamaged, (error as? DatabaseError)?.code == .corrupt { return nil }
      throw TortureViolation(.openingFailed, "after a crash: \(error)")
    }
  }

  /// Lets a bit of the data file decay where it lies; false when there is no file yet.
  private mutating func decay(_ occurrence: Fault.Occurrence, seed: UInt64) -> Bool {
    let path = TortureLife.directory + "/data.martlet"
    guard let bytes = image.contents(of: path), bytes.count > 16384 else { return false }
    var generator = SeededGenerator(seed: seed)
    // Behind the superblocks: those have copies, and their damage has tests of its own.
    let offset = 16384 + generator.below(bytes.count - 16384)
    image.flipBit(of: path, at: UInt64(offset), bit: generator.below(8))
    return true
  }
}
