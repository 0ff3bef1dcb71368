package import ArgumentParser

/// `martlet history`: records what transactions did, and judges it.
package struct HistoryCommand: ParsableCommand {
  package static let configuration = CommandConfiguration(
    commandName: "history",
    abstract: "Record what transactions did, and check it against a consistency model.",
    discussion: """
      A history is a file of events in the manner of Jepsen: what each transaction was asked, when, \
      and what it was answered. A checker decides from it alone whether the transactions could \
      have run as their isolation level promises.

      Examples:
        martlet history record list-append --output run.jsonl
        martlet history check run.jsonl --model snapshot-isolation
        martlet history record register --threads 8 --seconds 10 | martlet history check -
      """,
    subcommands: [HistoryRecordCommand.self, HistoryCheckCommand.self])

  package init() {}
}
