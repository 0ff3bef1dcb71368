import Foundation

/// A trial in a process of its own.
enum TrialProcess {
  /// - Throws: `BenchmarkError.trial` when the process fails; what it said goes to standard error.
  static func run(_ trial: Trial) throws -> Outcome {
    Device.flushEverything()
    let process = Process()
    process.executableURL = Bundle.main.executableURL
    process.arguments = [
      "trial", "--engine", trial.engine.rawValue, "--workload", trial.workload.kind.rawValue,
      "--threads", String(trial.workload.threads), "--records", String(trial.scale.records),
      "--seed", String(trial.seed), "--directory", trial.directory,
    ]
    let output = Pipe()
    process.standardOutput = output
    try process.run()
    let bytes = output.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    guard process.terminationStatus == 0 else {
      let how = process.terminationReason == .uncaughtSignal ? "signal" : "exit code"
      throw BenchmarkError.trial("ended with \(how) \(process.terminationStatus)")
    }
    return try JSONDecoder().decode(Outcome.self, from: bytes)
  }
}
