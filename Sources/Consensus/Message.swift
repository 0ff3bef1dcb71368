package import Primitives

/// What replicas of a group say to each other. Any message may be lost, late, doubled or out of
/// order; none is ever trusted to be recent.
package enum Message: Hashable, Sendable {
  // Election.

  /// "I have not heard from the leader": asked before a ballot is used, so that a replica with one
  /// deaf ear cannot depose a leader whom a quorum hears (election rule 1). `attempt` tells the
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
  /// Durable at the sender, of what the leader has not called chosen: everything in this ballot
  /// through `through`, and of what lies behind the slots listed, ascending.
  case accepted(Ballot, through: Slot, beyond: [Slot])
  /// What is chosen; the leader's sign of life, and the question of a read round (rule R1).
  case chosen(ChosenNotice)
  /// The answer to a notice.
  case acknowledge(Acknowledgement)

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
///
/// What the sender knows as chosen is not repeated: a candidate that lacks some of it fetches it
/// first, configurations among it, so that membership has one source only (rule M7).
package struct Promise: Hashable, Sendable {
  package let ballot: Ballot
  /// The sender knows everything up to here as chosen.
  package let chosenSlot: Slot
  /// The first slot that the sender's log still holds.
  package let logStart: Slot
  /// What the sender accepted behind `chosenSlot` and from the asked slot on, ascending. A slot
  /// that is neither here nor in `unknown` holds nothing.
  package let accepted: [Entry]
  /// Slots about which it cannot say, but for those in `accepted`: they count for no quorum of
  /// phase 1.
  package let unknown: Range<Slot>?

  package init(
    ballot: Ballot, chosenSlot: Slot, logStart: Slot, accepted: [Entry], unknown: Range<Slot>?
  ) {
    self.ballot = ballot
    self.chosenSlot = chosenSlot
    self.logStart = logStart
    self.accepted = accepted
    self.unknown = unknown
  }
}

/// A leader's sign of life.
package struct ChosenNotice: Hashable, Sendable {
  package let ballot: Ballot
  /// Everything up to here is chosen.
  package let through: Slot
  /// The newest round of reads; never used twice in a ballot (rule R1).
  package let readRound: UInt64
  /// The first slot that a member may still have to fetch: what lies before may be truncated.
  package let keepFrom: Slot
  /// The leader's boot clock: opaque, and echoed (rule L4).
  package let sentAt: BootTime

  package init(
    ballot: Ballot, through: Slot, readRound: UInt64, keepFrom: Slot, sentAt: BootTime
  ) {
    self.ballot = ballot
    self.through = through
    self.readRound = readRound
    self.keepFrom = keepFrom
    self.sentAt = sentAt
  }
}

/// The answer to a `ChosenNotice`: its sender has promised no higher ballot so far.
package struct Acknowledgement: Hashable, Sendable {
  package let ballot: Ballot
  /// The round of the notice that is answered.
  package let readRound: UInt64
  /// How far the sender's own knowledge of what is chosen goes.
  package let chosenSlot: Slot
  /// How much of that knowledge a crash of the sender cannot take.
  package let durablyChosen: Slot
  /// `sentAt` of the notice.
  package let echo: BootTime
  /// The sender's boot clock: by two of them the leader sees clocks whose rates differ (rule L4).
  package let clock: BootTime

  package init(
    ballot: Ballot, readRound: UInt64, chosenSlot: Slot, durablyChosen: Slot, echo: BootTime,
    clock: BootTime
  ) {
    self.ballot = ballot
    self.readRound = readRound
    self.chosenSlot = chosenSlot
    self.durablyChosen = durablyChosen
    self.echo = echo
    self.clock = clock
  }
}
