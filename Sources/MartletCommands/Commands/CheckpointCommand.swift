package import ArgumentParser
internal import Martlet

/// `martlet checkpoint`: the log so far goes into the data file.
package struct CheckpointCommand: ParsableCommand {
  package static let configuration = CommandConfiguration(
    commandName: "checkpoint",
    abstract: "Take a checkpoint: the log so far goes into the data file.",
    discussion: """
      The engine takes checkpoints by itself; one by hand makes the next opening quick, or comes \
      before a copy of the closed database.

      Examples:
        martlet checkpoint cities.db
        martlet checkpoint cities.db --json
      """)

  @Argument(help: "The directory of the database.", completion: .directory)
  package var database: String

  @Flag(help: "Say in JSON how long it took.")
  package var json = false

  package init() {}

  package func run() throws {
    let clock = ContinuousClock()
    let elapsed = try withExistingDatabase(at: database) { open in
      let start = clock.now
      try open.checkpoint()
      return clock.now - start
    }
    let text =
      json
      ? JSON.object([.init("seconds", .number(Figures.fixed(Figures.seconds(elapsed), digits: 6)))])
        .text
      : "checkpoint taken in \(Figures.time(elapsed))"
    try Descriptor.standardOutput.write(text + "\n")
  }
}
