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
    run.facts(results).map { "- **\($0.name)**: \($0.text)" } + [""] + figures + [""] + verdicts
  }

  /// Engines that take part nearly everywhere; the others stand in a column of their own.
  private var columns: [EngineKind] {
    results.engines.filter(EngineKind.comparison.contains)
  }

  private var figures: [String] {
    let head = ["workload", "threads"] + columns.map(\.rawValue) + ["others"]
    let rows = results.workloads.map { workload in
      func figure(_ engine: EngineKind) -> String? {
        results.headline(engine, workload).map { workload.kind.metric.text($0.median) }
      }
      let others = results.engines(at: workload).filter { !columns.contains($0) }
        .compactMap { engine in figure(engine).map { "\(engine.rawValue) \($0)" } }
      return ["`\(workload.kind.name)`", String(workload.threads)]
        + columns.map { figure($0) ?? "" } + [others.joined(separator: ", ")]
    }
    let rounds = run.rounds == 1 ? "One round" : "Medians of \(run.rounds) rounds"
    return Self.table([head] + rows) + [
      "", "\(rounds); operations a second where no unit stands.",
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
