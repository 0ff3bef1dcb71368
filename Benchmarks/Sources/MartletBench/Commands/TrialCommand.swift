import ArgumentParser
import Foundation

/// Runs one trial in this process and prints its outcome as a line of JSON.
///
/// The comparing command starts one such process a trial; started by hand, under `perf` say, it runs
/// the same code.
struct TrialCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "trial",
    abstract: "Run one workload on one engine in this process; prints JSON.")

  @Option(help: "The engine.")
  var engine: EngineKind

  @Option(help: "The workload.")
  var workload: String

  @Option(help: "The number of threads.")
  var threads: Int = 1

  @Option(help: "The number of records.")
  var records: Int = Scale.standardRecords

  @Option(help: "The seed of keys, values and orders.")
  var seed: UInt64 = 1

  @Option(help: "The folder of the database: it must be empty or absent.")
  var directory: String

  func run() throws {
    guard let kind = Workload.Kind(name: workload) else {
      throw ValidationError("no workload is called '\(workload)'")
    }
    guard kind.admits(engine) else {
      throw ValidationError("\(engine.rawValue) cannot do \(workload)")
    }
    let trial = Trial(
      engine: engine, workload: Workload(kind: kind, threads: threads),
      scale: Scale(records: records), seed: seed, directory: directory)
    let outcome = try trial.run()
    print(String(decoding: try JSONEncoder().encode(outcome), as: UTF8.self))
  }
}
