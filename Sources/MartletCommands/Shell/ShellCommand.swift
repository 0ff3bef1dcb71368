package import ArgumentParser
package import Martlet

/// `martlet shell`: a prompt on a database, or commands from a pipe.
package struct ShellCommand: ParsableCommand {
  package static let configuration = CommandConfiguration(
    commandName: "shell",
    abstract: "Work with a database at a prompt.",
    discussion: """
      Reads commands, one a line: get, set, remove, scan, begin, commit, and what help lists. On a \
      terminal it has a prompt with history (arrow keys, Control-R), completion (Tab) of commands, \
      keyspaces and keys, and Control-C stops the command that runs. From a pipe it prints results \
      alone, stops at the first command that fails, with what is open rolled back, and exits with 1; \
      --keep-going goes on, and exits with 1 at the end. # begins a comment.

      A transaction that is not committed when the input ends is rolled back.

      Examples:
        martlet shell cities.db
        echo 'scan --prefix Re' | martlet shell cities.db --format json
        martlet shell app.db --keyspace users < changes.txt
        martlet shell cities.db -c 'get Reykjavik' -c count
      """)

  @OptionGroup package var arguments: DatabaseArguments

  @Option(name: .shortAndLong, help: "Run this command and leave; may be given more than once.")
  package var command: [String] = []

  @Option(
    help:
      "How entries are printed: tsv, table, json or hex. (default: table on a terminal, else tsv)")
  package var format: ShellFormat?

  @Option(help: "What a commit survives: full, ordered or relaxed.")
  package var durability: Durability = .full

  @Flag(help: "Go on after a command that failed, where there is no prompt.")
  package var keepGoing = false

  @Flag(help: "Make the database when it is not there.")
  package var create = false

  package init() {}

  package func run() throws {
    let isInteractive =
      command.isEmpty && Descriptor.standardInput.isTerminal
      && Descriptor.standardOutput.isTerminal
    if create {
      try arguments.withDatabase(durability: durability) { database in
        _ = try database.keyspace(arguments.keyspace)
        try work(on: database, isInteractive)
      }
    } else {
      try arguments.withExistingDatabase(durability: durability) { database in
        try work(on: database, isInteractive)
      }
    }
  }

  private func work(on database: Database, _ isInteractive: Bool) throws {
    let output = Descriptor.standardOutput
    let style = ShellStyle(
      format: format ?? (isInteractive ? .table : .tsv), scanLimit: isInteractive ? 100 : nil,
      columns: { output.isTerminal ? output.columnCount : nil }, write: { try output.write($0) })
    let session = ShellSession(
      database: database, path: arguments.database, keyspace: arguments.keyspace, style: style)
    defer { session.end() }
    if isInteractive {
      try InteractiveShell(session: session, database: database, path: arguments.database).run()
    } else {
      try ShellScript(session: session, keepsGoing: keepGoing).run(command)
    }
  }
}

extension ShellFormat: ExpressibleByArgument {}

/// Commands from a pipe or from the command line: no prompt, and an exit code.
private struct ShellScript {
  let session: ShellSession
  let keepsGoing: Bool

  func run(_ commands: [String]) throws {
    var hasFailed = false
    var number = 0
    func perform(_ line: String?) throws -> Bool {
      number += 1
      do {
        guard let line else {
          throw ToolError("the line is not UTF-8; \\xHH between double quotes stands for a byte")
        }
        guard let request = try ShellRequest(line: line) else { return true }
        switch request {
        case .exit: return false
        case .help(let name): try Descriptor.standardOutput.write(ShellManual.text(of: name) + "\n")
        case .timing: break
        default: if let failure = session.perform(request).failure { throw ToolError(failure) }
        }
      } catch let error as ToolError {
        let place = commands.isEmpty ? "line \(number): " : ""
        guard keepsGoing else { throw ToolError(place + error.description) }
        hasFailed = true
        try Descriptor.standardError.write("Error: \(place)\(error)\n")
      }
      return true
    }
    if commands.isEmpty {
      var source = try ByteSource(path: "-")
      var line: [UInt8] = []
      while try source.appendLine(to: &line) {
        guard try perform(String(validating: line, as: UTF8.self)) else { break }
        line.removeAll(keepingCapacity: true)
      }
    } else {
      for command in commands { guard try perform(command) else { break } }
    }
    if hasFailed { throw ExitCode.failure }
  }
}
