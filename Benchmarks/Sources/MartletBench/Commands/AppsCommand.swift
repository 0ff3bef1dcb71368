import ArgumentParser
import Foundation

/// What the features for apps cost, on Martlet alone.
struct AppsCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "apps",
    abstract: "Merges, backups, compaction, feeds and live queries: what each costs.",
    discussion: """
      Each part runs in a fresh database, in turns, round after round:
        merge       one hot counter, by merges and by reading and writing, by one thread and by eight
        backup      how fast a copy is made, and what is left to those who commit meanwhile
        compaction  a database of which nine in ten records were deleted
        hooks       what a put costs beside open feeds and live queries

      Everything is checked: counters, copies and records must be as they should, or the run fails. \
      All commits are relaxed. Processor time says more than the wall clock on a machine that has other \
      work.

      EXAMPLES
        martlet-bench apps
        martlet-bench apps --parts merge,hooks --rounds 9
        martlet-bench apps --parts hooks --listeners query --rounds 1
        martlet-bench apps --records 5000000 --parts backup --directory /var/tmp --json >backup.json

      EXIT CODES
        0 measured; 1 something failed, or was not as it should be; 64 wrong arguments
      """)

  @Option(help: "Parts, separated by commas: merge, backup, compaction, hooks; all by default.")
  var parts: String?
  @Option(
    help: """
      Who listens in the part hooks, by names separated by commas: nobody, feedElsewhere, feed, \
      queryElsewhere, query, recordedValues; each in turn by default.
      """)
  var listeners: String?
  @Option(help: "Records to begin with, and commits of each thread at most: 1,000 to 100,000,000.")
  var records = 500_000
  @Option(help: "Rounds, each in fresh databases: 1 to 1,000.")
  var rounds = 3
  @Option(help: "The folder to make databases in; a temporary one on disk by default.")
  var directory: String?
  @Flag(help: "Prints JSON.")
  var json = false

  func validate() throws {
    _ = try chosen()
    _ = try chosenListeners()
    guard (1_000...100_000_000).contains(records) else {
      throw ValidationError("--records is 1,000 to 100,000,000, not \(records)")
    }
    guard (1...1_000).contains(rounds) else {
      throw ValidationError("--rounds is 1 to 1,000, not \(rounds)")
    }
  }

  private func chosen() throws -> [AppPart] {
    guard let parts else { return AppPart.allCases }
    return try parts.split(separator: ",").map { name in
      guard let part = AppPart(rawValue: String(name)) else {
        throw ValidationError(
          "--parts: \(name) is none of "
            + AppPart.allCases.map(\.rawValue).joined(separator: ", "))
      }
      return part
    }
  }

  private func chosenListeners() throws -> [HookTrial.Listener] {
    guard let listeners else { return HookTrial.Listener.allCases }
    return try listeners.split(separator: ",").map { name in
      let all = HookTrial.Listener.allCases
      guard let listener = all.first(where: { "\($0)" == name }) else {
        throw ValidationError("--listeners: \(name) is none of \(all)")
      }
      return listener
    }
  }

  func run() throws {
    let folder = try TrialFolder(base: directory)
    defer { folder.remove() }
    let machine = Machine()
    var report = AppReport(records: records, rounds: rounds, machine: machine)
    let parts = try chosen()
    let listeners = try chosenListeners()
    let progress = Progress(
      (1...rounds).flatMap { _ in parts.map { Progress.Step(work: $0.rawValue, subject: "") } })
    for round in 1...rounds {
      for part in parts {
        try progress.run(Progress.Step(work: part.rawValue, subject: ""), round: round) {
          let path = "\(folder.root)/\(part.rawValue)-\(round)"
          try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
          report.add(
            part,
            try part.trial(
              AppSetting(directory: path, records: records, listeners: listeners)
            ).run())
          try FileManager.default.removeItem(atPath: path)
        }
      }
    }
    progress.finish()
    try report.print(asJSON: json)
  }
}
