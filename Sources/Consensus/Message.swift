package import Primitives

/// What replicas of a group say to each other. Any message may be lost, late, doubled or out of
/// order; none is ever trusted to be recent.
package enum Message: Hashable, Sendable {
  // Election.

  /// "I have not heard from the leader": asked before a ballot is used, so that a replica with one
  /// deaf ear cannot depose a leader whom a quorum hears (section 3, rule 1). `attempt` tells the
  /// replies of one question from those of another.
  case suspect(attempt: UInt64, chosenSlot: Slot, logStart: Slot)
  case suspectReply(attempt: UInt64, agrees: Bool, promised: Ballot)
  /// Phase 1 over every slot from here on.
  case prepare(Ballot, from: Slot)
  case promise(Promise)
  /// The sender has promised a higher ballot than the one that was asked for.
  case reject(asked: Ballot, promised: Ballot)

  // Steady state.

  /// Phase 2 of a contiguous run of slots, each entry in the ballot; empty as a probe.
  case accept(Ballot, entries: [Entry], chosenSlot: Slot)
  /// Durable at the sender: everything in this ballot through `through`, and of what lies behind
  /// the slots listed.
  case accepted(Ballot, through: Slot, beyond: [Slot])
  /// Chosen up to here; the leader's sign of life, and the question of a read round (rule R1).
  case chosen(Ballot, through: Slot, readRound: UInt64)
  /// The answer to any sign of life of the leader: the newest read round seen in its ballot, and
  /// how far the sender's own knowledge goes.
  case acknowledge(Ballot, readRound: UInt64, chosenSlot: Slot, acceptedSlot: Slot)

  // Catching up.

  /// Asks for chosen entries, half-open.
  case fetch(Range<Slot>)
  /// Chosen entries, contiguous; and from where on the sender has any.
  case fetched([Entry], chosenSlot: Slot, logStart: Slot)

  // Reading and handing over.

  /// A follower asks where a read that begins now has to wait for (rule R2).
  case readIndex(RequestID)
  case readIndexReply(RequestID, Result<Slot, Refusal>)
  /// Take over at once: sent by a leader whose last entry, a release of its lease, is chosen.
  case takeOver(Ballot)
  /// The receiver is no member any more, by the configuration chosen in this slot.
  case removed(at: Slot)
}

/// The answer to `prepare`: durable at the sender before it is sent.
package struct Promise: Hashable, Sendable {
  package let ballot: Ballot
  /// The sender knows everything up to here as chosen.
  package let chosenSlot: Slot
  /// The first slot that the sender's log still holds.
  package let logStart: Slot
  /// What the sender accepted from the asked slot on, ascending. A slot that is neither here nor
  /// in `unknown` holds nothing.
  package let accepted: [Entry]
  /// Slots about which it cannot say: they count for no quorum of phase 1.
  package let unknown: Range<Slot>?
  /// The newest configuration that the sender knows to be chosen, and its slot.
  package let configuration: Configuration
  package let configurationSlot: Slot

  package init(
    ballot: Ballot, chosenSlot: Slot, logStart: Slot, accepted: [Entry], unknown: Range<Slot>?,
    configuration: Configuration, configurationSlot: Slot
  ) {
    self.ballot = ballot
    self.chosenSlot = chosenSlot
    self.logStart = logStart
    self.accepted = accepted
    self.unknown = unknown
    self.configuration = configuration
    self.configurationSlot = configurationSlot
  }
}
