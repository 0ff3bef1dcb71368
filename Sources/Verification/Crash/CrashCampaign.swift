package import Martlet
package import Simulation

/// Runs a script once, and lets the power fail at every change that it made to the disk.
///
/// One run serves all cuts: at each change the disk's image is kept, together with what the journal
/// had attempted and been told by then. Afterwards each image goes through each loss model and is
/// recovered, twice.
package struct CrashCampaign {
  /// The power fails here.
  package struct Cut: Sendable {
    package let change: Int
    package let image: DiskImage
    package let moment: CrashJournal.Moment
  }

  /// A cut that did not recover to a state it may leave.
  package struct Failure: Error, CustomStringConvertible {
    package let seed: UInt64
    package let change: Int
    package let model: LossModel
    package let reason: String

    package var description: String {
      "seed \(seed), power cut at change \(change), \(model): \(reason)"
    }
  }

  package let seed: UInt64
  package let configuration: Configuration
  package let journal: CrashJournal
  package let cuts: [Cut]
  /// What the run did, for the claim that it met everything.
  package let statistics: Statistics
  package let report: VerificationReport
  package let diskCounters: DiskCounters

  /// Runs the script. `prepare` may set faults on the disk first.
  package init(
    script: CrashScript, configuration: Configuration = CrashSession.smallConfiguration,
    seed: UInt64, prepare: (SimulatedDisk) -> Void = { _ in }
  ) throws {
    self.seed = seed
    self.configuration = configuration
    let session = CrashSession(script: script, configuration: configuration)
    journal = session.journal
    let simulator = Simulator(seed: seed)
    prepare(simulator.disk)
    var cuts: [Cut] = []
    simulator.disk.observeChanges { [journal, disk = simulator.disk] change in
      cuts.append(Cut(change: change, image: disk.snapshot, moment: journal.moment))
    }
    var ending: (Statistics, VerificationReport)?
    try simulator.run { effects in
      try session.run(effects) { database in
        ending = (database.statistics, try database.verify())
      }
    }
    guard let ending else { preconditionFailure("a run that did not throw reached its end") }
    simulator.disk.observeChanges(nil)
    self.cuts = cuts
    (statistics, report) = ending
    diskCounters = simulator.disk.counters
  }

  /// Recovers what one cut leaves under one loss model, twice from the same disk and once more from
  /// the recovered one, and holds the states against the journal and against each other.
  package func check(_ cut: Cut, _ model: LossModel) throws(Failure) {
    let survivor = cut.image.afterPowerCut(model, seed: seed &+ UInt64(cut.change))
    let first = try recover(survivor, cut, model, seed &+ 1, verifies: true)
    guard let prefix = journal.match(first.fingerprint, at: cut.moment) else {
      let other = journal.fingerprints.lastIndex(of: first.fingerprint)
      throw failure(
        cut, model,
        "recovered to \(other.map { "the state after \($0) changes" } ?? "no state there ever was")"
          + "; \(cut.moment.acknowledged) were acknowledged and \(cut.moment.attempted) attempted")
    }
    let second = try recover(survivor, cut, model, seed &+ 2)
    guard second.fingerprint == first.fingerprint else {
      throw failure(cut, model, "two recoveries of one disk differ")
    }
    // The recovered database is itself cut off at once: recovery has to be durable in itself.
    let again = try recover(
      first.image.afterPowerCut(model, seed: seed &+ 3), cut, model, seed &+ 4)
    guard again.fingerprint == first.fingerprint else {
      throw failure(
        cut, model, "after recovery to \(prefix) changes a second power cut changed the state")
    }
  }

  private struct Recovered {
    let fingerprint: UInt64
    let image: DiskImage
  }

  /// Opens a disk and reads everything. The image is the disk's before closing: as a
  /// crash right after recovery finds it.
  private func recover(
    _ disk: DiskImage, _ cut: Cut, _ model: LossModel, _ seed: UInt64, verifies: Bool = false
  ) throws(Failure) -> Recovered {
    let simulator = Simulator(seed: seed, disk: disk)
    do {
      return try simulator.run { effects in
        // A cut inside the very creation leaves nothing, or what can be made anew.
        let database = try Database(
          at: CrashSession.directory, configuration: configuration, effects: effects)
        defer { try? database.close() }
        let fingerprint = try DatabaseDump.fingerprint(of: database)
        if verifies, case let report = try database.verify(), !report.isClean {
          throw CrashSession.Violation(
            description: "\(report.findings.count) findings, first: \(report.findings[0])")
        }
        return Recovered(fingerprint: fingerprint, image: simulator.disk.snapshot)
      }
    } catch {
      throw failure(cut, model, "\(error)")
    }
  }

  private func failure(_ cut: Cut, _ model: LossModel, _ reason: String) -> Failure {
    Failure(seed: seed, change: cut.change, model: model, reason: reason)
  }
}
