package import ArgumentParser
package import Martlet

/// `martlet set`: one key, one value.
package struct SetCommand: ParsableCommand {
  package static let configuration = CommandConfiguration(
    commandName: "set",
    abstract: "Set a key to a value.",
    discussion: """
      The value is an argument, or the bytes of a file of any size. The database and the keyspace \
      are created when they are not there.

      Examples:
        martlet set cities.db Reykjavik 64.1355,-21.8954
        martlet set photos.db cover.jpg --file cover.jpg
        echo hello | martlet set notes.db today --file -
      """)

  @OptionGroup package var arguments: DatabaseArguments

  @Argument(help: "The key.")
  package var key: String

  @Argument(help: "The value.")
  package var value: String?

  @Option(help: "Take the value from a file; - is standard input.", completion: .file())
  package var file: String?

  @Option(help: "What the change survives: full, ordered or relaxed.")
  package var durability: Durability = .full

  /// Larger values are streamed into the database instead of being held in memory.
  private static let streamingThreshold = 8 << 20

  package init() {}

  package func validate() throws {
    guard (value == nil) != (file == nil) else {
      throw ValidationError("give the value either as an argument or with --file")
    }
  }

  package func run() throws {
    // The input is opened, and small input is read, before the database is.
    guard let file else { return try store(Array((value ?? "").utf8)) }
    let descriptor = file == "-" ? Descriptor.standardInput : try Descriptor(reading: file)
    if let byteCount = descriptor.byteCount, byteCount > Self.streamingThreshold {
      try stream(descriptor, named: file, byteCount: byteCount)
    } else {
      var bytes: [UInt8] = []
      while case let piece = try descriptor.read(atMost: 1 << 20), !piece.isEmpty { bytes += piece }
      try store(bytes)
    }
  }

  private func store(_ bytes: [UInt8]) throws {
    try arguments.withDatabase(durability: durability) { database in
      let keyspace = try database.keyspace(arguments.keyspace)
      try database.write { (transaction: borrowing Transaction) in
        try transaction.set(bytes, for: key, in: keyspace)
      }
    }
  }

  private func stream(_ descriptor: Descriptor, named file: String, byteCount: Int) throws {
    try arguments.withDatabase(durability: durability) { database in
      let keyspace = try database.keyspace(arguments.keyspace)
      try database.write(retry: .never) { (transaction: borrowing Transaction) in
        try transaction.setLarge(byteCount: byteCount, for: key, in: keyspace) { writer in
          var rest = byteCount
          while rest > 0 {
            let piece = try descriptor.read(atMost: min(rest, 1 << 20))
            guard !piece.isEmpty else { throw ToolError("\(file): became shorter while read") }
            try writer.append(piece)
            rest -= piece.count
          }
        }
      }
    }
  }
}
