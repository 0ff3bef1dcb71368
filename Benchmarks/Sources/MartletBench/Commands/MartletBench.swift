import ArgumentParser

/// Measures Martlet against other embedded storage engines on the same work.
@main
struct MartletBench: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "martlet-bench",
    abstract: "Measures Martlet against other embedded storage engines on the same work.",
    subcommands: [
      CompareCommand.self, TrialCommand.self, VictimCommand.self, CheckpointLatencyCommand.self,
      BeyondMemoryCommand.self, ConsensusCoreCommand.self, ReplicatedPutsCommand.self,
      CompareGRDBCommand.self, AppsCommand.self,
    ],
    defaultSubcommand: CompareCommand.self)
}
