import ArgumentParser
import Verification

/// Measures how fast three replicas agree when nothing but agreeing takes time: no disk, no network,
/// one thread.
struct ConsensusCoreCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "consensus-core",
    abstract: "Measure the consensus state machines alone, without disk and network.")

  @Option(help: "The replicas of the group.")
  var replicas: Int = 3

  @Option(help: "Bytes of a command.")
  var bytes: Int = 100

  @Option(help: "Commands to choose, for each number handed over at a time.")
  var commands: Int = 2_000_000

  @Option(help: "Numbers of commands that are handed over at a time.")
  var together: [Int] = [1, 8, 64, 256]

  @Option(help: "Chosen entries in a second that the best of them has to reach.")
  var target: Double = 300_000

  func run() throws {
    var best = 0.0
    for together in together {
      var measurement = ConsensusCoreMeasurement(replicas: replicas)
      measurement.run(commands: commands, byteCount: bytes, together: together)
      best = max(best, measurement.rate)
      print(
        "consensus-core: \(replicas) replicas, \(bytes) B, \(together) at a time:"
          + " \(Int(measurement.rate)) chosen entries/s")
    }
    guard best >= target else { throw ExitCode.failure }
  }
}
