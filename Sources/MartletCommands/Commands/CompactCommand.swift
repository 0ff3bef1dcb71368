package import ArgumentParser
internal import Martlet

/// `martlet compact`: as small a data file as there can be.
package struct CompactCommand: ParsableCommand {
  package static let configuration = CommandConfiguration(
    commandName: "compact",
    abstract: "Make the data file as small as it can be.",
    discussion: """
      Moves what the data file holds to its head and gives the rest back to the file system. The \
      engine does much of that by itself; after large deletions this does the rest. It needs no \
      space beside the file, and a crash at any moment loses nothing.

      A database that an application has open is compacted by that application, with \
      Database.compact, while it goes on.

      Ends with 0 when it is done, with 1 when it failed: the database is as it was, and with 64 \
      for wrong arguments.

      Examples:
        martlet compact cities.db
        martlet compact cities.db --json
      """)

  @Argument(help: "The directory of the database.", completion: .directory)
  package var database: String

  @Flag(help: "Say at the end in JSON what was done, and show no progress.")
  package var json = false

  package init() {}

  package func run() throws {
    let progress = CopyProgress(isQuiet: json)
    let summary = try withExistingDatabase(at: database) { open in
      try open.compact { progress.update($0) }
    }
    progress.finish()
    var output = Output()
    if json {
      let object: JSON = [
        "database": .string(database), "bytesBefore": JSON(summary.bytesBefore),
        "bytesAfter": JSON(summary.bytesAfter), "bytesMoved": JSON(summary.movedByteCount),
        "seconds": .number(Figures.fixed(Figures.seconds(summary.elapsed), digits: 6)),
      ]
      try output.line(object.text)
    } else {
      try output.line(
        "\(Figures.bytes(summary.bytesBefore)) before, \(Figures.bytes(summary.bytesAfter)) after, "
          + "\(Figures.bytes(summary.movedByteCount)) moved in \(Figures.time(summary.elapsed))")
    }
    try output.flush()
  }
}
