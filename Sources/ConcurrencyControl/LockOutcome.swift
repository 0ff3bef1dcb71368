package import Primitives

/// Who asks for a lock, and what it would cost to be the victim of a deadlock.
package struct LockClaimant: Sendable, Equatable {
  package let transaction: TransactionID
  /// Bytes written so far: the work a victim loses.
  package var weight: UInt64
  /// How often this piece of work was a victim already, over all its attempts.
  package var timesVictim: Int
  /// The transaction inside whose body, on the same thread, this one was begun: it cannot go on
  /// before this one ends, so it waits for it (rule L8). Of several, the innermost that has asked
  /// for a lock.
  package var enclosing: TransactionID?

  package init(
    _ transaction: TransactionID, weight: UInt64 = 0, timesVictim: Int = 0,
    enclosing: TransactionID? = nil
  ) {
    self.transaction = transaction
    self.weight = weight
    self.timesVictim = timesVictim
    self.enclosing = enclosing
  }
}

/// The answer to a request.
package enum LockOutcome: Sendable, Equatable {
  /// The lock is held.
  case granted
  /// The request is queued; a notice follows. The owner parks the transaction's thread, and may
  /// ask `blockers(of:)` whom it waits for.
  case waiting
  /// The requester is the victim of a deadlock: the request is withdrawn, its other locks are
  /// held until `releaseAll`. The transactions of the cycle, each waiting for the next one, the
  /// last for the first.
  case deadlock(cycle: [TransactionID])
  /// There is no memory for the lock, and the requester holds too little for an escalation to
  /// make room (rule L11). Nothing is changed.
  case exhausted
}

/// News for a transaction that was waiting. The owner wakes its thread.
package struct LockNotice: Sendable, Equatable {
  package enum Event: Sendable, Equatable {
    /// Its request is granted.
    case granted
    /// It was chosen as the victim of a deadlock: its request is withdrawn.
    case deadlock(cycle: [TransactionID])
  }

  package let transaction: TransactionID
  package let event: Event

  package init(_ transaction: TransactionID, _ event: Event) {
    self.transaction = transaction
    self.event = event
  }
}

/// A transaction's locks of one keyspace that became one lock on the keyspace, because the table
/// was full (rule L11). The owner reports it: it costs concurrency.
package struct LockEscalation: Sendable, Equatable {
  package let transaction: TransactionID
  package let keyspace: KeyspaceID
  /// What it holds on the keyspace since.
  package let mode: KeyspaceLockMode
  /// How many locks on keys and intervals it held there.
  package let replaced: Int

  package init(
    transaction: TransactionID, keyspace: KeyspaceID, mode: KeyspaceLockMode, replaced: Int
  ) {
    self.transaction = transaction
    self.keyspace = keyspace
    self.mode = mode
    self.replaced = replaced
  }
}
