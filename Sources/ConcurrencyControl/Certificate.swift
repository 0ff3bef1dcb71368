package import Primitives

/// The answer to a transaction that wants to commit.
package enum Certificate: Sendable, Equatable {
  /// It may commit, in this very section. What is with it goes to `record`.
  case granted(earliestOut: EarliestOut?)
  /// It must roll back. A retry cannot fail against the same transactions (rule S4): those it
  /// failed against have committed.
  case refused(ConflictExplanation)
}

/// The least commit timestamp among those who overwrote what a transaction had read, when it
/// committed: it is not a pivot for any other that committed before.
package struct EarliestOut: Sendable, Equatable, BitwiseCopyable {
  package let timestamp: Timestamp
  /// Whether only a summary or a read set that covers too much says so.
  package let isCoarse: Bool
}

/// Why a transaction was refused.
package struct ConflictExplanation: Sendable, Equatable {
  package enum Cause: String, Sendable, Hashable, CaseIterable {
    /// Somebody read what it writes, and it read what somebody had overwritten before that.
    case pivot
    /// It read what a pivot overwrote, and the pivot's other neighbour had committed first.
    case readerOfPivot
    /// Optimistic: what it read is not the newest state any more.
    case staleRead
    /// Optimistic: nobody can say whether it is, that part of the history is summarised (rule
    /// O9).
    case historyLost
  }

  /// What an edge is about.
  package enum Place: Sendable, Equatable {
    case name(LockName)
    case interval(KeyInterval)
    /// Some interval of a keyspace, of a reader whose marks are summarised.
    case keyspace(KeyspaceID)
  }

  /// One rw-dependency, from who read to who wrote.
  package struct Edge: Sendable, Equatable {
    package let place: Place
    /// The key that was written, when it is known.
    package let key: [UInt8]?
  }

  package let cause: Cause
  /// Whether the verdict rests on a summary or on a read set that covers more than was read: it
  /// may be false where an exact one would not be. Counted by cause (rule S12).
  package let isCoarse: Bool
  /// The victim.
  package let transaction: TransactionID
  /// Who read what the victim writes; nil when it is not known, or not part of the cause.
  package let incoming: TransactionID?
  /// Who wrote what the victim read; nil when it is not known.
  package let outgoing: TransactionID?
  package let incomingEdge: Edge?
  package let outgoingEdge: Edge?
}
