/// What a transaction may see of others, from least to most protected.
public enum IsolationLevel: String, Sendable, Hashable, CaseIterable {
  /// Forbids dirty writes only.
  case readUncommitted
  /// And dirty reads.
  case readCommitted
  /// And fuzzy reads and lost updates.
  case repeatableRead
  /// One snapshot, first updater wins: everything but write skew.
  case snapshot
  /// As if one after another.
  case serializable
  /// As if one after another, in the order of real time.
  case strictSerializable
}
