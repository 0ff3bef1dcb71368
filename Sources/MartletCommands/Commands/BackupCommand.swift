package import ArgumentParser
internal import Foundation
internal import Martlet

/// `martlet backup`: a copy that is a database of its own, or a stream.
package struct BackupCommand: ParsableCommand {
  package static let configuration = CommandConfiguration(
    commandName: "backup",
    abstract: "Copy a database, checking every page on the way.",
    discussion: """
      The copy is a directory that opens as a database of its own, or, with --stream, a file in \
      one piece, or, with -, the same on standard output: for a pipe, a tape, another machine. \
      It is compact whatever holes the original has. A damaged page ends it with an error that \
      names the page; martlet verify tells what is affected.

      A database that an application has open is backed up by that application, with \
      Database.backup, while it goes on. This command opens the database itself.

      Ends with 0 when the copy is complete, with 1 when it is not: then there is no copy, and \
      with 64 for wrong arguments.

      Examples:
        martlet backup cities.db backups/monday
        martlet backup cities.db cities.backup --stream
        martlet backup cities.db - | ssh host martlet restore - cities.db
        martlet backup cities.db backups/monday --json
      """)

  @Argument(help: "The directory of the database.", completion: .directory)
  package var database: String

  @Argument(
    help: "A directory that is absent or empty; with --stream a file; - is standard output.")
  package var target: String

  @Flag(help: "Make one file instead of a directory.")
  package var stream = false

  @Flag(help: "Say at the end in JSON what was done, and show no progress.")
  package var json = false

  package init() {}

  package func run() throws {
    let progress = CopyProgress(isQuiet: json)
    let summary = try withExistingDatabase(at: database) { open in
      if target == "-" {
        return try open.backup(progress: { progress.update($0) }) { piece in
          try Descriptor.standardOutput.write(piece)
        }
      }
      guard stream else {
        return try open.backup(to: target, progress: { progress.update($0) })
      }
      return try PartialFile.write(target) { file in
        try open.backup(progress: { progress.update($0) }) { piece in try file.write(piece) }
      }
    }
    progress.finish()
    try report(summary)
  }

  private func report(_ summary: BackupSummary) throws {
    // What is on standard output is the copy.
    var output = Output(target == "-" ? .standardError : .standardOutput)
    if json {
      try output.line(summary.json(verb: "target", target).text)
    } else {
      try output.line(
        "copied \(Figures.count(summary.pageCount, "page")), \(Figures.bytes(summary.byteCount)), "
          + "in \(Figures.time(summary.elapsed)): the state at "
          + Figures.date(nanoseconds: summary.timestamp.rawValue))
    }
    try output.flush()
  }
}

/// A file that has its name only when it is complete and on the medium.
enum PartialFile {
  static func write<Result>(
    _ path: String, _ body: (Descriptor) throws -> Result
  ) throws -> Result {
    let manager = FileManager.default
    guard !manager.fileExists(atPath: path) else {
      throw ToolError("\(path): this is there already; remove it, or use another name")
    }
    let partial = path + ".incomplete"
    let file = try Descriptor(creating: partial)
    do {
      defer { file.closeFile() }
      let result = try body(file)
      try file.synchronize()
      try manager.moveItem(atPath: partial, toPath: path)
      return result
    } catch {
      try? manager.removeItem(atPath: partial)
      throw error
    }
  }
}

/// The progress line of a copy, in MiB of page images, or of a dump, in entries.
final class CopyProgress {
  private var reporter: ProgressReporter

  init(noun: String = "MiB", isQuiet: Bool) {
    reporter = ProgressReporter(noun: noun, isQuiet: isQuiet)
  }

  func update(_ state: BackupProgress) {
    reporter.update(count: state.byteCount >> 20, fraction: state.fraction)
  }

  func update(_ state: DumpProgress) {
    reporter.update(count: state.entryCount, fraction: nil, note: state.keyspace)
  }

  func finish() { reporter.finish() }
}

extension BackupSummary {
  func json(verb: String, _ path: String) -> JSON {
    var members: [JSON.Member] = [
      .init(verb, .string(path)), .init("source", .string(source.description)),
    ]
    if let copy { members.append(.init("id", .string(copy.description))) }
    members += [
      .init("timestamp", .number(String(timestamp.rawValue))), .init("pages", JSON(pageCount)),
      .init("bytes", JSON(byteCount)),
      .init("seconds", .number(Figures.fixed(Figures.seconds(elapsed), digits: 6))),
    ]
    return .object(members)
  }
}
