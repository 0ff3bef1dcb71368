internal import Verification

/// A scenario at one setting, for people and for scripts.
struct ScenarioReport {
  let trial: ScenarioTrial
  /// Runs that are shown step by step: their names and lines.
  private var shown: [(name: String, lines: [String])] = []
  private var runs: [JSON] = []

  /// Runs it.
  init(_ scenario: Scenario, at setting: IsolationSetting, limit: Int, isVerbose: Bool) throws {
    let isListed = if case .listed = scenario.permutations { true } else { false }
    var shown: [(name: String, lines: [String])] = []
    var runs: [JSON] = []
    trial = try ScenarioTrial.run(scenario, at: setting, limit: limit) { name, run in
      guard isListed || isVerbose else { return }
      let order = run.order.map { scenario.steps[$0].name }.joined(separator: " ")
      let lines = run.transcript(of: scenario)
      shown.append((name.map { "\($0): \(order)" } ?? order, lines))
      runs.append([
        "name": name.map(JSON.string) ?? .null, "order": .string(order),
        "transcript": .array(lines.map(JSON.string)),
      ])
    }
    self.shown = shown
    self.runs = runs
  }

  func print(to output: inout Output) throws {
    let scenario = trial.scenario
    try output.line("\(scenario.name) at \(trial.setting): \(scenario.title)")
    for run in shown {
      try output.line("  \(run.name)")
      for line in run.lines { try output.line("    \(line)") }
    }
    let orders =
      trial.triedCount == trial.orderCount
      ? Figures.count(trial.triedCount, "order")
      : "\(Figures.count(trial.triedCount)) of "
        + (trial.orderCount == .max ? "very many orders" : Figures.count(trial.orderCount, "order"))
    try output.line(
      "  \(orders) tried: somebody was aborted in \(Figures.count(trial.abortedOrderCount)), "
        + "somebody waited in \(Figures.count(trial.blockedOrderCount))")
    for (code, count) in trial.aborts.sorted(by: { $0.key < $1.key }) {
      try output.line("  aborted with \(code): \(Figures.count(count, "transaction"))")
    }
    for happening in trial.happenings {
      let what = happening.count == 0 ? "never" : "in \(Figures.count(happening.count, "order"))"
      try output.line("  \(happening.name): \(what)")
      if shown.isEmpty, let first = happening.first {
        for line in first.transcript(of: scenario) { try output.line("    \(line)") }
      }
    }
    for failure in trial.failures {
      let place = failure.line.map { "line \($0): " } ?? ""
      try output.line(
        "  NOT MET: \(place)\(failure.text) (in \(Figures.count(failure.count, "order")))")
      for line in failure.transcript(of: scenario) { try output.line("    \(line)") }
    }
    if trial.isAsExpected, trial.hasExpectations {
      try output.line("  every expectation was met")
    }
    try output.line("")
  }

  var json: JSON {
    let aborts = trial.aborts.sorted { $0.key < $1.key }.map { JSON.Member($0.key, JSON($0.value)) }
    return [
      "level": .string(trial.setting.level.rawValue),
      "protocol": trial.setting.concurrency.map { .string($0.rawValue) } ?? .null,
      "isAsExpected": .bool(trial.isAsExpected), "hasExpectations": .bool(trial.hasExpectations),
      "tried": JSON(trial.triedCount), "orders": JSON(trial.orderCount),
      "abortedOrders": JSON(trial.abortedOrderCount),
      "blockedOrders": JSON(trial.blockedOrderCount), "aborts": .object(aborts),
      "happened": .object(trial.happenings.map { JSON.Member($0.name, JSON($0.count)) }),
      "failures": .array(
        trial.failures.map { failure in
          [
            "line": failure.line.map { JSON($0) } ?? .null, "expectation": .string(failure.text),
            "orders": JSON(failure.count),
            "transcript": .array(failure.transcript(of: trial.scenario).map(JSON.string)),
          ]
        }),
      "runs": .array(runs),
    ]
  }
}
