package import Primitives

/// What a step of a replica wants done. The order of durability is in the type: what may be sent
/// only when something is on the medium stands inside the write that has to come first.
///
/// The driver, for each step: hands `send` to the network at once; performs `write`, if there is
/// one, in the order of the steps, sends `write.thenSend` when it is durable and then steps
/// `.durable(write.token)`; applies `deliver` in order and steps `.applied`; answers `outcomes`.
/// Any of these may take as long as it takes, and a step may follow meanwhile.
package struct Actions: Sendable {
  package var send: [Envelope] = []
  package var write: Write?
  /// Newly chosen entries, contiguous from the last delivered one: to be applied in this order.
  package var deliver: [Entry] = []
  package var outcomes: [Outcome] = []
  /// A member lacks what the log here no longer holds: send it an image (rule S1).
  package var offerImageTo: [ReplicaID] = []
  /// Entries up to here are needed by nobody; the driver may drop them from the medium.
  package var truncateThrough: Slot?
  /// The replica can do nothing any more, and why: an entry that it does not know, its removal.
  package var halt: HaltReason?

  package init() {}
}

/// Something to be made durable, and what may be sent then and not before (rule G3).
package struct Write: Sendable {
  package let token: WriteToken
  /// Nil: unchanged.
  package var hardState: HardState?
  /// Accepted entries: each replaces what its slot held.
  package var entries: [Entry]
  package var thenSend: [Envelope]

  package init(
    token: WriteToken, hardState: HardState? = nil, entries: [Entry] = [],
    thenSend: [Envelope] = []
  ) {
    self.token = token
    self.hardState = hardState
    self.entries = entries
    self.thenSend = thenSend
  }
}

/// The answer to a request of the driver.
package enum Outcome: Sendable, Hashable {
  /// Chosen in a slot, and from now on it may be told to whoever proposed it.
  case proposal(RequestID, Result<Slot, Refusal>)
  /// Whoever has applied everything up to the slot may read. A replica that does not lead has, when it
  /// says so, and is to read before it applies what later steps deliver.
  case read(RequestID, Result<Slot, Refusal>)
  case configuration(RequestID, Result<Slot, Refusal>)
  case transfer(RequestID, Result<Ballot, Refusal>)
}

/// Why a request was not carried out.
package enum Refusal: Error, Hashable, Sendable {
  /// Nothing of it happened: ask the leader, if one is known.
  case notLeader(hint: ReplicaID?)
  /// Nothing of it happened: as many as the window holds are under way.
  case overloaded
  /// It may yet be chosen or may never be: leadership was lost meanwhile.
  case unknownOutcome
  /// Nothing of it happened: another change of members or of leader is under way.
  case busy
  /// Nothing of it happened: the change would not leave a live quorum, would bring a removed
  /// replica back, or makes a voter of one that is not caught up (rules M3, M6).
  case unsafeConfiguration
  /// Nothing of it happened: no quorum answers.
  case unavailable
}

package enum HaltReason: Hashable, Sendable {
  /// The group goes on without this replica.
  case removed
}
