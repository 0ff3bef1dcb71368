package import ArgumentParser
internal import Verification

/// `martlet model-check`: every state that a few replicas can reach, until something breaks or
/// nothing is left.
package struct ModelCheckCommand: ParsableCommand {
  package static let configuration = CommandConfiguration(
    commandName: "model-check",
    abstract: "Look at every state that a small replicated group can reach.",
    discussion: """
      A few replicas, the same code that programs use, in all that can happen to them within a \
      scope: who campaigns and when, which messages are lost, late, doubled or out of order, which \
      write a crash loses, who changes the members. In each state: one content a slot was chosen at \
      most, by a quorum that has it on the medium; all who know agree; no promise is taken back and \
      nothing is claimed before it is durable. Nearest states first, so that what is found is one \
      of the shortest ways to it.

      Examples:
        martlet model-check                    the scopes that are explored completely
        martlet model-check --list
        martlet model-check change --states 5000000
        martlet model-check --all --json

      Ends with 0 when nothing wrong was found, else with 1 and the way there.
      """)

  @Argument(help: "Names of scopes (default: those that are seen completely).")
  package var scopes: [String] = []

  @Flag(help: "All scopes.")
  package var all = false

  @Flag(help: "Print the scopes and end.")
  package var list = false

  @Option(help: "Find at most so many states in each scope.")
  package var states: Int?

  @Flag(help: "Report in JSON.")
  package var json = false

  package init() {}

  package func validate() throws {
    if let states, states < 1 { throw ValidationError("--states is at least 1") }
    for name in scopes where !ExplorationScope.catalogue.contains(where: { $0.name == name }) {
      throw ValidationError("there is no scope \"\(name)\"; see martlet model-check --list")
    }
  }

  private var chosen: [ExplorationScope.Named] {
    ExplorationScope.catalogue.filter { scope in
      all || (scopes.isEmpty ? scope.stateLimit == nil : scopes.contains(scope.name))
    }
  }

  package func run() throws {
    var output = Output()
    if list {
      for scope in ExplorationScope.catalogue {
        try output.line("\(scope.name): \(scope.purpose)")
      }
      return try output.flush()
    }
    var violated: [String] = []
    var reports: [JSON] = []
    for scope in chosen {
      let clock = ContinuousClock()
      let start = clock.now
      let result = explore(scope)
      let elapsed = clock.now - start
      if result.violation != nil { violated.append(scope.name) }
      if json {
        reports.append(report(scope, result, elapsed))
      } else {
        try print(scope, result, elapsed, to: &output)
        try output.flush()
      }
    }
    if json { try output.line(JSON.array(reports).text) }
    try output.flush()
    if !violated.isEmpty { throw ToolError("violated: \(violated.joined(separator: ", "))") }
  }

  private func explore(
    _ scope: ExplorationScope.Named
  ) -> Exploration<ConsensusGroup.Action> {
    let progress = ProgressDisplay(isQuiet: json)
    var explorer = Explorer<ConsensusGroup>()
    if let limit = states ?? scope.stateLimit { explorer.stateLimit = limit }
    explorer.progressStride = 10_000
    explorer.progress = { [name = scope.name, limit = explorer.stateLimit] in
      progress.show(
        $0.stateCount, of: limit,
        "\(name), \(Figures.count($0.transitionCount)) transitions, depth \($0.depth)")
    }
    return explorer.run(from: ConsensusGroup(scope.scope))
  }

  private func print(
    _ scope: ExplorationScope.Named, _ result: Exploration<ConsensusGroup.Action>,
    _ elapsed: Duration, to output: inout Output
  ) throws {
    try output.line(
      "\(scope.name): \(Figures.count(result.stateCount, "state")), "
        + "\(Figures.count(result.transitionCount)) transitions, depth \(result.depth), "
        + "\(Figures.time(elapsed)): "
        + (result.violation.map { "\($0.invariant) is broken: \($0.detail)" }
          ?? (result.isComplete ? "all states seen, nothing wrong" : "nothing wrong so far")))
    for (number, action) in result.trace.enumerated() {
      try output.line("  \(number + 1). \(action)")
    }
  }

  private func report(
    _ scope: ExplorationScope.Named, _ result: Exploration<ConsensusGroup.Action>,
    _ elapsed: Duration
  ) -> JSON {
    [
      "scope": .string(scope.name), "states": JSON(result.stateCount),
      "transitions": JSON(result.transitionCount), "depth": JSON(result.depth),
      "isComplete": .bool(result.isComplete),
      "seconds": .number(Figures.fixed(Figures.seconds(elapsed), digits: 3)),
      "violation": result.violation.map { .string("\($0.invariant): \($0.detail)") } ?? .null,
      "trace": .array(result.trace.map { .string($0.description) }),
    ]
  }
}

/// The progress line of an exploration.
private final class ProgressDisplay {
  private var reporter: ProgressReporter

  init(isQuiet: Bool) { reporter = ProgressReporter(noun: "states", isQuiet: isQuiet) }

  func show(_ count: Int, of limit: Int, _ note: String) {
    reporter.update(
      count: count, fraction: limit == .max ? nil : Double(count) / Double(limit), note: note)
  }
}
