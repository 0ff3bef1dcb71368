internal import Environment
internal import Martlet
package import Simulation

/// A tiny database on which a few things happen at once, under one schedule.
///
/// What each commit adds is known, so that every state in which a crash may leave the disk is the
/// state before, and some of the commits: all that were acknowledged by then, none that was not
/// asked for.
package struct ConcurrentLives: Sendable {
  /// What one thread does.
  package enum Act: Sendable, Hashable {
    /// Some commits, one after the other; their keys are the thread's own.
    case commits(Int, isRelaxed: Bool)
    /// One commit so large that its batch begins a new segment of the log.
    case bulk
    case checkpoint
    case createKeyspace
    /// Adds one to the counter that all threads share.
    case increment
  }

  /// Where the world stood at a change of the disk.
  package struct Moment: Sendable {
    package let change: Int
    package let image: DiskImage
    fileprivate let progress: Progress
  }

  /// What was asked for and told, as sums of fingerprints.
  fileprivate struct Progress: Sendable {
    /// Each with whether it was acknowledged for good.
    var parts: [(added: UInt64, isAcknowledged: Bool)] = []
    var base: UInt64 = 0
  }

  /// What one run did.
  package struct Run: Sendable {
    package let choiceWidths: [Int]
    package let moments: [Moment]
    package let final: DiskImage
  }

  package let acts: [Act]
  package let seed: UInt64

  package init(_ acts: [Act], seed: UInt64) {
    self.acts = acts
    self.seed = seed
  }

  private static let directory = CrashSession.directory
  private static let value = [UInt8](repeating: 5, count: 300)

  private static func key(_ act: Int, _ number: Int) -> [UInt8] { Array("\(act)/\(number)".utf8) }

  /// Runs the acts side by side under a schedule, checks the running database, and closes it.
  package func run(_ schedule: Simulator.Schedule) throws -> Run {
    let simulator = Simulator(seed: seed)
    let stage = Stage()
    var moments: [Moment] = []
    var widths: [Int] = []
    try simulator.run { effects in
      let database = try Database(
        at: Self.directory, configuration: CrashSession.smallConfiguration, effects: effects)
      do {
        let main = try database.keyspace("main")
        try database.write { transaction in
          for number in 0..<8 {
            try transaction.set(Self.value, for: Self.key(-1, number), in: main)
          }
        }
        try database.checkpoint()
        try database.write { try $0.set(Self.value, for: Self.key(-1, 3), in: main) }
        stage.progress.base = try DatabaseDump.fingerprint(of: database)
        simulator.disk.observeChanges { [disk = simulator.disk] change in
          moments.append(
            Moment(change: change, image: disk.snapshot, progress: stage.progress))
        }
        simulator.follow(schedule)
        let threads = acts.indices.map { index in
          effects.background.start("act \(index)") {
            do {
              try perform(index, database, main, stage)
            } catch {
              stage.errors.append("\(acts[index]): \(error)")
            }
          }
        }
        for thread in threads { thread.join() }
        widths = simulator.choiceWidths
        simulator.follow(nil)
        try check(database, stage)
      } catch {
        try? database.close()
        throw error
      }
      try database.close()
    }
    simulator.disk.observeChanges(nil)
    return Run(choiceWidths: widths, moments: moments, final: simulator.disk.snapshot)
  }

  /// What the threads share; the baton orders them.
  private final class Stage: @unchecked Sendable {
    // SENDABLE: touched by threads of one simulation only, and by the test after it.
    var progress = Progress()
    var errors: [String] = []
    var increments = 0
  }

  private func perform(
    _ index: Int, _ database: Database, _ main: Keyspace, _ stage: Stage
  ) throws {
    switch acts[index] {
    case .checkpoint: try database.checkpoint()
    case .createKeyspace:
      let name = "made/\(index)"
      try change(stage, adding: ModelState.fingerprint(ofKeyspace: name)) {
        _ = try database.keyspace(name)
      }
    case .bulk:
      let keys = (0..<64).map { Self.key(index, $0) }
      let value = [UInt8](repeating: 6, count: 900)
      let added = keys.reduce(0) { $0 &+ ModelState.fingerprint("main", $1, value) }
      try change(stage, adding: added) {
        try database.write { for key in keys { try $0.set(value, for: key, in: main) } }
      }
    case .commits(let count, let isRelaxed):
      for number in 0..<count {
        let key = Self.key(index, number)
        let added = ModelState.fingerprint("main", key, Self.value)
        try change(stage, adding: added, isDurable: !isRelaxed) {
          try database.write(durability: isRelaxed ? .relaxed : nil) {
            try $0.set(Self.value, for: key, in: main)
          }
          let found = try database.read { try $0.get(key, in: main) }
          if found != Self.value {
            throw CrashSession.Violation(description: "its own write is gone")
          }
        }
      }
    case .increment:
      try database.write { transaction in
        let old = try transaction.get([0], in: main)?.first ?? 0
        try transaction.set([old + 1], for: [0], in: main)
      }
      stage.increments += 1
    }
  }

  private func change(
    _ stage: Stage, adding added: UInt64, isDurable: Bool = true, _ body: () throws -> Void
  ) rethrows {
    let place = stage.progress.parts.count
    stage.progress.parts.append((added, false))
    try body()
    if isDurable { stage.progress.parts[place].isAcknowledged = true }
  }

  private func check(_ database: Database, _ stage: Stage) throws {
    if let error = stage.errors.first { throw CrashSession.Violation(description: error) }
    let report = try database.verify()
    guard report.isClean else {
      throw CrashSession.Violation(description: "\(report.findings[0])")
    }
    let main = try database.keyspace("main")
    let counter = try database.read { try $0.get([0], in: main)?.first ?? 0 }
    guard Int(counter) == stage.increments else {
      throw CrashSession.Violation(
        description: "\(stage.increments) increments made \(counter)")
    }
    if stage.increments > 0 { return }
    let expected = stage.progress.parts.reduce(stage.progress.base) { $0 &+ $1.added }
    guard try DatabaseDump.fingerprint(of: database) == expected else {
      throw CrashSession.Violation(description: "the running database is not what it should be")
    }
  }

  /// Recovers what a power cut at a moment leaves; verifies it and holds it against what was
  /// acknowledged and asked for. Runs without increments only.
  package func check(_ moment: Moment, _ model: LossModel) throws {
    let disk = moment.image.afterPowerCut(model, seed: UInt64(moment.change))
    let recovered = try SurvivorCampaign.recover(
      disk, CrashSession.smallConfiguration, seed: seed &+ 1, verifies: true)
    let parts = moment.progress.parts
    for mask in 0..<1 << parts.count {
      var sum = moment.progress.base
      var hasAll = true
      for (index, part) in parts.enumerated() {
        if mask >> index & 1 == 1 {
          sum &+= part.added
        } else {
          hasAll = hasAll && !part.isAcknowledged
        }
      }
      if hasAll, sum == recovered.fingerprint { return }
    }
    throw CrashSession.Violation(
      description: "change \(moment.change), \(model): recovered to none of the states it may be")
  }
}
