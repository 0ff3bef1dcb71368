import ArgumentParser

/// How an engine is opened for a workload.
struct EngineOptions: Sendable {
  /// What a commit waits for. Fixed while the engine is open.
  enum Durability: String, Sendable, Codable, ExpressibleByArgument {
    /// On the medium before the commit returns.
    case full
    /// No sync on the commit path. What a crash may cost differs: see `EngineKind.settings`.
    case relaxed
  }

  let directory: String
  let durability: Durability
  /// The memory the engine may spend, on its cache, on buffers of writes, and in the system's cache
  /// of its files where it relies on that.
  let memoryBudget: Int
  /// How many threads work at once: what an engine has once a connection is divided by it.
  let sessions: Int
  /// Whether the data is larger than the budget, so that reads wait for the device.
  let isCold: Bool
}
