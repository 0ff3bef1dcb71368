package import Primitives

/// Who asks for a lock, and what it would cost to be the victim of a deadlock.
package struct LockClaimant: Sendable, Equatable {
  package let transaction: TransactionID
  /// Bytes written so far: the work a victim loses.
  package var weight: UInt64
  /// How often this piece of work was a victim already, over all its attempts.
  package var timesVictim: Int

  package init(_ transaction: TransactionID, weight: UInt64 = 0, timesVictim: Int = 0) {
    self.transaction = transaction
    self.weight = weight
    self.timesVictim = timesVictim
  }
}

/// The answer to a request.
package enum LockOutcome: Sendable, Equatable {
  /// The lock is held.
  case granted
  /// The request is queued; a notice follows. The owner parks the transaction's thread.
  case waiting
  /// The requester is the victim of a deadlock: the request is withdrawn, its other locks are
  /// held until `releaseAll`. The transactions of the cycle, each waiting for the next one, the
  /// last for the first.
  case deadlock(cycle: [TransactionID])
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
