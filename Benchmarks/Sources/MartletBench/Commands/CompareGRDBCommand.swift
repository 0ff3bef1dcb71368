import ArgumentParser
import Foundation

/// The same app on Martlet's collections and on GRDB's records, in turns.
struct CompareGRDBCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "compare-grdb",
    abstract: "Codable records, an index and a live query: Martlet beside GRDB.",
    discussion: """
      Each round makes fresh databases and does everything at relaxed durability, then what writes \
      again at full. Both take turns task by task, read the same, and must end with the same records. \
      Nothing here fails for being slow: a target that is missed says so in the table.

      A round of 100,000 records takes about half a minute. GRDB takes part when the headers of SQLite \
      are installed (libsqlite3-dev).

      EXAMPLES
        martlet-bench compare-grdb
        martlet-bench compare-grdb --records 10000 --rounds 1
        martlet-bench compare-grdb --durability full --rounds 25
        martlet-bench compare-grdb --rounds 9 --directory /var/tmp --json >grdb.json

      EXIT CODES
        0 compared, whatever the figures; 1 a store failed, or both disagree; 64 wrong arguments
      """)

  @Option(help: "Records inserted in bulk, that the others read: 100 to 10,000,000.")
  var records = 100_000
  @Option(help: "Rounds, each in fresh databases: 1 to 1,000.")
  var rounds = 5
  @Option(help: "relaxed or full; both by default.")
  var durability: EngineOptions.Durability?
  @Option(help: "The folder to make databases in; a temporary one on disk by default.")
  var directory: String?
  @Flag(help: "Prints JSON.")
  var json = false

  func validate() throws {
    guard (100...10_000_000).contains(records) else {
      throw ValidationError("--records is 100 to 10,000,000, not \(records)")
    }
    guard (1...1_000).contains(rounds) else {
      throw ValidationError("--rounds is 1 to 1,000, not \(rounds)")
    }
    #if !SQLITE
      throw ValidationError(
        "GRDB takes part only when the headers of SQLite are installed (Debian package"
          + " libsqlite3-dev); build again with --manifest-cache none after that")
    #endif
  }

  func run() throws {
    let folder = try TrialFolder(base: directory)
    defer { folder.remove() }
    let machine = Machine()
    let comparison = RecordComparison(
      records: records, rounds: rounds, directory: folder.root,
      durabilities: durability.map { [$0] } ?? [.relaxed, .full])
    let rows = try comparison.run()
    try RecordReport(rows, records: records, rounds: rounds, machine: machine)
      .print(asJSON: json)
  }
}
