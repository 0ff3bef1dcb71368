package import Environment
package import Martlet
package import Simulation

/// Runs a script in a world where things go wrong, and goes on as long as the database does: every
/// refusal is noted, and at the end, when all is well again, work must resume.
package final class StubbornSession {
  /// What came of a run.
  package struct Outcome: Sendable {
    /// Everything that was thrown, by opening, by steps and by closing.
    package var errors: [DatabaseError] = []
    /// The database was opened within the trouble.
    package var wasOpened = false
    /// A keyspace and a commit succeeded in the same open database after the trouble.
    package var resumed = false
    package var isFinal: Bool { errors.contains { Self.isFinal($0) } }

    static func isFinal(_ error: DatabaseError) -> Bool {
      error.code == .commitUnknown || error.code == .poisoned
    }
  }

  package let session: CrashSession
  package private(set) var outcome = Outcome()

  package init(script: CrashScript, configuration: Configuration) {
    session = CrashSession(script: script, configuration: configuration)
  }

  package var journal: CrashJournal { session.journal }

  /// Runs the script. `relieve` ends the trouble, before the attempt to resume. Throws what is
  /// no `DatabaseError`: a refusal without a type, or a violation.
  package func run(_ effects: Effects, relieve: () -> Void) throws {
    let database: Database
    do {
      database = try Database(
        at: CrashSession.directory, configuration: session.configuration, effects: effects)
    } catch let error as DatabaseError {
      outcome.errors.append(error)
      relieve()
      return
    }
    outcome.wasOpened = true
    for step in session.script.steps where !outcome.isFinal {
      try note { try session.perform(step, on: database) }
    }
    relieve()
    if !outcome.isFinal {
      let before = outcome.errors.count
      try note { try session.perform(.createKeyspace("resumed"), on: database) }
      let write = CrashScript.Write(
        keyspace: "resumed", key: [1, 2, 3], value: CrashScript.Value(seed: 3, byteCount: 2_000))
      try note { try session.perform(.commit([write], isRelaxed: false), on: database) }
      try note { try session.perform(.checkpoint, on: database) }
      outcome.resumed = outcome.errors.count == before
      // Unless it began with what another session left.
      if outcome.resumed, !session.script.steps.isEmpty {
        try session.perform(.check, on: database)
      }
    }
    try note { try database.close() }
  }

  private func note(_ body: () throws -> Void) throws {
    do { try body() } catch let error as DatabaseError { outcome.errors.append(error) }
  }

  /// Holds what is on the disk against the journal: as the next process finds it (`afterRestart`),
  /// and as it is after a power cut. Either is recovered, and lives on; after another power cut both
  /// lives must be there.
  package func checkLater(_ disk: DiskImage, seed: UInt64, afterRestart: Bool = true) throws {
    let moment = journal.moment
    let isLegal: @Sendable (UInt64) -> Bool = { [journal] in journal.match($0, at: moment) != nil }
    var ends = [("power cut", disk.afterPowerCut(.loseAll, seed: seed))]
    if afterRestart { ends.append(("restart", disk.afterProcessCrash())) }
    for (name, image) in ends {
      var image = image
      image.capacity = nil
      do {
        let recovered = try SurvivorCampaign.recover(
          image, session.configuration, seed: seed &+ 1, verifies: true)
        guard isLegal(recovered.fingerprint) else {
          throw CrashSession.Violation(
            description: "\(moment.acknowledged) acknowledged, \(moment.attempted) attempted, "
              + "recovered to none of them")
        }
        let life = SecondLife(after: recovered.fingerprint, orBeforeOpening: isLegal)
        let simulator = Simulator(seed: seed &+ 2, disk: image)
        try simulator.run { try life.run($0, session.configuration) }
        let last = try SurvivorCampaign.recover(
          simulator.disk.afterPowerCut(.loseAll, seed: seed), session.configuration,
          seed: seed &+ 3)
        guard life.allows(last.fingerprint, at: life.moment) else {
          throw CrashSession.Violation(description: "a power cut in the next life lost something")
        }
      } catch {
        throw CrashSession.Violation(description: "\(name): \(error)")
      }
    }
  }
}
