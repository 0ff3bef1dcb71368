package import ArgumentParser
internal import Martlet

/// Which database and which keyspace: shared by the commands.
package struct DatabaseArguments: ParsableArguments {
  @Argument(help: "The directory of the database.", completion: .directory)
  package var database: String

  @Option(name: .shortAndLong, help: "The keyspace.")
  package var keyspace: String = "default"

  package init() {}

  /// Runs a body with the database open, making it when it is not there, and closes it.
  func withDatabase<Result>(
    durability: Durability, _ body: (Database) throws -> Result
  ) throws -> Result {
    try open(database, Configuration(durability: durability), body)
  }

  /// Runs a body with the database open, which must be there, and closes it.
  func withExistingDatabase<Result>(
    durability: Durability = .full, _ body: (Database) throws -> Result
  ) throws -> Result {
    try MartletCommands.withExistingDatabase(at: database, durability: durability, body)
  }

  /// The keyspace, which must be there.
  func existingKeyspace(in open: Database) throws -> Keyspace {
    guard let found = try open.existingKeyspace(keyspace) else {
      throw ToolError("\(database): there is no keyspace named \(keyspace)")
    }
    return found
  }
}

/// Runs a body with a database open, which must be there, and closes it.
func withExistingDatabase<Result>(
  at path: String, durability: Durability = .full, _ body: (Database) throws -> Result
) throws -> Result {
  try open(path, Configuration(durability: durability, createIfMissing: false), body)
}

/// Opens a database; the error of a failure names its path.
func openDatabase(at path: String, _ configuration: Configuration) throws -> Database {
  do {
    return try Database(at: path, configuration: configuration)
  } catch let error as DatabaseError where !error.message.contains(path) {
    throw ToolError("\(path): \(error.message)")
  }
}

/// Opens, runs, and closes whatever happens. Its news go to standard error.
private func open<Result>(
  _ path: String, _ configuration: Configuration, _ body: (Database) throws -> Result
) throws -> Result {
  var configuration = configuration
  configuration.events = writeEvent
  let database = try openDatabase(at: path, configuration)
  let result: Result
  do {
    result = try body(database)
  } catch {
    try? database.close()
    throw error
  }
  try database.close()
  return result
}

/// Writes the engine's news to standard error, such as the progress of a long recovery; but not what
/// happens all the time, nor that something which was asked for took a while.
@Sendable
func writeEvent(_ event: DatabaseEvent) {
  if event.severity == .debug || event.kind == .slowTransaction { return }
  // The command that was asked for a backup says itself how it went.
  if event.kind == .backup, event.severity == .notice { return }
  try? Descriptor.standardError.write("martlet: \(event.message)\n")
}
