import Dispatch
import Foundation

/// A trial in a process of its own.
enum TrialProcess {
  /// After so long a trial counts as hung. The slowest of a default run takes about two minutes.
  private static let timeLimitSeconds = 1_800

  /// - Parameter isQuick: whether the device may be busy with what the trial before has left: waiting
  ///   for all that the system holds takes long on a machine with other work.
  /// - Throws: `BenchmarkError.trial` when the process fails or does not end, with what it said.
  static func run(_ trial: Trial, isQuick: Bool) throws -> Outcome {
    if !isQuick { Device.flushEverything() }
    let process = Process()
    process.executableURL = Bundle.main.executableURL
    process.arguments = [
      "trial", "--engine", trial.engine.rawValue, "--workload", trial.workload.kind.name,
      "--threads", String(trial.workload.threads), "--records", String(trial.scale.records),
      "--seed", String(trial.seed), "--directory", trial.directory,
    ]
    let output = Pipe()
    let complaints = Pipe()
    process.standardOutput = output
    process.standardError = complaints
    try process.run()
    let identifier = process.processIdentifier
    let limit = DispatchWorkItem { kill(identifier, SIGKILL) }
    DispatchQueue.global().asyncAfter(
      deadline: .now() + .seconds(timeLimitSeconds), execute: limit)
    // Ends when the process has closed its output, that is, at its end.
    let bytes = output.fileHandleForReading.readDataToEndOfFile()
    let said = complaints.fileHandleForReading.readDataToEndOfFile()
    limit.cancel()
    process.waitUntilExit()
    guard process.terminationStatus == 0 else {
      let how = process.terminationReason == .uncaughtSignal ? "signal" : "exit code"
      let text = String(decoding: said, as: UTF8.self).trimmingCharacters(
        in: .whitespacesAndNewlines)
      throw BenchmarkError.trial("ended with \(how) \(process.terminationStatus): \(text)")
    }
    FileHandle.standardError.write(said)
    return try JSONDecoder().decode(Outcome.self, from: bytes)
  }
}
