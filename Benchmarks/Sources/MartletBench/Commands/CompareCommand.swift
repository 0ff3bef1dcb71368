import ArgumentParser
import Foundation

/// Runs every workload on every engine in turns, round after round, and reports.
struct CompareCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "compare",
    abstract: "Run workloads on engines in turns and report (the default).")

  @Option(help: "Workloads, by name, separated by commas; all by default.")
  var workloads: String?

  @Option(
    help: ArgumentHelp(
      "Engines, by name, separated by commas; each workload's own by default.",
      discussion: EngineKind.allCases.map(\.rawValue).joined(separator: ", ")))
  var engines: String?

  @Option(help: "The number of records.")
  var records: Int?

  @Flag(help: "Few records and one round: to see that everything works, not how fast.")
  var quick = false

  @Option(help: "How often every engine takes its turn at every workload.")
  var rounds: Int?

  @Option(help: "The seed of keys, values and orders.")
  var seed: UInt64 = 1

  @Option(help: "The folder to make databases in; a temporary one on disk by default.")
  var directory: String?

  @Option(help: "Also write every measurement to this file, as a JSON array.")
  var json: String?

  func run() throws {
    let scale = Scale(
      records: records ?? (quick ? Scale.quickRecords : Scale.standardRecords))
    let rounds = rounds ?? (quick ? 1 : 3)
    guard scale.records > 0, rounds > 0 else {
      throw ValidationError("--records and --rounds must be positive")
    }
    let workloads = try selectedWorkloads()
    let named = try namedEngines()
    func engines(at workload: Workload) -> [EngineKind] { named ?? workload.kind.standardEngines }
    let takingPart = Set(workloads.flatMap(engines(at:)))
    let folder = try TrialFolder(base: directory)
    defer { folder.remove() }
    let machine = Machine()
    var results = Results(
      engines: EngineKind.allCases.filter(takingPart.contains), workloads: workloads,
      records: scale.records)
    let progress = Progress(
      total: rounds * workloads.reduce(0) { $0 + engines(at: $1).count })

    for workload in workloads {
      for round in 1...rounds {
        for engine in engines(at: workload) {
          progress.show("\(workload), round \(round), \(engine.rawValue)")
          let trial = Trial(
            engine: engine, workload: workload, scale: scale, seed: seed,
            directory: folder.path(of: engine))
          do {
            results.add(try TrialProcess.run(trial), engine, workload)
          } catch {
            results.addFailure("\(workload), round \(round), \(engine.rawValue): \(error)")
          }
          folder.clear(engine)
        }
      }
    }
    progress.finish()

    let report = TerminalReport(
      results: results, machine: machine, command: commandLine, directory: folder.base,
      rounds: rounds, seed: seed)
    print(report.lines.joined(separator: "\n"))
    if let json {
      try Measurement.json(results.measurements).write(
        toFile: json, atomically: true, encoding: .utf8)
    }
    if !results.failures.isEmpty { throw ExitCode.failure }
  }

  private func namedEngines() throws -> [EngineKind]? {
    guard let engines else { return nil }
    return try engines.split(separator: ",").map { name in
      guard let engine = EngineKind(rawValue: String(name)) else {
        throw ValidationError("no engine is called '\(name)'")
      }
      guard engine.isInstalled else {
        throw ValidationError("\(name) takes part only when its library is installed")
      }
      return engine
    }
  }

  private func selectedWorkloads() throws -> [Workload] {
    guard let workloads else { return Workload.all }
    let kinds = try workloads.split(separator: ",").map { name in
      guard let kind = Workload.Kind(rawValue: String(name)) else {
        let known = Workload.Kind.allCases.map(\.rawValue).joined(separator: ", ")
        throw ValidationError("no workload is called '\(name)'; there are \(known)")
      }
      return kind
    }
    return Workload.all.filter { kinds.contains($0.kind) }
  }

  private var commandLine: String {
    (["swift run -c release martlet-bench"] + CommandLine.arguments.dropFirst())
      .joined(separator: " ")
  }
}
