package import Primitives

/// What can happen to a replica.
package enum Event: Sendable {
  case message(Envelope)
  /// The moment that `Replica.nextDeadline` named has come, or any other: harmless when early.
  case tick
  /// Everything of this write, and of all before it, is on the medium.
  case durable(WriteToken)
  /// The state machine has applied every entry up to here, in memory.
  case applied(through: Slot)
  /// Commands for the log. Each is answered by one `Outcome.proposal`.
  case propose([Proposal])
  /// A linearizable read: answered by one `Outcome.read` with the slot to wait for.
  case read(RequestID)
  /// Another set of members; answered by one `Outcome.configuration`.
  case changeConfiguration(RequestID, Configuration, isForced: Bool)
  /// Hands leadership over; answered by one `Outcome.transfer`.
  case transferLeadership(RequestID, to: ReplicaID)
  /// An image of everything up to `base.slot` is durable here: by a checkpoint, or because one
  /// that was received is installed and the state machine goes on from it. Entries up to there may be
  /// dropped, as far as nobody slower wants them.
  case imageDurable(LogBase)
  /// The medium answers, or has not for too long (rule F2): a leader hands over.
  case storeHealth(StoreHealth)
}

package enum StoreHealth: Hashable, Sendable { case good, stalled }

/// A command on its way into the log, and the number by which its outcome is told.
package struct Proposal: Hashable, Sendable {
  package let id: RequestID
  package let command: [UInt8]

  package init(id: RequestID, command: [UInt8]) {
    self.id = id
    self.command = command
  }
}

/// Names one request of the driver to its replica; never used twice in the life of a process.
package struct RequestID: Hashable, Comparable, Sendable, BitwiseCopyable {
  package let rawValue: UInt64

  package init(_ rawValue: UInt64) { self.rawValue = rawValue }

  package static func < (left: RequestID, right: RequestID) -> Bool {
    left.rawValue < right.rawValue
  }
}

/// Names one write of a replica; ascending.
package struct WriteToken: Hashable, Comparable, Sendable, BitwiseCopyable {
  package let rawValue: UInt64

  package init(_ rawValue: UInt64) { self.rawValue = rawValue }

  package static func < (left: WriteToken, right: WriteToken) -> Bool {
    left.rawValue < right.rawValue
  }
}
