package import ArgumentParser
internal import Martlet

/// `martlet get`: the value of a key.
package struct GetCommand: ParsableCommand {
  package static let configuration = CommandConfiguration(
    commandName: "get",
    abstract: "Print the value of a key.",
    discussion: """
      Prints the bytes of the value and a line end; --raw leaves the line end away. A key that is \
      not there is an error.

      Examples:
        martlet get cities.db Reykjavik
        martlet get photos.db cover.jpg --raw > cover.jpg
        martlet get app.db 4711 --keyspace users --json
      """)

  @OptionGroup package var arguments: DatabaseArguments

  @Argument(help: "The key.")
  package var key: String

  @Flag(help: "Print the bytes and nothing else.")
  package var raw = false

  @Flag(help: "Print {\"key\":…,\"value\":…}.")
  package var json = false

  /// Values are read and written in pieces of this size.
  private static let pieceByteCount = 1 << 20

  package init() {}

  package func validate() throws {
    if raw && json { throw ValidationError("--raw and --json exclude each other") }
  }

  package func run() throws {
    try arguments.withExistingDatabase { database in
      let keyspace = try arguments.existingKeyspace(in: database)
      try database.read { (snapshot: borrowing Snapshot) in
        guard let byteCount = try snapshot.byteCount(of: key, in: keyspace) else {
          throw ToolError(
            "\(arguments.database): there is no key \(key) in keyspace \(arguments.keyspace)")
        }
        var output = Output()
        if json {
          let value = try snapshot.read(key, in: keyspace, offset: 0, count: byteCount) ?? []
          try output.line(
            JSON.object([
              JSON.member("key", bytes: Array(key.utf8)), JSON.member("value", bytes: value),
            ])
            .text)
        } else {
          for offset in stride(from: 0, to: byteCount, by: Self.pieceByteCount) {
            let count = min(Self.pieceByteCount, byteCount - offset)
            let piece = try snapshot.read(key, in: keyspace, offset: offset, count: count) ?? []
            try output.append { $0 += piece }
          }
          if !raw { try output.line("") }
        }
        try output.flush()
      }
    }
  }
}
