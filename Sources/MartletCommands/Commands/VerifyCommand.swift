package import ArgumentParser
internal import Martlet

/// `martlet verify`: every page and every batch, checked.
package struct VerifyCommand: ParsableCommand {
  package static let configuration = CommandConfiguration(
    commandName: "verify",
    abstract: "Check every page and every log batch.",
    discussion: """
      Checks keys against fence keys, that each mapped page is reachable exactly once, that no \
      two places overlap, that no timestamp is above the newest commit's, the lengths of overflow \
      values, and every log batch. Prints the place of each damage, and what it affects: keys of a \
      keyspace, a large value, commits of the log. A database too damaged to be opened is read as \
      it lies, and not changed: superblocks, page map, page images and log batches.

      Ends with 0 when there is no damage, with 1 when there is, or when it could not be looked \
      for, and with 64 for wrong arguments. With --json the object on standard output tells the \
      first two cases apart: it is there when damage was looked for.

      Examples:
        martlet verify cities.db
        martlet verify cities.db --json
      """)

  @Argument(help: "The directory of the database.", completion: .directory)
  package var database: String

  @Flag(help: "Report in JSON.")
  package var json = false

  package init() {}

  package func run() throws {
    let clock = ContinuousClock()
    let start = clock.now
    var progress = ProgressReporter(noun: "pages", isQuiet: json)
    let report = try verify { state in
      let fraction = state.total > 0 ? Double(state.done) / Double(state.total) : nil
      progress.update(count: state.done, fraction: fraction)
    }
    progress.finish()
    var output = Output()
    if json {
      try output.line(Self.summary(of: report).text)
    } else {
      for finding in report.findings { try output.line("\(database): \(finding)") }
      if report.isClean {
        try output.line(
          "\(database): no damage in \(Figures.count(report.pageCount, "page")), "
            + "\(Figures.count(report.entryCount, "entry", plural: "entries")) and "
            + "\(Figures.count(report.batchCount, "log batch", plural: "log batches")), "
            + "checked in \(Figures.time(clock.now - start))")
      }
    }
    try output.flush()
    if let error = report.openingError {
      throw ToolError("\(database): does not open: \(error.message)")
    }
    if let first = report.findings.first {
      let count = report.findings.count
      throw ToolError(
        "\(database): \(count == 1 ? "1 damaged place" : "\(count) damaged places"), "
          + "the first: \(first)")
    }
  }

  private func verify(
    _ progress: (VerificationProgress) -> Void
  ) throws -> VerificationReport {
    var configuration = Configuration(createIfMissing: false)
    configuration.events = writeEvent
    do {
      return try Database.verify(at: database, configuration: configuration, progress: progress)
    } catch let error as DatabaseError where !error.message.contains(database) {
      throw ToolError("\(database): \(error.message)")
    }
  }

  private static func summary(of report: VerificationReport) -> JSON {
    var members: [JSON.Member] = [
      .init("isClean", .bool(report.isClean)), .init("opens", .bool(report.openingError == nil)),
    ]
    if let error = report.openingError { members.append(.init("error", .string(error.message))) }
    members += [
      .init("pages", JSON(report.pageCount)), .init("entries", JSON(report.entryCount)),
      .init("batches", JSON(report.batchCount)),
      .init("findings", .array(report.findings.map(finding))),
    ]
    return .object(members)
  }

  private static func finding(_ finding: CorruptionError) -> JSON {
    var members: [JSON.Member] = [
      .init("location", .string(finding.location)), .init("expected", .string(finding.expected)),
      .init("found", .string(finding.found)),
    ]
    if let affects = finding.affects { members.append(.init("affects", .string(affects))) }
    return .object(members)
  }
}
