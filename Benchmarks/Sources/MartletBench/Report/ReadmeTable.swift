import Foundation

/// The figures of a run as a table in Markdown, and the place in a file where it stands.
struct ReadmeTable: Sendable {
  let run: RunDescription
  let results: Results

  private static let begin = "<!-- results: begin -->"
  private static let end = "<!-- results: end -->"

  /// Replaces what stands between the two markers of a file.
  /// - Throws: `BenchmarkError.file` when they are not there; nothing is changed.
  func write(to path: String) throws {
    let text = try String(contentsOfFile: path, encoding: .utf8)
    guard let begin = text.range(of: Self.begin),
      let end = text.range(of: Self.end, range: begin.upperBound..<text.endIndex)
    else {
      throw BenchmarkError.file("\(path) has no lines \(Self.begin) and \(Self.end)")
    }
    let replaced =
      text[..<begin.upperBound] + "\n\n" + lines.joined(separator: "\n") + "\n\n"
      + text[end.lowerBound...]
    try String(replaced).write(toFile: path, atomically: true, encoding: .utf8)
  }

  private var lines: [String] {
    // A report on the README itself ends with the option that wrote it: the command is whole.
    run.facts(results).map { "- **\($0.name)**: \($0.text)" } + [""] + figures + [""] + verdicts
  }

  /// Engines that take part in more than a workload of their own.
  private var columns: [EngineKind] {
    results.engines.filter { $0 != .device && $0 != .reference }
  }

  private var figures: [String] {
    let head = ["workload", "threads"] + columns.map(\.rawValue)
    let rows = results.workloads.filter { $0.kind != .deviceWrite }.map { workload in
      let cells = columns.map { engine in
        results.headline(engine, workload).map { workload.kind.metric.text($0.median) } ?? ""
      }
      return ["`\(workload.kind.name)`", String(workload.threads)] + cells
    }
    return Self.table([head] + rows) + [
      "", "Medians of \(run.rounds) rounds; operations a second where no unit stands.",
    ]
  }

  private var verdicts: [String] {
    let head = ["target", "threads", "who", "against", "wanted", "found", ""]
    let rows = TargetVerdict.all(results).map { verdict in
      [
        "`\(verdict.target.workload.kind.name)`", String(verdict.target.workload.threads),
        verdict.subject, verdict.yardstick, verdict.target.wanted,
        verdict.target.text(verdict.found), verdict.isMet ? "met" : "**MISSED**",
      ]
    }
    return rows.isEmpty ? [] : Self.table([head] + rows)
  }

  private static func table(_ rows: [[String]]) -> [String] {
    guard let head = rows.first else { return [] }
    var lines = rows.map { "| " + $0.joined(separator: " | ") + " |" }
    lines.insert("|" + String(repeating: "---|", count: head.count), at: 1)
    return lines
  }
}
