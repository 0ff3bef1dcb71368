package import ArgumentParser
internal import Foundation
internal import Synchronization
internal import Verification

/// `martlet isolation matrix`: every anomaly at every level under every protocol.
package struct IsolationMatrixCommand: ParsableCommand {
  package static let configuration = CommandConfiguration(
    commandName: "matrix",
    abstract: "Try every anomaly at every level under every protocol, in all orders of its steps.",
    discussion: """
      An anomaly that a level forbids must not happen in any order of its steps; one that it allows \
      must be seen to happen, or the engine is more careful than it promises. Ends with 0 when \
      every cell is as promised, else with 1.

      Examples:
        martlet isolation matrix
        martlet isolation matrix --level SER --protocol OCC --anomaly P4
        martlet isolation matrix --html matrix.html
        martlet isolation matrix --json
      """)

  @OptionGroup package var settingArguments: IsolationSettingArguments

  @Option(help: "An anomaly by its name; may be repeated (default: all).")
  package var anomaly: [String] = []

  @Option(help: "Orders tried in a cell, at most, spread evenly over all.")
  package var limit = ScenarioTrial.standardLimit

  @Option(help: "Cells tried at the same time (default: as many as there are processors).")
  package var threads: Int?

  @Option(help: ArgumentHelp("Write a page with an SVG table to this file.", valueName: "file"))
  package var html: String?

  @Flag(help: "Report in JSON.")
  package var json = false

  package init() {}

  package func validate() throws {
    for (name, value) in [("--limit", limit), ("--threads", threads ?? 1)] where value < 1 {
      throw ValidationError("\(name) is at least 1")
    }
    let names = Set(try ScenarioCatalogue.anomalies().map(\.name))
    for name in anomaly where !names.contains(name) {
      throw ValidationError("there is no anomaly \"\(name)\"; see martlet isolation show")
    }
  }

  package func run() throws {
    // Before the work, not behind it.
    if let html { try requireFolder(of: html) }
    let scenarios = try ScenarioCatalogue.anomalies()
      .filter { anomaly.isEmpty || anomaly.contains($0.name) }
    let clock = ContinuousClock()
    let start = clock.now
    let matrix = try makeMatrix(scenarios)
    let report = IsolationMatrixReport(matrix: matrix, elapsed: clock.now - start)
    var output = Output()
    if json { try output.line(report.json.text) } else { try report.print(to: &output) }
    try output.flush()
    if let html {
      let page = IsolationPage(matrix: matrix).html
      do { try Data(page.utf8).write(to: URL(fileURLWithPath: html)) } catch {
        throw ToolError("\(html): \(ToolError(describing: error).description)")
      }
    }
    if !matrix.isAsPromised { throw ToolError(report.conclusion) }
  }

  /// Throws when the page cannot be made for want of a folder to make it in.
  private func requireFolder(of page: String) throws {
    let folder = URL(fileURLWithPath: page).deletingLastPathComponent().path
    guard FileManager.default.isWritableFile(atPath: folder) else {
      throw ToolError("\(page): there is no folder \(folder) that can be written to")
    }
  }

  private func makeMatrix(_ scenarios: [Scenario]) throws -> IsolationMatrix {
    let reporter = Mutex(ProgressReporter(noun: "cells", isQuiet: json))
    defer { reporter.withLock { $0.finish() } }
    return try IsolationMatrix.run(
      scenarios, at: settingArguments.settings, limit: limit,
      width: threads ?? ProcessInfo.processInfo.activeProcessorCount
    ) { done, total in
      reporter.withLock { $0.update(count: done, fraction: Double(done) / Double(total)) }
    }
  }
}
