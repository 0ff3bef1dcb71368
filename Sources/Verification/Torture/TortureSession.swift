internal import Environment
internal import Martlet
internal import Primitives
internal import Simulation

/// One session: takes its steps, one after the other, and writes down what it asked and was told.
struct TortureSession {
  let number: Int
  let life: TortureLife

  func run() {
    for (index, step) in life.life.sessions[number].enumerated() {
      if life.isOver || !life.simulator.disk.isPowered { return }
      life.operationCount += 1
      take(step, index)
    }
  }

  private func take(_ step: TorturePlan.Step, _ index: Int) {
    do {
      switch step {
      case .transaction(let operations, let durability, let commits, let retries):
        transact(operations, durability, commits: commits, retries: retries)
      case .observe(let space, let bounds, let isReverse, let limit, let pause):
        guard let name = name(of: space) else { return }
        try observe(
          .init(name, bounds, isReverse: isReverse, limit: limit), pausing: pause)
      case .createKeyspace(let timeToLive):
        let name = life.passingName(index)
        life.create(name, timeToLive: timeToLive)
        life.passing = name
      case .buildKeyspace(let build):
        let name = life.passingName(index)
        life.build(name, build)
        life.passing = name
      case .dropKeyspace:
        guard let name = life.passing else { return }
        life.passing = nil
        life.drop(name)
      case .checkpoint: try life.database.checkpoint()
      case .backUp: try backUp(index)
      case .compact: try compact()
      case .verify: try verify()
      case .pause(let nanoseconds): pause(nanoseconds)
      case .exceedWriteSet(let space): exceedWriteSet(space)
      case .outlive(let space, let seed): try outlive(space, seed)
      case .fillDisk(let spare, let nanoseconds):
        let disk = life.simulator.disk
        disk.capacity = disk.snapshot.usedByteCount + UInt64(spare)
        pause(nanoseconds)
        disk.capacity = nil
      case .jumpWallClock(let nanoseconds):
        life.jumpWallClock(nanoseconds)
      }
    } catch {
      life.meet(error, "step \(index) of session \(number), \(step)")
    }
  }

  private func name(of space: Int) -> String? {
    space < TortureLife.spaces.count ? TortureLife.spaces[space] : life.passing
  }

  private func pause(_ nanoseconds: UInt64) {
    let waits = life.effects.waits
    _ = waits.park(
      waits.makeTicket(), until: life.effects.time.monotonic() + nanoseconds)
  }

  static func nanoseconds(_ duration: Duration) -> UInt64 {
    let (seconds, attoseconds) = duration.components
    return UInt64(seconds) * 1_000_000_000 + UInt64(attoseconds / 1_000_000_000)
  }

  // MARK: Transactions

  /// A transaction that rolls itself back.
  private struct Rollback: Error {}

  private func transact(
    _ operations: [TorturePlan.Operation], _ durability: Durability?, commits: Bool, retries: Bool
  ) {
    let attempt = life.history.attempts.count
    let number = life.nextNumber(of: self.number)
    life.history.attempts.append(
      .init(session: self.number, number: number, invoked: life.history.nextEvent()))
    let mark = life.clock.mark(life.simulator)
    // Every third is certified as well; not so often that it would end under two-phase locking,
    // which reads no one moment that the oracle could ask for.
    let isCertified = number.isMultiple(of: 3)
    let retry: RetryPolicy =
      retries ? .init(attemptLimit: isCertified ? 3 : 4, timeLimit: .seconds(1)) : .never
    do {
      let committed = try life.database.transact(
        isolation: isCertified ? .serializable : .snapshot,
        using: isCertified ? .serializableSnapshot : nil, durability: durability, retry: retry
      ) { transaction in
        var work = TortureTransaction(
          session: self, snapshot: transaction.snapshotTimestamp)
        defer { work.record(in: attempt, judgedBy: transaction.judgedMoment) }
        for operation in operations { try work.perform(operation, transaction, name, pause) }
        if !work.changes.isEmpty { try work.stand(at: number, transaction) }
        if !commits { throw Rollback() }
      }
      let isDurable = (durability ?? life.plan.configuration.durability) != .relaxed
      life.history.attempts[attempt].outcome =
        committed.timestamp.map { .committed($0, isDurable: isDurable) } ?? .readOnly
    } catch is Rollback {
      life.history.attempts[attempt].outcome = .rolledBack
    } catch {
      // An error of the closure's own comes when the wait for what it had read failed, too.
      if (error as? DatabaseError)?.code != .commitUnknown {
        life.history.attempts[attempt].outcome = .rolledBack
      }
      requireRefusable(life.history.attempts[attempt], error)
      life.meet(error, life.history.attempts[attempt].name)
    }
    life.history.attempts[attempt].returned = life.history.nextEvent()
    life.history.attempts[attempt].latestMoment = life.clock.latest(life.simulator)
    life.note(life.history.attempts[attempt].moment, since: mark)
  }

