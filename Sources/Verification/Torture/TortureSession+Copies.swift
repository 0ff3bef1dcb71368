internal import Environment
internal import Martlet
internal import Primitives

/// Backups at any moment of a life, held against its oracle like any other view.
extension TortureSession {
  /// Copies the database beside everything else, opens the copy, and writes down all that it shows:
  /// exactly the commits up to the moment that the backup names (O3), and all of them durable (O1).
  func backUp(_ index: Int) throws {
    // Of this life: a crash, or a removal that failed, may have left those of lives before.
    let path = "/backup-\(life.life.seed)-\(number)-\(index)"
    defer { remove(path) }
    let summary = try life.database.backup(to: path, outside: life.effects)
    let observation: TortureHistory.Observation
    do {
      let swept = life.clock.latest(life.simulator)
      observation = try observe(copy: path, at: summary.timestamp, sweptUpTo: swept)
    } catch is DatabaseError where life.tolerance.isDiskDamaged {
      // What the disk did to the copy it may do to it.
      return
    }
    life.history.observations.append(observation)
  }

  private func observe(
    copy path: String, at timestamp: Timestamp, sweptUpTo: UInt64
  ) throws -> TortureHistory.Observation {
    let copy = try Database(
      at: path, configuration: life.plan.configuration, effects: life.effects)
    var seen = TortureHistory.Observation(snapshot: timestamp)
    // The clock of the copy may be behind the one that the sweeper went by.
    seen.sweptUpTo = sweptUpTo
    do {
      try copy.read { snapshot in
        seen.moment = snapshot.judgedMoment
        // Its sweeper may have been there first.
        guard snapshot.timestamp == timestamp || snapshot.timestamp > timestamp && seen.moment != 0
        else {
          throw TortureViolation(
            .structureDamaged, "a backup of the moment \(timestamp) shows \(snapshot.timestamp)")
        }
        for name in TortureLife.spaces {
          guard let keyspace = try copy.existingKeyspace(name) else { continue }
          var scan = TortureHistory.Scan(name, nil, isReverse: false, limit: .max)
          try TortureReading.fill(&scan, snapshot, keyspace)
          seen.scans.append(scan)
        }
        guard let ledger = try copy.existingKeyspace(TortureHistory.ledger) else { return }
        for session in 0..<4 {
          let key = TortureKey.bytes(session)
          guard let moment = try snapshot.timestamp(of: key, in: ledger) else { continue }
          let number = try snapshot.withBytes(for: key, in: ledger) {
            TortureValue.counter($0) ?? -1
          }
          seen.ledger[session] = (number ?? -1, moment)
        }
      }
      if let finding = try copy.verify().findings.first, !life.tolerance.isCorruptionPossible {
        throw TortureViolation(.structureDamaged, "a backup: \(finding)")
      }
    } catch {
      try? copy.close()
      throw error
    }
    try copy.close()
    seen.isDurable = true
    return seen
  }

  private func remove(_ path: String) {
    let files = life.effects.files
    for name in (try? files.list(path)) ?? [] { try? files.remove(path + "/" + name) }
    try? files.remove(path)
  }

  /// Compacts the data file, unless another session is at it.
  func compact() throws {
    do { try life.database.compact() } catch let error as DatabaseError
      where error.code == .invalidArgument
    {}
  }
}
