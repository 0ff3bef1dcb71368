internal import ConcurrencyControl

/// Which protocol serves which level.
///
/// ```
///  level               default               others
///  readUncommitted     write locks
///  readCommitted       write locks
///  repeatableRead      two-phase locking
///  snapshot            first updater wins
///  serializable        serializableSnapshot  twoPhaseLocking, optimistic
///  strictSerializable  twoPhaseLocking       optimistic, serializableSnapshot
/// ```
///
/// The defaults of the last two are the configuration's.
struct ProtocolTable: Sendable {
  private let serializable: TransactionProtocol
  private let strictSerializable: TransactionProtocol

  init(_ configuration: Configuration) {
    serializable = configuration.serializableProtocol
    strictSerializable = configuration.strictSerializableProtocol
  }

  /// The protocol that a transaction asks for.
  ///
  /// - Throws: `invalidArgument` when the level is not served by the protocol asked for.
  func resolve(_ level: IsolationLevel, _ wish: TransactionProtocol?) throws(DatabaseError)
    -> any ConcurrencyProtocol
  {
    switch (level, wish) {
    case (.readUncommitted, nil), (.readUncommitted, .twoPhaseLocking):
      StatementProtocol(showsPendingWrites: true)
    case (.readCommitted, nil), (.readCommitted, .twoPhaseLocking):
      StatementProtocol(showsPendingWrites: false)
    case (.repeatableRead, nil), (.repeatableRead, .twoPhaseLocking):
      TwoPhaseLockingProtocol(locksIntervals: false)
    case (.snapshot, nil): SnapshotProtocol(isSerializable: false)
    case (.serializable, let wish): Self.serializing(wish ?? serializable)
    case (.strictSerializable, let wish): Self.serializing(wish ?? strictSerializable)
    case (_, let wish?):
      throw DatabaseError(
        .invalidArgument,
        "level .\(level.rawValue) cannot be had by .\(wish.rawValue); leave the protocol out, or "
          + "ask for .serializable")
    }
  }

  /// The protocol that victims of the others are run under when they failed too often (rule O10).
  func escalated() -> any ConcurrencyProtocol { Self.serializing(.twoPhaseLocking) }

  /// All three keep the order of real time as well: every snapshot shows what was acknowledged
  /// before it was taken, and the order of commits is that of the section.
  private static func serializing(_ choice: TransactionProtocol) -> any ConcurrencyProtocol {
    switch choice {
    case .twoPhaseLocking: TwoPhaseLockingProtocol(locksIntervals: true)
    case .optimistic: OptimisticProtocol()
    case .serializableSnapshot: SnapshotProtocol(isSerializable: true)
    }
  }
}
