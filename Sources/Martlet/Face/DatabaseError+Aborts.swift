internal import ConcurrencyControl
internal import Primitives

// Aborts, each with its explanation: which key or range, which edges, and which transactions.

extension DatabaseError {
  /// First updater wins, and this transaction was not the first (rule M7).
  static func writeConflict(
    key: [UInt8], keyspace: KeyspaceID, transaction: TransactionID, by other: TransactionID?,
    snapshot: Timestamp, newer: Timestamp
  ) -> DatabaseError {
    DatabaseError(
      .writeConflict,
      "transaction \(transaction.rawValue) writes key \(quoted(key)) of keyspace "
        + "\(keyspace.rawValue), which \(other.map { "transaction \($0.rawValue)" } ?? "another") "
        + "committed at \(newer), after its snapshot at \(snapshot)",
      abort: AbortExplanation(
        .firstUpdaterWins, transaction, others: other.map { [$0] } ?? [],
        place: .init(keyspace: keyspace, key: key)))
  }

  /// Chosen to end a circle of waits (rule L7).
  static func deadlockVictim(
    _ transaction: TransactionID, _ cycle: [TransactionID], _ place: LockService.Place
  ) -> DatabaseError {
    let path = (cycle + cycle.prefix(1)).map { String($0.rawValue) }.joined(separator: " -> ")
    return DatabaseError(
      .deadlockVictim,
      "transaction \(transaction.rawValue) was rolled back to end a deadlock: \(path); it waited "
        + "for \(place.explained)",
      abort: AbortExplanation(.deadlock, transaction, others: cycle, place: place.explained))
  }

  /// Nobody let go of the lock in time.
  static func lockTimeout(
    _ transaction: TransactionID, _ blockers: [TransactionID], _ place: LockService.Place,
    _ timeout: UInt64
  ) -> DatabaseError {
    let names = blockers.map { String($0.rawValue) }.joined(separator: ", ")
    return DatabaseError(
      .lockTimeout,
      "transaction \(transaction.rawValue) waited longer than \(Double(timeout) / 1e9) s for a lock "
        + "on \(place.explained), held by \(names.isEmpty ? "another" : names); "
        + "Configuration.lockTimeout sets how long",
      abort: AbortExplanation(.lockTimeout, transaction, others: blockers, place: place.explained))
  }

  /// The time that the caller gave is over.
  static func deadlineExceeded(_ doing: String) -> DatabaseError {
    DatabaseError(
      .deadlineExceeded,
      "the time given by `within` was over \(doing); the transaction was rolled back")
  }

  /// No memory for a further lock, and nothing to escalate (rule L11).
  static func lockBudgetExhausted(_ transaction: TransactionID, _ place: LockService.Place)
    -> DatabaseError
  {
    DatabaseError(
      .lockBudgetExhausted,
      "there is no memory for the lock of transaction \(transaction.rawValue) on "
        + "\(place.explained); raise Configuration.lockBudget",
      abort: AbortExplanation(.lockBudget, transaction, place: place.explained))
  }

  /// The commit section refused the commit (rules S2, O3).
  static func serializationFailure(_ conflict: ConflictExplanation) -> DatabaseError {
    let explanation = AbortExplanation(conflict)
    let incoming = conflict.incoming.map { "transaction \($0.rawValue)" } ?? "another transaction"
    let outgoing = conflict.outgoing.map { "transaction \($0.rawValue)" } ?? "another transaction"
    let place = explanation.place.map { " (\($0))" } ?? ""
    let story =
      switch explanation.cause {
      case .pivot:
        "\(incoming) read what it writes, and it read\(place) what \(outgoing) has written and "
          + "committed first"
      case .readerOfPivot:
        "it read\(place) what \(outgoing) has written, who had read what somebody else wrote and "
          + "committed before"
      case .historyLost:
        "whether what it read\(place) is still the newest is not known any more; raise "
          + "Configuration.conflictBudget"
      default: "it read\(place) what \(outgoing) has written since"
      }
    return DatabaseError(
      .serializationFailure,
      "transaction \(conflict.transaction.rawValue) was rolled back: \(story)",
      abort: explanation)
  }
}
