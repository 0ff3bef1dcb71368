package import ArgumentParser
internal import Martlet

/// `martlet verify`: every page and every batch, checked.
package struct VerifyCommand: ParsableCommand {
  package static let configuration = CommandConfiguration(
    commandName: "verify",
    abstract: "Check every page and every log batch.",
    discussion: """
      Checks keys against fence keys, that each mapped page is reachable exactly once, that no \
      two places overlap, that no timestamp is above the checkpoint's, the lengths of overflow \
      values, and every log batch. Ends with 1 and the place of each damage when there is one.

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
    let report = try withExistingDatabase(at: database) { open in
      try open.verify { state in
        let fraction = state.total > 0 ? Double(state.done) / Double(state.total) : nil
        progress.update(count: state.done, fraction: fraction)
      }
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
    if !report.isClean {
      let count = report.findings.count
      throw ToolError(
        "\(database): \(count == 1 ? "1 damaged place" : "\(count) damaged places"), "
          + "the first: \(report.findings[0])")
    }
  }

  private static func summary(of report: VerificationReport) -> JSON {
    [
      "isClean": .bool(report.isClean), "pages": JSON(report.pageCount),
      "entries": JSON(report.entryCount), "batches": JSON(report.batchCount),
      "findings": .array(
        report.findings.map { finding in
          [
            "location": .string(finding.location), "expected": .string(finding.expected),
            "found": .string(finding.found),
          ]
        }),
    ]
  }
}
