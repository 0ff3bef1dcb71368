package import ArgumentParser
package import Martlet

/// `martlet remove`: keys, all or none of them.
package struct RemoveCommand: ParsableCommand {
  package static let configuration = CommandConfiguration(
    commandName: "remove",
    abstract: "Remove keys.",
    discussion: """
      All of them are removed in one transaction. A key that is not there is an error, and then \
      none is removed.

      Examples:
        martlet remove cities.db Atlantis
        martlet remove app.db 17 18 19 --keyspace users
      """)

  @OptionGroup package var arguments: DatabaseArguments

  @Argument(help: "The keys.")
  package var keys: [String]

  @Option(help: "What the change survives: full, ordered or relaxed.")
  package var durability: Durability = .full

  package init() {}

  package func run() throws {
    try arguments.withExistingDatabase(durability: durability) { database in
      let keyspace = try arguments.existingKeyspace(in: database)
      try database.write { (transaction: borrowing Transaction) in
        for key in keys {
          guard try transaction.contains(key, in: keyspace) else {
            throw ToolError(
              "\(arguments.database): there is no key \(key) in keyspace \(arguments.keyspace); "
                + "nothing was removed")
          }
        }
        for key in keys { try transaction.remove(key, in: keyspace) }
      }
    }
  }
}
