package import ArgumentParser
internal import Martlet

/// `martlet stat`: what a database holds, and what the engine counted while it was open.
package struct StatCommand: ParsableCommand {
  package static let configuration = CommandConfiguration(
    commandName: "stat",
    abstract: "Show what a database holds.",
    discussion: """
      Shows the keyspaces and the sizes of the database. --count also counts the entries of each \
      keyspace and adds up their bytes, which reads all of them.

      Examples:
        martlet stat cities.db
        martlet stat cities.db --count --json
      """)

  @Argument(help: "The directory of the database.", completion: .directory)
  package var database: String

  @Flag(help: "Count the entries of each keyspace and their bytes.")
  package var count = false

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
        keyspaces: keyspaces)
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

/// What `stat` shows.
struct DatabaseFigures {
  let path: String
  let id: String
  let statistics: Statistics
  let keyspaces: [KeyspaceFigures]

  /// For people.
  var lines: [String] {
    var rows: [(String, String)] = [
      ("identity", id),
      ("page size", Figures.bytes(statistics.pageSize)),
      ("pages", Figures.count(statistics.mappedPages)),
      ("data file", Figures.bytes(statistics.fileBytes)),
      ("of which used", Figures.bytes(statistics.usedBytes)),
      ("log since the checkpoint", Figures.bytes(statistics.logBytesSinceCheckpoint)),
      ("newest commit", Self.moment(statistics.newestTimestamp)),
      ("keyspaces", Figures.count(keyspaces.count)),
    ]
    for keyspace in keyspaces {
      let census = keyspace.census.map { census in
        "\(Figures.count(census.entryCount, "entry", plural: "entries")), "
          + Figures.bytes(census.byteCount)
      }
      rows.append(("  \(keyspace.name)", census ?? ""))
    }
    let width = rows.map(\.0.count).max() ?? 0
    let table = rows.map { name, value in
      value.isEmpty ? name : name + String(repeating: " ", count: width - name.count + 3) + value
    }
    return [path] + table.map { "  " + $0 }
  }

  /// For programs.
  var json: JSON {
    var members: [JSON.Member] = [.init("path", .string(path)), .init("id", .string(id))]
    for (name, value) in counters { members.append(.init(name, JSON(value))) }
    members.append(
      .init(
        "keyspaces",
        .array(
          keyspaces.map { keyspace in
            var members: [JSON.Member] = [.init("name", .string(keyspace.name))]
            if let census = keyspace.census {
              members.append(.init("entries", JSON(census.entryCount)))
              members.append(.init("bytes", JSON(census.byteCount)))
            }
            return .object(members)
          })))
    return .object(members)
  }

  /// What opening and this command did is not counted as the life of the database: only sizes
  /// and positions are shown.
  private var counters: [(String, UInt64)] {
    [
      ("pageSize", statistics.pageSize), ("mappedPages", statistics.mappedPages),
      ("fileBytes", statistics.fileBytes), ("usedBytes", statistics.usedBytes),
      ("logBytesSinceCheckpoint", statistics.logBytesSinceCheckpoint),
      ("newestTimestamp", statistics.newestTimestamp),
    ]
  }

  /// A timestamp with its date: nanoseconds since 1970.
  private static func moment(_ timestamp: UInt64) -> String {
    timestamp == 0 ? "none" : "\(timestamp), \(Figures.date(nanoseconds: timestamp))"
  }
}
