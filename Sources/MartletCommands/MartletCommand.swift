package import ArgumentParser

/// The command line of Martlet: `martlet <command>`.
package struct MartletCommand: ParsableCommand {
  package static let configuration = CommandConfiguration(
    commandName: "martlet",
    abstract: "An embedded transactional storage engine, from the command line.",
    discussion: """
      A database is a directory. Its keys live in named keyspaces; every command works on the \
      keyspace "default" unless --keyspace names another.

      See what the engine does, on real data, in under a minute:
        martlet tour

      Load a table, look at it, take it apart:
        martlet load cities.db cities.csv --key name
        martlet get cities.db Reykjavik
        martlet scan cities.db --prefix Re --limit 10
        martlet stat cities.db

      Exit codes: 0 it worked; 1 it did not, and standard error says why in a line that begins with \
      "Error:"; 2 (history check) there was nothing to judge by; 64 the arguments were wrong; 128 and \
      a signal's number: a signal ended it. What --json prints goes to standard output, progress \
      and news to standard error.
      """,
    subcommands: [
      LoadCommand.self, GetCommand.self, SetCommand.self, RemoveCommand.self, ScanCommand.self,
      ShellCommand.self, StatCommand.self, VerifyCommand.self, CheckpointCommand.self,
      BackupCommand.self,
      RestoreCommand.self, DumpCommand.self, CompactCommand.self, TortureCommand.self,
      SimulateCommand.self, HistoryCommand.self, IsolationCommand.self, ModelCheckCommand.self,
      TourCommand.self,
      DriveCommand.self,
      TourWorkerCommand.self, TortureWriterCommand.self,
    ])

  package init() {}

  /// What is no text would be repaired on its way into a `String`, and another key be written.
  private static func requireText() throws {
    for index in 0..<Int(CommandLine.argc) {
      // SAFETY: the system ends each of its `argc` arguments with a zero, and nobody changes them.
      guard let argument = unsafe CommandLine.unsafeArgv[index],
        unsafe String(validatingCString: argument) == nil
      else { continue }
      throw ValidationError(
        "argument \(index) is not UTF-8; in martlet shell, \\xHH between double quotes stands for a byte"
      )
    }
  }

  /// Runs the command of this process's arguments, and ends the process: 0 when it worked, 1
  /// with one line on standard error when it did not, 64 for wrong arguments.
  package static func runAndExit() -> Never {
    do {
      try requireText()
      var command = try parseAsRoot()
      try command.run()
      exit()
    } catch {
      if exitCode(for: error) == .failure, !(error is ExitCode) {
        exit(withError: ToolError(describing: error))
      }
      exit(withError: error)
    }
  }
}
