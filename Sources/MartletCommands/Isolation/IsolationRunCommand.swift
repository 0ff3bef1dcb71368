package import ArgumentParser
internal import Foundation
internal import Verification

/// `martlet isolation run`: a scenario file, at some levels.
package struct IsolationRunCommand: ParsableCommand {
  package static let configuration = CommandConfiguration(
    commandName: "run",
    abstract: "Run a scenario file: sessions, named steps, orders, expectations.",
    discussion: """
      The scenario runs on a database in memory at each level, or at the ones given. Orders that \
      the file lists are printed; of all others, the first in which something of note happened. \
      Ends with 0 when every expectation was met, else with 1.

      Examples:
        martlet isolation run mine.scenario
        martlet isolation run P4 --level RC --verbose
        martlet isolation show A5B | martlet isolation run - --json
      """)

  @Argument(
    help: ArgumentHelp(
      "The scenario's file, \"-\" for standard input, or the name of a built-in scenario.",
      valueName: "file"))
  package var file: String

  @OptionGroup package var settingArguments: IsolationSettingArguments

  @Option(help: "Orders tried at a level, at most, spread evenly over all.")
  package var limit = ScenarioTrial.standardLimit

  @Flag(help: "Print every run, step by step.")
  package var verbose = false

  @Flag(help: "Report in JSON.")
  package var json = false

  package init() {}

  package func validate() throws {
    if limit < 1 { throw ValidationError("--limit is at least 1") }
  }

  package func run() throws {
    let scenario = try readScenario()
    var output = Output()
    var reports: [ScenarioReport] = []
    for setting in settingArguments.settings {
      let report = try ScenarioReport(scenario, at: setting, limit: limit, isVerbose: verbose)
      if !json { try report.print(to: &output) }
      reports.append(report)
    }
    let failed = reports.filter { !$0.trial.isAsExpected }
    if json {
      let isAsExpected = failed.isEmpty
      let document: JSON = [
        "name": .string(scenario.name), "title": .string(scenario.title),
        "isAsExpected": .bool(isAsExpected), "settings": .array(reports.map(\.json)),
      ]
      try output.line(document.text)
    }
    try output.flush()
    if !failed.isEmpty {
      throw ToolError(
        "expectations of \(scenario.name) were not met at "
          + failed.map { "\($0.trial.setting)" }.joined(separator: ", "))
    }
    if !reports.contains(where: \.trial.hasExpectations), !json {
      try Descriptor.standardError.write("the file expects nothing at the levels that were run\n")
    }
  }

  private func readScenario() throws -> Scenario {
    let text: String
    if file != "-", !FileManager.default.fileExists(atPath: file),
      let builtIn = ScenarioCatalogue.text(named: file)
    {
      text = builtIn
    } else {
      do {
        let data =
          file == "-"
          ? FileHandle.standardInput.readDataToEndOfFile()
          : try Data(contentsOf: URL(fileURLWithPath: file))
        text = String(decoding: data, as: UTF8.self)
      } catch {
        throw ToolError("\(file): \(ToolError(describing: error).description)")
      }
    }
    do throws(ScenarioSyntaxError) {
      return try Scenario(parsing: text)
    } catch {
      throw ToolError("\(file): \(error)")
    }
  }
}
