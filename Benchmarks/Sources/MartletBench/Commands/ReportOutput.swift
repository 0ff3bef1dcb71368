import ArgumentParser
import Foundation

/// Where the report goes besides the terminal.
struct ReportOutput: ParsableArguments {
  @Option(help: "Also write every measurement to this file, as a JSON array.")
  var json: String?

  @Option(help: "Also write every measurement to this file, as comma-separated values.")
  var csv: String?

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
    lines += findings.map { "\(run.isQuick ? "warning" : "BADLY CONFIGURED PEER"): \($0)" }
    lines += results.failures.map { "FAILED: \($0)" }
    print(lines.joined(separator: "\n"))

    if let json { try save(Measurement.json(measurements), json) }
    if let baseline { try save(Measurement.json(measurements), baseline) }
    if let csv { try save(Measurement.csv(measurements), csv) }
    return results.failures.isEmpty && (run.isQuick || findings.isEmpty)
  }

  private func save(_ text: String, _ path: String) throws {
    try text.write(toFile: path, atomically: true, encoding: .utf8)
  }
}
