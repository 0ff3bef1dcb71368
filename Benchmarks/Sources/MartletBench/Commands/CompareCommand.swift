import ArgumentParser
import Foundation

/// Runs every workload on every engine in turns, round after round, and reports.
struct CompareCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "compare",
    abstract: "Run workloads on engines in turns and report (the default).")

  @OptionGroup var selection: Selection
  @OptionGroup var output: ReportOutput

  @Option(help: "The folder to make databases in; a temporary one on disk by default.")
  var directory: String?

  func run() throws {
    let plan = try selection.plan()
    let folder = try TrialFolder(base: directory)
    defer { folder.remove() }
    let run = RunDescription(
      command: commandLine, machine: Machine(), directory: folder.base, rounds: plan.rounds,
      seed: selection.seed, isQuick: selection.quick)
    let results = perform(plan, folder)
    let isGood = try output.write(run, results)
    if !isGood { throw ExitCode.failure }
  }

  /// Engines take turns within a round: A B C, A B C, …
  private func perform(_ plan: TrialPlan, _ folder: TrialFolder) -> Results {
    var results = Results(
      engines: plan.engines, workloads: plan.workloads, scale: plan.scale)
    let progress = Progress(
      plan.turns.flatMap { turn in
        (1...plan.rounds).flatMap { _ in
          turn.engines.map { Progress.Step(work: "\(turn.workload)", subject: $0.rawValue) }
        }
      })
    for turn in plan.turns {
      for round in 1...plan.rounds {
        for engine in turn.engines {
          let trial = Trial(
            engine: engine, workload: turn.workload, scale: plan.scale, seed: selection.seed,
            directory: folder.path(of: engine))
          let step = Progress.Step(work: "\(turn.workload)", subject: engine.rawValue)
          progress.run(step, round: round) {
            do {
              results.add(
                try TrialProcess.run(trial, isQuick: selection.quick), engine, turn.workload)
            } catch {
              results.addFailure(
                "\(turn.workload), round \(round), \(engine.rawValue): \(error)")
            }
          }
          folder.clear(engine)
        }
      }
    }
    progress.finish()
    return results
  }

  private var commandLine: String {
    (["swift run -c release martlet-bench"] + CommandLine.arguments.dropFirst())
      .joined(separator: " ")
  }
}
