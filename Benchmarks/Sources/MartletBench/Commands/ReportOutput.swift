import ArgumentParser
import Foundation

/// Where the report goes besides the terminal.
struct ReportOutput: ParsableArguments {
  @Option(help: "Also write every measurement to this file, as a JSON array.")
  var json: String?

  @Option(help: "Also write every measurement to this file, as comma-separated values.")
  var csv: String?

  @Option(help: "Also write the report to this file, as one page with charts.")
  var html: String?

  @Option(help: "Also put the tables of the report between the two markers of this file.")
  var readme: String?

  @Option(
    help: "Save the figures in this file, to compare later runs with; the form is that of --json.")
  var baseline: String?

  @Option(help: "Show what changed since the run whose figures this file holds.")
  var compare: String?

  /// Writes all reports.
  /// - Returns: whether the run was good: every trial succeeded, checksums agree, and, in a full run,
  ///   no peer is badly configured.
  func write(_ run: RunDescription, _ results: Results) throws -> Bool {
    let measurements = results.measurements
    var lines = TerminalReport(run: run, results: results).lines
    if let compare {
      lines += try BaselineComparison(path: compare, now: measurements).lines
    }
    let findings = PeerCheck.findings(results)
    let complaints =
      findings.map { "\(run.isQuick ? "warning" : "BADLY CONFIGURED PEER"): \($0)" }
      + results.failures.map { "FAILED: \($0)" }
    print((lines + complaints).joined(separator: "\n"))

    if let json { try save(Measurement.json(measurements), json) }
    if let baseline { try save(Measurement.json(measurements), baseline) }
    if let html {
      try save(HTMLReport(run: run, results: results, complaints: complaints).page, html)
    }
    if let readme { try ReadmeTable(run: run, results: results).write(to: readme) }
    if let csv { try save(Measurement.csv(measurements), csv) }
    return results.failures.isEmpty && (run.isQuick || findings.isEmpty)
  }

  private func save(_ text: String, _ path: String) throws {
    try text.write(toFile: path, atomically: true, encoding: .utf8)
  }
}
