/// What a campaign of runs comes to: nothing, or promises broken, or kinds of fault that never came.
struct CampaignVerdict {
  struct Failure {
    let seed: UInt64
    let kind: String
    let detail: String
    /// The one command that repeats the run.
    let command: String
    /// Further words for people.
    var plan: String?
  }

  let failures: [Failure]
  /// Kinds of fault that never occurred.
  let missing: [String]

  var isClean: Bool { failures.isEmpty && missing.isEmpty }

  /// One line for the end.
  var conclusion: String {
    if let first = failures.first {
      let count = Figures.count(failures.count, "run")
      return "\(count) broke a promise; repeat the first with: \(first.command)"
    }
    return "kinds of fault that never occurred: " + missing.joined(separator: ", ")
  }

  func print(to output: inout Output) throws {
    for failure in failures {
      try output.line("")
      try output.line("run \(failure.seed) broke a promise: \(failure.kind): \(failure.detail)")
      try output.line("  repeat it: \(failure.command)")
      if let plan = failure.plan { try output.line(plan) }
    }
    if isClean { try output.line("every promise was kept") }
  }

  /// The members with which each report in JSON ends.
  var members: [JSON.Member] {
    let list = failures.map { failure -> JSON in
      [
        "seed": JSON(failure.seed), "kind": .string(failure.kind),
        "detail": .string(failure.detail), "command": .string(failure.command),
      ]
    }
    return [
      JSON.Member("missing", .array(missing.map { .string($0) })),
      JSON.Member("failures", .array(list)),
    ]
  }

  /// A figure before what it counts, in a column.
  static func row(_ count: Int, _ what: String) -> String {
    let text = Figures.count(count)
    return String(repeating: " ", count: max(0, 14 - text.count)) + text + "  " + what
  }
}
