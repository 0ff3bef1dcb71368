/// How far a bulk build is.
public struct BuildProgress: Sendable, Hashable {
  /// What a build does, in this order; in ascending order it does not sort or merge.
  public enum Phase: String, Sendable, Hashable, CaseIterable {
    /// Records arrive and are written to memory and to sorted files.
    case sorting
    /// Sorted files become fewer.
    case merging
    /// Records go to the leaves of the tree.
    case building
    /// The checkpoint that makes the keyspace durable is written.
    case committing
  }

  /// What it does now.
  public let phase: Phase
  /// Records that this phase has handled.
  public let recordCount: Int
  /// Their keys and values, in bytes.
  public let byteCount: Int
}

/// In which order the keys of a bulk build arrive.
public enum BuildOrder: Sendable, Hashable {
  /// Strictly ascending, each key once.
  case ascending
  /// In any order. Of records with the same key the last one counts, as if they had been set one
  /// after the other. What exceeds `memory` bytes, of which at least 256 KiB are needed, is sorted in
  /// files inside the database's directory: about as many bytes as keys and values have, large
  /// values apart.
  case any(memory: Int = 64 << 20)

  /// A block for each of three runs, and one for what they become.
  private static let leastMemory = 256 << 10

  var memory: Int? {
    switch self {
    case .ascending: nil
    case .any(let memory): memory
    }
  }

  func validate() throws(DatabaseError) {
    if let memory, memory < Self.leastMemory {
      throw DatabaseError(
        .invalidArgument,
        "a build sorts in at least \(Self.leastMemory) bytes of memory, not \(memory)")
    }
  }
}
