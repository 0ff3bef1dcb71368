package import ArgumentParser
internal import Foundation
package import Martlet

/// `martlet tour`: what the engine promises, shown on real data.
package struct TourCommand: ParsableCommand {
  package static let configuration = CommandConfiguration(
    commandName: "tour",
    abstract: "Show what the engine promises, on real data, in under a minute.",
    discussion: """
      Loads the character database of Unicode, answers reads and scans, and compares every answer \
      with the file. Then transfers money between accounts from several threads of a child \
      process, kills it with SIGKILL at random moments, recovers, and shows each time that every \
      commit whose acknowledgement arrived is there, that no half transaction is, and that the \
      sum of the accounts is what it was. Ends with 1 when anything is not.

      Works in a temporary folder and removes it, unless told otherwise; after a failure the \
      folder stays.

      Examples:
        martlet tour
        martlet tour --directory /tmp/tour --keep
        martlet tour --seed 7 --kills 100
      """)

  @Option(help: "The folder to work in, absent or empty.", completion: .directory)
  package var directory: String?

  @Flag(help: "Leave the databases in the folder.")
  package var keep = false

  @Option(help: "The seed of everything that is left to chance; without it, chance.")
  package var seed: UInt64?

  @Option(help: "How many times the child is killed while its threads commit.")
  package var kills: Int = 24

  @Option(
    help: "What the transfers survive; relaxed shows that the tour finds what is lost.")
  package var durability: Durability = .full

  package init() {}

  package func validate() throws {
    if kills < 1 { throw ValidationError("--kills must be at least 1") }
  }

  package func run() throws {
    let seed = seed ?? UInt64.random(in: 1...999_999_999)
    let folder = try TourDirectory(directory)
    var output = Output()
    try output.line("martlet tour: \(CharacterData.title), seed \(seed), in \(folder.path)\n")
    try output.flush()
    var report = TourReport()
    Interruption.watch()
    do {
      try tourCharacters(folder.subdirectory("characters"), seed, &report)
      try tourCrashes(folder.subdirectory("bank"), seed, &report)
    } catch {
      if Interruption.isAsked {
        try? folder.remove()
        throw ToolError("interrupted; \(folder.path) was removed")
      }
      try? output.line(report.table.joined(separator: "\n"))
      try? output.flush()
      throw ToolError("\(ToolError(describing: error).description) (kept in \(folder.path))")
    }
    if keep {
      try output.line(report.table.joined(separator: "\n"))
      try output.line("\nThe databases are in \(folder.path).")
    } else {
      try report.step("clean up") {
        try folder.remove()
        return ""
      }
      try output.line(report.table.joined(separator: "\n"))
    }
    try output.flush()
  }

  private func tourCharacters(
    _ directory: String, _ seed: UInt64, _ report: inout TourReport
  ) throws {
    var records: [CharacterRecord] = []
    try report.step("read the file") {
      records = try CharacterData.load()
      return "\(Figures.count(records.count)) characters"
    }
    let steps = CharacterSteps(records: records, seed: seed)
    var database = try Database(at: directory)
    try report.step("load them, with an index of names") { try steps.load(into: database) }
    try report.step("read each, in random order") { try steps.pointReads(from: database) }
    try report.step("scan") { try steps.scans(of: database) }
    try report.step("close and open again") {
      try database.close()
      database = try Database(at: directory)
      return "as it was"
    }
    try report.step("verify, scan again") { try steps.verify(database) }
    try database.close()
  }

  private func tourCrashes(
    _ directory: String, _ seed: UInt64, _ report: inout TourReport
  ) throws {
    var progress = ProgressReporter(noun: "kills")
    let clock = ContinuousClock()
    let start = clock.now
    let steps = CrashSteps(
      directory: directory, durability: durability, seed: seed, killCount: kills
    ) { count in
      progress.update(count: count, fraction: Double(count) / Double(kills))
    }
    let summary = try steps.run()
    progress.finish()
    let time = clock.now - start
    report.append(
      .init(
        name: "transfer money, kill -9, recover",
        result:
          "\(Figures.count(summary.kills, "kill")) under \(Bank.threadCount) committing threads, "
          + "\(summary.recoveryKills) more in recovery", time: time))
    if !summary.violations.isEmpty {
      for violation in summary.violations.prefix(20) {
        try Descriptor.standardError.write("violation: \(violation)\n")
      }
      throw ToolError("\(Figures.count(summary.violations.count, "promise")) broken, seed \(seed)")
    }
    report.append(
      .init(
        name: "  acknowledged commits that are there",
        result: "\(Figures.count(summary.acknowledged)) of \(Figures.count(summary.acknowledged))"))
    report.append(
      .init(
        name: "  commits under way at a kill, kept whole",
        result: Figures.count(summary.unacknowledged)))
    report.append(.init(name: "  half transactions", result: "none"))
    report.append(
      .init(
        name: "  sum of the accounts",
        result: "\(Figures.count(Bank.accountCount * Bank.initialBalance)), as it was"))
    report.append(
      .init(
        name: "  longest opening after a kill",
        result: Figures.time(summary.longestRecovery)))
    try report.step("verify the bank") {
      let database = try Database(at: directory)
      let verification = try database.verify()
      try database.close()
      if let finding = verification.findings.first { throw ToolError(finding.description) }
      return "\(Figures.count(verification.batchCount)) log batches, no damage"
    }
  }
}
