/// What a transaction may see of others, from least to most protected.
///
/// Each transaction gets its own level's guarantee whatever the others run at (rule M1).
public enum IsolationLevel: String, Sendable, Hashable, CaseIterable, Codable {
  /// Forbids dirty writes only: reads show what others have written and not committed.
  case readUncommitted
  /// And dirty reads: each operation shows the newest committed state.
  case readCommitted
  /// And fuzzy reads, lost updates and write skew on keys that were read: what was read stays as
  /// it is. Keys may still appear in a range that was scanned.
  case repeatableRead
  /// One snapshot, first updater wins: everything but write skew.
  case snapshot
  /// As if one after another.
  case serializable
  /// As if one after another, in the order of real time.
  case strictSerializable
}

extension IsolationLevel: Comparable {
  /// Ordered by protection.
  public static func < (left: IsolationLevel, right: IsolationLevel) -> Bool {
    left.rank < right.rank
  }

  private var rank: Int {
    switch self {
    case .readUncommitted: 0
    case .readCommitted: 1
    case .repeatableRead: 2
    case .snapshot: 3
    case .serializable: 4
    case .strictSerializable: 5
    }
  }
}
