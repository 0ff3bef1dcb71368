package import ArgumentParser
internal import Martlet

/// `martlet dump`: a database as text.
package struct DumpCommand: ParsableCommand {
  package static let configuration = CommandConfiguration(
    commandName: "dump",
    abstract: "Write a database as text, for people and for other stores.",
    discussion: """
      Writes all keyspaces, or those named, as they are at one moment. martlet restore reads every \
      format back. The format martlet keeps everything: keyspaces with their options, text as text. \
      lmdb is what mdb_load reads, and bdb what db_load of Berkeley DB reads; with --print they \
      show printable characters as they are.

      mdb_load keeps keys up to 511 bytes, and reads --print wrongly before LMDB 0.9.26 where a \
      backslash occurs. Neither format can say when an entry expires: a database with such \
      entries is refused, unless --drop-expiry says that they may stay for good.

      Ends with 0 when all of it was written, with 1 when it was not, and with 64 for wrong \
      arguments.

      Examples:
        martlet dump cities.db > cities.dump
        martlet dump cities.db --keyspace people --keyspace places
        martlet dump cities.db --format lmdb | mdb_load new.lmdb
        martlet dump cities.db --format bdb | db5.3_load new.bdb
        martlet dump cities.db --output cities.dump --json
      """)

  /// Which tool the dump is for.
  package enum Format: String, ExpressibleByArgument, CaseIterable, Sendable {
    case martlet, lmdb, bdb
  }

  @Argument(help: "The directory of the database.", completion: .directory)
  package var database: String

  @Option(name: .shortAndLong, help: "A keyspace; may be repeated. Without it, all.")
  package var keyspace: [String] = []

  @Option(help: "Whose format.")
  package var format: Format = .martlet

  @Flag(help: "With lmdb and bdb: printable characters as they are.")
  package var print = false

  @Flag(help: "With lmdb and bdb: write entries that expire as if they did not.")
  package var dropExpiry = false

  @Option(name: .shortAndLong, help: "The file to write; without it, standard output.")
  package var output: String?

  @Flag(help: "Say at the end in JSON what was done, and show no progress.")
  package var json = false

  package init() {}

  package func validate() throws {
    guard format != .martlet || !print else {
      throw ValidationError("--print goes with --format lmdb or bdb")
    }
    guard format != .martlet || !dropExpiry else {
      throw ValidationError("--drop-expiry goes with --format lmdb or bdb; martlet keeps expiry")
    }
  }

  private var dumpFormat: DumpFormat {
    let notation: DumpNotation = print ? .printable : .bytes
    return switch format {
    case .martlet: .martlet
    case .lmdb: .lmdb(notation)
    case .bdb: .berkeleyDB(notation)
    }
  }

  package func run() throws {
    // On standard output a bar would stand among the lines.
    let progress = CopyProgress(
      noun: "entries", isQuiet: json || output == nil && Descriptor.standardOutput.isTerminal)
    func dump(_ open: Database, _ target: Descriptor) throws -> DumpSummary {
      try open.dump(
        dumpFormat, keyspaces: keyspace.isEmpty ? nil : keyspace, droppingExpiry: dropExpiry,
        progress: { progress.update($0) },
        into: { try target.write($0) })
    }
    let summary = try withExistingDatabase(at: database) { open in
      guard let output else { return try dump(open, .standardOutput) }
      return try PartialFile.write(output) { try dump(open, $0) }
    }
    progress.finish()
    guard output != nil || json else { return }
    var report = Output(output == nil ? .standardError : .standardOutput)
    if json {
      let object: JSON = [
        "keyspaces": .array(summary.keyspaces.map { .string($0) }),
        "entries": JSON(summary.entryCount), "bytes": JSON(summary.byteCount),
      ]
      try report.line(object.text)
    } else {
      try report.line(
        "dumped \(Figures.count(summary.entryCount, "entry", plural: "entries")) of "
          + Figures.count(summary.keyspaces.count, "keyspace"))
    }
    try report.flush()
  }
}
