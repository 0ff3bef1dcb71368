package import ArgumentParser
package import Verification

/// `martlet isolation`: what the isolation levels promise, tried out.
package struct IsolationCommand: ParsableCommand {
  package static let configuration = CommandConfiguration(
    commandName: "isolation",
    abstract: "Try out what the isolation levels promise, step by step.",
    discussion: """
      Examples:
        martlet isolation matrix                    every anomaly at every level
        martlet isolation matrix --html matrix.html
        martlet isolation show                      the scenarios that come with the tool
        martlet isolation show P4 > mine.scenario   one of them, to begin from
        martlet isolation run mine.scenario --level RC

      The format of scenario files is described in the documentation, article "Scenarios".
      """,
    subcommands: [IsolationMatrixCommand.self, IsolationRunCommand.self, IsolationShowCommand.self])

  package init() {}
}

/// `martlet isolation show`: the scenarios that come with the tool.
package struct IsolationShowCommand: ParsableCommand {
  package static let configuration = CommandConfiguration(
    commandName: "show", abstract: "List the built-in scenarios, or print one of them.",
    discussion: """
      Examples:
        martlet isolation show
        martlet isolation show P4 > mine.scenario
        martlet isolation show --json
      """)

  @Argument(help: "The name of a scenario; without it, all are listed.")
  package var name: String?

  @Flag(help: "List them in JSON.")
  package var json = false

  package init() {}

  package func validate() throws {
    if name != nil && json { throw ValidationError("--json lists, and a name prints a file") }
  }

  package func run() throws {
    var output = Output()
    if json {
      let all = try ScenarioCatalogue.anomalies() + ScenarioCatalogue.schedules()
      let list = all.map { scenario -> JSON in
        ["name": .string(scenario.name), "title": .string(scenario.title)]
      }
      try output.line(JSON.array(list).text)
    } else if let name {
      guard let text = ScenarioCatalogue.text(named: name) else {
        throw ToolError("there is no scenario \"\(name)\"; see martlet isolation show")
      }
      try output.line(text)
    } else {
      for (heading, scenarios) in [
        ("anomalies:", try ScenarioCatalogue.anomalies()),
        ("schedules that tell the protocols apart:", try ScenarioCatalogue.schedules()),
      ] {
        try output.line(heading)
        for scenario in scenarios {
          try output.line("  \(Columns.left(scenario.name, 22))\(scenario.title)")
        }
      }
    }
    try output.flush()
  }
}

/// Which levels and protocols a command works at.
package struct IsolationSettingArguments: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "A level: RU, RC, RR, SI, SER or SSER; may be repeated (default: all).", valueName: "level"),
    transform: choice)
  package var level: [ScenarioLevel] = []

  @Option(
    name: .customLong("protocol"),
    help: ArgumentHelp(
      "A protocol of SER and SSER: SSI, 2PL or OCC; may be repeated (default: all).",
      valueName: "protocol"),
    transform: choice)
  package var protocols: [ScenarioProtocol] = []

  package init() {}

  package func validate() throws {
    if settings.isEmpty {
      throw ValidationError("the levels given have none of the protocols given")
    }
  }

  /// In the order of the matrix.
  var settings: [IsolationSetting] {
    IsolationSetting.all.filter { setting in
      (level.isEmpty || level.contains(setting.level))
        && (protocols.isEmpty || setting.concurrency.map(protocols.contains) ?? false)
    }
  }
}

/// One of the values of an enumeration, by its name.
private func choice<Choice: RawRepresentable<String> & CaseIterable>(
  _ name: String
) throws -> Choice {
  guard let choice = Choice(rawValue: name) else {
    let names = Choice.allCases.map(\.rawValue).joined(separator: ", ")
    throw ValidationError("\(name) is none of \(names)")
  }
  return choice
}

/// Text in columns.
enum Columns {
  /// Filled up with spaces behind.
  static func left(_ text: String, _ width: Int) -> String {
    text + String(repeating: " ", count: max(0, width - text.count))
  }

  /// Filled up with spaces in front.
  static func right(_ text: String, _ width: Int) -> String {
    String(repeating: " ", count: max(0, width - text.count)) + text
  }
}
