import ArgumentParser

/// Commits and waits to be killed: the first half of the `reopen` workload.
struct VictimCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "victim", abstract: "Commit, say so, and wait to be killed.",
    shouldDisplay: false)

  @Option(help: "The engine.")
  var engine: EngineKind

  @Option(help: "The number of records.")
  var records: Int

  @Option(help: "The seed of keys, values and orders.")
  var seed: UInt64

  @Option(help: "The folder of the database: it must be empty or absent.")
  var directory: String

  func run() throws {
    let trial = Trial(
      engine: engine, workload: Workload(kind: .reopen, threads: 1),
      scale: Scale(records: records), seed: seed, directory: directory)
    try Victim(trial: trial).run()
  }
}