  /// Who has read nothing and only merges gets in nobody's way, and nobody in its own.
  private func requireRefusable(_ attempt: TortureHistory.Attempt, _ error: any Error) {
    guard let code = (error as? DatabaseError)?.code,
      [.writeConflict, .serializationFailure].contains(code), attempt.onlyMerges
    else { return }
    life.fail(TortureViolation(.mergeRefused, "\(attempt.name), which only merges: \(error)"))
  }

  private func exceedWriteSet(_ space: Int) {
    guard let name = name(of: space) else { return }
    let limit = life.plan.configuration.transactionSizeLimit
    do {
      try life.database.write(retry: .never) { transaction in
        guard let keyspace = try life.database.existingKeyspace(name) else { return }
        let value = [UInt8](repeating: 7, count: 700)
        for key in 0...(limit / 700) {
          try transaction.set(value, for: TortureKey.bytes(key), in: keyspace)
        }
        throw TortureViolation(
          .unexpectedError, "a transaction of more than \(limit) bytes was let through")
      }
    } catch {
      if (error as? DatabaseError)?.code == .transactionTooLarge {
        life.faults.add(.writeSetLimitIsReached)
      }
      life.meet(error, "a transaction above the limit")
    }
  }

  /// A snapshot that holds more older versions than there is memory for must expire, or show what
  /// it showed.
  private func outlive(_ space: Int, _ seed: UInt64) throws {
    guard let name = name(of: space), let keyspace = try life.database.existingKeyspace(name)
    else { return }
    var generator = ScriptGenerator(seed: seed)
    var scans: [TortureHistory.Scan] = []
    // Each key's first older version is pinned, and no more: so there are many keys.
    let keyCount = life.plan.configuration.versionBudget / 700
    func overwrite() {
      for start in stride(from: 0, to: keyCount, by: 20) where !life.isOver {
        let values = (start..<min(start + 20, keyCount)).map { key in
          TorturePlan.Operation.set(
            space: space, key: 1_000 + key,
            value: TortureValue(seed: generator.next(), byteCount: 900), expiry: nil)
        }
        transact(values, .relaxed, commits: true, retries: true)
      }
    }
    overwrite()
    try life.database.read { snapshot in
      var scan = TortureHistory.Scan(name, nil, isReverse: false, limit: .max)
      try TortureReading.fill(&scan, snapshot, keyspace)
      scans.append(scan)
      overwrite()
      try TortureReading.fill(&scan, snapshot, keyspace)
      scans.append(scan)
      // A snapshot alone tells no moments that an acknowledgement does not.
      var observation = TortureHistory.Observation(snapshot: snapshot.timestamp, scans: scans)
      observation.moment = snapshot.judgedMoment
      life.history.observations.append(observation)
    }
  }

  private func verify() throws {
    let report = try life.database.verify()
    if let finding = report.findings.first, !life.tolerance.isCorruptionPossible {
      throw TortureViolation(.structureDamaged, "\(finding)")
    }
  }

  // MARK: Views

  private func observe(_ scan: TortureHistory.Scan, pausing nanoseconds: UInt64) throws {
    guard let keyspace = try life.database.existingKeyspace(scan.keyspace),
      let ledger = try life.database.existingKeyspace(TortureHistory.ledger)
    else { return }
    var scan = scan
    var observation: TortureHistory.Observation?
    let mark = life.clock.mark(life.simulator)
    try life.database.read { snapshot in
      var seen = TortureHistory.Observation(snapshot: snapshot.timestamp)
      seen.moment = snapshot.judgedMoment
      try TortureReading.fill(&scan, snapshot, keyspace)
      seen.scans.append(scan)
      if let row = scan.rows.first {
        // A point read beside the scan: the two go different ways.
        let hash = try TortureReading.agreeing(on: row.key, snapshot, keyspace)
        let expiry = try TortureReading.expiry(
          of: TortureKey.bytes(row.key), snapshot, keyspace)
        seen.sights.append(
          .init(
            keyspace: scan.keyspace, key: row.key, hash: hash,
            expiry: snapshot.judgedMoment == 0 ? nil : expiry))
      }
      pause(nanoseconds)
      for session in 0..<4 {
        let key = TortureKey.bytes(session)
        guard let timestamp = try snapshot.timestamp(of: key, in: ledger) else { continue }
        let number = try snapshot.withBytes(for: key, in: ledger) {
          TortureValue.counter($0) ?? -1
        }
        seen.ledger[session] = (number ?? -1, timestamp)
      }
      if nanoseconds > 100_000 {
        var again = TortureHistory.Scan(
          scan.keyspace, scan.bounds, isReverse: !scan.isReverse, limit: .max)
        try TortureReading.fill(&again, snapshot, keyspace)
        seen.scans.append(again)
      }
      observation = seen
    }
    guard var observation else { return }
    life.note(observation.moment, since: mark)
    observation.isDurable = life.plan.configuration.durability != .relaxed
    life.history.observations.append(observation)
  }
}
