package import Environment
package import Martlet
package import Simulation

/// Runs something short on a disk once, and recovers every state in which a power cut may leave
/// that disk: see `DiskImage.fates`.
///
/// A *window* is the time between two moments at which something becomes durable. Within it the
/// pending changes only grow, so the states at its end contain those at every moment in it, and one
/// enumeration for each window is all there is.
package struct SurvivorCampaign {
  /// The end of a window: just before something of it becomes durable.
  package struct Window: Sendable {
    /// The number of the change.
    package let change: Int
    package let image: DiskImage
    package let moment: CrashJournal.Moment
  }

  /// One state to recover.
  package struct State: Sendable {
    package let window: Int
    package let fates: [PendingChange.Fate]

    package init(window: Int, fates: [PendingChange.Fate]) {
      self.window = window
      self.fates = fates
    }
  }

  /// A state that did not recover to what it may.
  package struct Failure: Error, CustomStringConvertible {
    package let description: String
  }

  package let seed: UInt64
  package let configuration: Configuration
  package let windows: [Window]
  /// Where the disk stood at every change: where a process may be killed.
  package let moments: [Window]
  /// The longest window of which every subset is taken.
  package static let subsetLimit = 12

  /// Runs `body` on a disk; `moment` tells where it stands. `prepare` may set faults first. What
  /// `body` throws after a power cut or fault does not matter where `isTolerant`.
  package init(
    seed: UInt64, disk: DiskImage = DiskImage(),
    configuration: Configuration = CrashSession.smallConfiguration, isTolerant: Bool = false,
    prepare: (SimulatedDisk) -> Void = { _ in }, moment: @escaping () -> CrashJournal.Moment,
    body: (Effects) throws -> Void
  ) throws {
    self.seed = seed
    self.configuration = configuration
    let simulator = Simulator(seed: seed, disk: disk)
    simulator.disk.recordsPendingChanges = true
    prepare(simulator.disk)
    var moments: [Window] = []
    func look(_ change: Int) {
      moments.append(Window(change: change, image: simulator.disk.snapshot, moment: moment()))
    }
    simulator.disk.observeChanges(look)
    do {
      try simulator.run(body)
    } catch {
      guard isTolerant else { throw error }
    }
    simulator.disk.observeChanges(nil)
    look(simulator.disk.counters.changeCount + 1)
    self.moments = moments
    windows = moments.indices.filter { index in
      index + 1 == moments.count
        || moments[index].image.durabilityCount != moments[index + 1].image.durabilityCount
    }.map { moments[$0] }
  }

  /// Every state of every window.
  package var states: [State] {
    windows.indices.flatMap { window in
      windows[window].image.fates(limit: Self.subsetLimit).map { State(window: window, fates: $0) }
    }
  }

  /// The states of a window that lose everything, and every so manieth of the others.
  package func states(everyNth stride: Int) -> [State] {
    windows.indices.flatMap { window -> [State] in
      let all = windows[window].image.fates(limit: Self.subsetLimit)
      return all.indices.filter { $0 % stride == 0 || all[$0].allSatisfy { $0 == .absent } }
        .map { State(window: window, fates: all[$0]) }
    }
  }

  /// How many windows hold more changes than every subset is taken of.
  package var largeWindowCount: Int {
    windows.count { $0.image.pendingChanges.count > Self.subsetLimit }
  }

  /// The most changes that any window holds.
  package var largestWindow: Int { windows.map(\.image.pendingChanges.count).max() ?? 0 }

  /// Recovers a state twice, walks its structure, cuts the power right after recovery and recovers
  /// once more. All three must agree, and `isRight` with them.
  package func check(
    _ state: State, isRight: (UInt64, CrashJournal.Moment) -> Bool
  ) throws(Failure) {
    let window = windows[state.window]
    let survivor = window.image.surviving(state.fates)
    func fail(_ reason: String) -> Failure {
      Failure(
        description: "seed \(seed), change \(window.change), surviving "
          + "\(state.fates.map { "\($0)" }.joined(separator: " ")): \(reason)")
    }
    do {
      let first = try Self.recover(survivor, configuration, seed: seed &+ 1, verifies: true)
      guard isRight(first.fingerprint, window.moment) else {
        throw fail(
          "recovered to a state that is none it may be; \(window.moment.acknowledged) were "
            + "acknowledged and \(window.moment.attempted) attempted")
      }
      let second = try Self.recover(survivor, configuration, seed: seed &+ 2)
      guard second.fingerprint == first.fingerprint else { throw fail("two recoveries differ") }
      let third = try Self.recover(
        first.image.afterPowerCut(.loseAll, seed: 0), configuration, seed: seed &+ 3)
      guard third.fingerprint == first.fingerprint else {
        throw fail("a power cut right after recovery changed the state")
      }
    } catch let failure as Failure {
      throw failure
    } catch {
      throw fail("\(error)")
    }
  }

  /// A database that was opened, read and left as a crash would leave it.
  package struct Recovered: Sendable {
    package let fingerprint: UInt64
    /// The disk before closing.
    package let image: DiskImage
  }

  /// Opens a disk and reads everything.
  package static func recover(
    _ disk: DiskImage, _ configuration: Configuration, seed: UInt64, verifies: Bool = false
  ) throws -> Recovered {
    let simulator = Simulator(seed: seed, disk: disk)
    return try simulator.run { effects in
      let database = try Database(
        at: CrashSession.directory, configuration: configuration, effects: effects)
      defer { try? database.close() }
      let fingerprint = try DatabaseDump.fingerprint(of: database)
      if verifies, case let report = try database.verify(), !report.isClean {
        throw Failure(
          description: "\(report.findings.count) findings, first: \(report.findings[0])")
      }
      return Recovered(fingerprint: fingerprint, image: simulator.disk.snapshot)
    }
  }
}
