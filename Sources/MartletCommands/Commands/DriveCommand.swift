package import ArgumentParser
package import Martlet

/// `martlet drive`: many sessions on one database, by JSON lines.
package struct DriveCommand: ParsableCommand {
  package static let configuration = CommandConfiguration(
    commandName: "drive",
    abstract: "Serve many sessions on one database by JSON lines on standard input and output.",
    discussion: """
      For test harnesses in any language. One request a line, one reply a line; a reply comes when \
      its operation is done. Every session has a thread of its own, so one that waits holds up \
      none of the others. The end of input rolls back what is open and closes the database.

      Requests without a session:
        {"id":1,"op":"reset","setup":{"x":10}}      drop all keys, then set these
        {"id":9,"op":"dump"}                        the whole committed state
      Requests of a session:
        {"id":2,"session":"T1","op":"begin","level":"SI","protocol":null}
        {"id":3,"session":"T1","op":"put","args":["x",11]}
        get K · delete K · scan LO HI [LIMIT] · incr K D · cas K OLD NEW · commit · abort
      Replies:
        {"id":3,"status":"ok","value":null}
        {"id":3,"status":"aborted","reason":"…","code":"writeConflict"}   that transaction is over
        {"id":3,"status":"error","reason":"…"}                            nothing happened

      Examples:
        martlet drive < requests.jsonl
        martlet drive app.db --keyspace users --durability relaxed
      """)

  @Argument(
    help: "The directory of the database, created when not there; without it, memory.",
    completion: .directory)
  package var database: String?

  @Option(name: .shortAndLong, help: "The keyspace that is driven.")
  package var keyspace: String = "default"

  @Option(help: "What an answered commit survives: full, ordered or relaxed.")
  package var durability: Durability = .full

  package init() {}

  package func run() throws {
    var configuration = Configuration()
    configuration.durability = durability
    let open =
      if let database {
        try openDatabase(at: database, configuration)
      } else {
        try Database.inMemory(configuration: configuration)
      }
    let server = try DriveServer(database: open, keyspaceName: keyspace) { line in
      try? Descriptor.standardOutput.write(line + "\n")
    }
    var source = try ByteSource(path: "-")
    var line: [UInt8] = []
    while try source.appendLine(to: &line) {
      server.receive(line: line)
      line.removeAll(keepingCapacity: true)
    }
    server.finish()
    try open.close()
  }
}
