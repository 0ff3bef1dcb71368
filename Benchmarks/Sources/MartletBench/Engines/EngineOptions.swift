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

  /// The memory an engine may spend on its cache: all records of a default run fit.
  static let cacheByteCount = 512 << 20
}
