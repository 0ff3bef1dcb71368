package import ArgumentParser
internal import Martlet

/// `martlet stat`: what a database holds, and what the engine counted while it was open.
package struct StatCommand: ParsableCommand {
  package static let configuration = CommandConfiguration(
    commandName: "stat",
    abstract: "Show what a database holds.",
    discussion: """
      Shows the keyspaces and the sizes of the database. --count also counts the entries of each \
      keyspace and adds up their bytes, which reads all of them; --space shows what each keyspace \
      takes of the file: pages, large values, and keys that were removed and still take room.

      Examples:
        martlet stat cities.db
        martlet stat cities.db --count --json
        martlet stat cities.db --space
      """)

  @Argument(help: "The directory of the database.", completion: .directory)
  package var database: String

  @Flag(help: "Count the entries of each keyspace and their bytes.")
  package var count = false

  @Flag(help: "Show what each keyspace takes of the file.")
  package var space = false

  @Flag(help: "Print a JSON object.")
  package var json = false

  package init() {}

  package func run() throws {
    try withExistingDatabase(at: database) { open in
      let keyspaces = try open.keyspaceNames.map { name in
        KeyspaceFigures(
          name: name, census: count ? try Census(of: name, in: open) : nil)
      }
      let figures = DatabaseFigures(
        path: database, id: open.id.description, statistics: open.statistics,
        keyspaces: keyspaces, space: space ? try open.spaceReport() : nil)
      var output = Output()
      for line in json ? [figures.json.text] : figures.lines { try output.line(line) }
      try output.flush()
    }
  }
}

/// The entries of a keyspace and their bytes.
package struct Census: Equatable {
  package var entryCount = 0
  package var byteCount = 0

  package init() {}

  init(of name: String, in database: Database) throws {
    guard let keyspace = try database.existingKeyspace(name) else { return }
    var census = Census()
    try database.read { (snapshot: borrowing Snapshot) in
      try snapshot.forEachKey(in: keyspace, .all, reverse: false, limit: nil) { key, byteCount in
        census.entryCount += 1
        census.byteCount += key.byteCount + byteCount
        return .continue
      }
    }
    self = census
  }
}

/// A keyspace, and what is in it when that was counted.
package struct KeyspaceFigures {
  package var name: String
  package var census: Census?
}
