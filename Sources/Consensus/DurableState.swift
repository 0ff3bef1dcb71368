package import Primitives

/// What a replica promised, durable before anybody may learn of it (rule G3). Small and rarely
/// changed; kept twice, so that damage of one copy costs nothing.
package struct HardState: Hashable, Sendable {
  /// No entry of a lower ballot is accepted any more. Never lowered.
  package var promised: Ballot
  /// Everything up to here was chosen when this was written: a lower bound, for recovery.
  package var chosenHint: Slot

  package init(promised: Ballot = .zero, chosenHint: Slot = .zero) {
    self.promised = promised
    self.chosenHint = chosenHint
  }
}

/// Where a replica's log begins: everything up to `slot` is in an image that is durable, and its
/// entries may be gone.
package struct LogBase: Hashable, Sendable {
  package let slot: Slot
  /// Governs the slots behind `slot`, until an entry changes it.
  package let configuration: Configuration
  /// The slot in which that configuration was chosen; zero for the first.
  package let configurationSlot: Slot

  package init(slot: Slot, configuration: Configuration, configurationSlot: Slot) {
    self.slot = slot
    self.configuration = configuration
    self.configurationSlot = configurationSlot
  }

  /// Of a new group.
  package init(founding configuration: Configuration) {
    self.init(slot: .zero, configuration: configuration, configurationSlot: .zero)
  }
}

/// What of a replica survived a restart.
package struct RecoveredState: Sendable {
  /// Nil when both copies are damaged or lost: the replica is amnesiac. It may have promised
  /// anything, so it never votes again under its number; it can only serve as a learner of what
  /// others chose until it is replaced.
  package var hardState: HardState?
  package var base: LogBase
  /// Above the base, ascending by slot, one a slot: the one of the highest ballot. Gaps are possible.
  package var entries: [Entry]
  /// Slots about which the medium no longer says for sure what was accepted in them: an entry of a
  /// higher ballot than the surviving one may have been in a damaged batch. A replica answers
  /// `unknown` for them in phase 1 (rule "corruption against torn write"). Half-open.
  package var unknown: Range<Slot>?
  /// What the state machine has durably applied; at least `base.slot`.
  package var appliedSlot: Slot

  package init(
    hardState: HardState?, base: LogBase, entries: [Entry] = [], unknown: Range<Slot>? = nil,
    appliedSlot: Slot
  ) {
    self.hardState = hardState
    self.base = base
    self.entries = entries
    self.unknown = unknown
    self.appliedSlot = appliedSlot
  }
}
