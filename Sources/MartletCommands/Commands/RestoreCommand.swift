package import ArgumentParser
internal import Foundation
internal import Martlet

/// `martlet restore`: a new database out of a backup or a dump.
package struct RestoreCommand: ParsableCommand {
  package static let configuration = CommandConfiguration(
    commandName: "restore",
    abstract: "Make a new database out of a backup or a dump.",
    discussion: """
      The source is the directory of a backup, the file or pipe of a backup stream, or a dump: of \
      martlet dump, of LMDB's mdb_dump or of Berkeley DB's db_dump. Its first bytes tell which. All \
      of it is checked, and the new directory opens only when all of it is there: one that was cut \
      short, damaged or wrong leaves none.

      With --merge a dump goes into a database that is there: new keyspaces as a whole, others \
      take the entries in, and a key that is in both gets the value of the dump.

      Ends with 0 when everything is there, with 1 and the place, for a dump the line, when it is \
      not, and with 64 for wrong arguments.

      Examples:
        martlet restore backups/monday cities.db
        martlet restore cities.backup cities.db
        ssh host martlet backup cities.db - | martlet restore - cities.db
        mdb_dump -a old.lmdb | martlet restore - cities.db
        db5.3_dump old.bdb | martlet restore - cities.db --keyspace cities
        martlet restore more.dump cities.db --merge
      """)

  @Argument(help: "The backup or the dump; - is standard input.", completion: .file())
  package var source: String

  @Argument(help: "The directory of the new database.", completion: .directory)
  package var database: String

  @Option(name: .shortAndLong, help: "Where a database of a dump goes that has no name.")
  package var keyspace: String = "default"

  @Flag(help: "Take a dump into a database that is there.")
  package var merge = false

  @Flag(help: "Verify the new database at the end.")
  package var verify = false

  @Flag(help: "Say at the end in JSON what was done, and show no progress.")
  package var json = false

  package init() {}

  package func run() throws {
    let type =
      try? FileManager.default.attributesOfItem(atPath: source)[.type] as? FileAttributeType
    if source != "-" && type == .typeDirectory {
      try requireNoMerge()
      let progress = CopyProgress(isQuiet: json)
      let summary = try Database.restore(from: source, to: database) { progress.update($0) }
      progress.finish()
      return try report(summary)
    }
    let input = try PeekedInput(source)
    if Database.isBackupStream(input.beginning) {
      try requireNoMerge()
      let progress = CopyProgress(isQuiet: json)
      let summary = try Database.restore(
        to: database, progress: { progress.update($0) }, from: input.next)
      progress.finish()
      return try report(summary)
    }
    try restoreDump(input)
  }

  private func requireNoMerge() throws {
    if merge { throw ToolError("\(source): --merge is for dumps, and this is a backup") }
  }

  private func restoreDump(_ input: PeekedInput) throws {
    let progress = CopyProgress(noun: "entries", isQuiet: json)
    let clock = ContinuousClock()
    let start = clock.now
    let summary: DumpSummary
    do {
      if merge {
        summary = try withExistingDatabase(at: database) { open in
          try open.load(
            into: keyspace, merging: true, progress: { progress.update($0) }, from: input.next)
        }
      } else {
        var configuration = Configuration()
        configuration.events = writeEvent
        summary = try Database.restore(
          dump: input.next, to: database, into: keyspace, configuration: configuration,
          progress: { progress.update($0) })
      }
    } catch let error as DatabaseError where error.code == .invalidArgument {
      throw ToolError("\(source): \(error.message)")
    }
    progress.finish()
    try verifyIfAsked()
    var output = Output()
    if json {
      let object: JSON = [
        "database": .string(database), "keyspaces": .array(summary.keyspaces.map { .string($0) }),
        "entries": JSON(summary.entryCount), "bytes": JSON(summary.byteCount),
        "seconds": .number(Figures.fixed(Figures.seconds(clock.now - start), digits: 6)),
      ]
      try output.line(object.text)
    } else {
      try output.line(
        "restored \(Figures.count(summary.entryCount, "entry", plural: "entries")) in "
          + "\(Figures.count(summary.keyspaces.count, "keyspace")) in "
          + Figures.time(clock.now - start))
    }
    try output.flush()
  }

  private func report(_ summary: BackupSummary) throws {
    try verifyIfAsked()
    var output = Output()
    if json {
      try output.line(summary.json(verb: "database", database).text)
    } else {
      try output.line(
        "restored \(Figures.count(summary.pageCount, "page")), "
          + "\(Figures.bytes(summary.byteCount)), in \(Figures.time(summary.elapsed)): the state at "
          + Figures.date(nanoseconds: summary.timestamp.rawValue))
    }
    try output.flush()
  }

  private func verifyIfAsked() throws {
    guard verify else { return }
    let report = try Database.verify(at: database)
    if let first = report.findings.first {
      throw ToolError("\(database): damaged: \(first)")
    }
  }
}

/// An input whose first bytes have been looked at.
final class PeekedInput {
  private let descriptor: Descriptor
  private(set) var beginning: [UInt8] = []
  private var isTaken = false

  private static let byteCount = 1 << 20

  init(_ path: String) throws {
    descriptor = path == "-" ? .standardInput : try Descriptor(reading: path)
    // A pipe may hand the first bytes out in pieces.
    while beginning.count < 16 {
      let piece = try descriptor.read(atMost: Self.byteCount)
      if piece.isEmpty { break }
      beginning += piece
    }
  }

  /// The next bytes; none at the end.
  func next() throws -> [UInt8] {
    guard isTaken else {
      isTaken = true
      return beginning
    }
    return try descriptor.read(atMost: Self.byteCount)
  }
}
