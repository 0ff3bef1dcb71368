internal import Foundation
internal import Martlet

/// The second half of the tour: a bank whose process is killed again and again.
struct CrashSteps {
  let directory: String
  let durability: Durability
  let seed: UInt64
  /// Kills while all threads of the worker commit.
  let killCount: Int
  /// Called after each kill with their number so far.
  let progress: (Int) -> Void

  /// Kills while the worker opens and recovers, on top.
  private static let recoveryKillCount = 4

  /// What happened, for the report.
  struct Summary {
    var kills = 0
    var recoveryKills = 0
    var acknowledged = 0
    /// Commits found although their acknowledgement had not arrived: a crash may leave these.
    var unacknowledged = 0
    var violations: [String] = []
    /// The longest opening after a kill.
    var longestRecovery = Duration.zero
  }

  func run() throws -> Summary {
    var bank = try Bank(directory: directory, durability: durability)
    try bank.fill()
    try bank.database.close()
    var generator = SeededGenerator(seed: seed)
    var checker = TransferChecker(
      accountCount: Bank.accountCount, initialBalance: Bank.initialBalance,
      threadCount: Bank.threadCount)
    var summary = Summary()
    let clock = ContinuousClock()
    // Where among the rounds the kills during recovery come is chance as well.
    var rounds = Array(repeating: true, count: killCount)
    rounds += Array(repeating: false, count: Self.recoveryKillCount)
    rounds.shuffle(using: &generator)

    for duringCommits in rounds {
      try Interruption.check()
      let report = try life(duringCommits: duringCommits, &generator)
      for acknowledgement in report.acknowledgements { checker.note(acknowledgement) }
      summary.acknowledged += report.acknowledgements.count
      summary.violations += report.complaints.map { "inside the worker: \($0)" }
      if duringCommits { summary.kills += 1 } else { summary.recoveryKills += 1 }

      let start = clock.now
      bank = try Bank(directory: directory, durability: durability)
      summary.longestRecovery = max(summary.longestRecovery, clock.now - start)
      let state = try bank.state()
      try bank.database.close()
      summary.violations += checker.judge(state).map { "after kill \(summary.kills): \($0)" }
      summary.unacknowledged = state.journal.count - summary.acknowledged
      progress(summary.kills)
      if !summary.violations.isEmpty { break }
    }
    return summary
  }

  /// Starts the worker and kills it at a random moment.
  private func life(
    duringCommits: Bool, _ generator: inout SeededGenerator
  ) throws -> Worker.Report {
    let worker = try Worker(
      directory: directory, durability: durability, seed: generator.next())
    if duringCommits {
      try worker.waitUntilCommitting(threads: Bank.threadCount, for: .seconds(10))
      Thread.sleep(forTimeInterval: Double.random(in: 0...0.4, using: &generator))
    } else {
      Thread.sleep(forTimeInterval: Double.random(in: 0...0.06, using: &generator))
    }
    return try worker.kill()
  }
}
