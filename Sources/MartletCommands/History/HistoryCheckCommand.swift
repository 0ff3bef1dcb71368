package import ArgumentParser
internal import Verification

/// `martlet history check`: judges a history.
package struct HistoryCheckCommand: ParsableCommand {
  package static let configuration = CommandConfiguration(
    commandName: "check",
    abstract: "Check a history against a consistency model.",
    discussion: """
      Dependencies between the transactions are inferred from what they were answered, and \
      searched for cycles: nothing but the history is needed. What is reported has happened.

      Models, each with what it forbids:
        read-uncommitted      G0, lost and doubled writes
        read-committed        and G1a, G1b, G1c, updates on top of aborted ones
        repeatable-read       and fuzzy reads, lost updates, G-single, G2-item
        snapshot-isolation    read-committed, and lost updates, G-single, G-nonadjacent
        serializable          every cycle
        strict-serializable   every cycle, real time included
        mixed                 each transaction by its own "level"

      Ends with 0 when the model allows the history, with 1 when it does not, and with 2 when the \
      history cannot be read.

      Examples:
        martlet history check run.jsonl
        martlet history check jepsen/history.edn --model snapshot-isolation
        martlet history check run.jsonl --model mixed --json
      """)

  @Argument(help: "The history, JSON lines or EDN; - for standard input.", completion: .file())
  package var file: String

  @Option(name: .shortAndLong, help: "The consistency model, or mixed.")
  package var model = "serializable"

  @Flag(help: "Also report cycles in real time that the model allows.")
  package var realtime = false

  @Flag(help: "Count the order of each process as binding, as sessions do.")
  package var sessions = false

  @Option(help: "The money in a bank history (default: what its first transaction wrote).")
  package var total: Int?

  @Flag(help: "Report in JSON.")
  package var json = false

  package init() {}

  package func validate() throws { _ = try historyModel() }

  package func run() throws {
    let clock = ContinuousClock()
    let start = clock.now
    let history: History
    let report: HistoryReport
    do {
      history = try read()
      var checker = HistoryChecker(try historyModel())
      checker.reportsRealTime = realtime
      checker.countsProcessOrder = sessions
      checker.total = total
      var progress = ProgressReporter(noun: "operations", isQuiet: json)
      report = try checker.check(history) { stage in
        progress.update(count: history.operationCount, fraction: nil, note: stage)
      }
      progress.finish()
    } catch {
      let text = ToolError(describing: error).description
      // A file that cannot be opened is named already.
      let place = text.hasPrefix("\(file): ") ? "" : "\(file): "
      try Descriptor.standardError.write("Error: \(place)\(text)\n")
      throw ExitCode(2)
    }
    let text = HistoryReportText(
      report: report, history: history, file: file, elapsed: clock.now - start)
    var output = Output()
    if json { try output.line(text.json.text) } else { try text.print(to: &output) }
    try output.flush()
    if !report.isValid { throw ExitCode.failure }
  }

  private func historyModel() throws -> HistoryModel {
    if model == "mixed" { return .mixed }
    guard let model = ConsistencyModel(name: model) else {
      let names = ConsistencyModel.allCases.map(\.rawValue) + ["mixed"]
      throw ValidationError(
        "there is no model \"\(self.model)\"; there are \(names.joined(separator: ", "))")
    }
    return .uniform(model)
  }

  private func read() throws -> History {
    let descriptor = file == "-" ? Descriptor.standardInput : try Descriptor(reading: file)
    defer { if file != "-" { descriptor.closeFile() } }
    var bytes: [UInt8] = []
    bytes.reserveCapacity(descriptor.byteCount ?? 0)
    while true {
      let chunk = try descriptor.read(atMost: 1 << 20)
      if chunk.isEmpty { break }
      bytes += chunk
    }
    var progress = ProgressReporter(noun: "events", isQuiet: json)
    let history = try History(decoding: bytes) { events, position in
      progress.update(
        count: events, fraction: Double(position) / Double(max(1, bytes.count)), note: "reading")
    }
    progress.finish()
    return history
  }
}
