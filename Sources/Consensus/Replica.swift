package import Primitives

/// One member of a Paxos group: acceptor, learner and, when it leads, proposer of a replicated
/// log. Pure: everything that happens is an `Event`, everything that is to be done an `Action`.
package struct Replica: Sendable {
  package let id: ReplicaID
  package let group: GroupID
  package let settings: Settings

  /// - Parameter seed: for what is left to chance, the length of a wait before an election; another
  ///   for each restart.
  package init(
    id: ReplicaID, group: GroupID, settings: Settings, recovered: RecoveredState, seed: UInt64,
    now: BootTime
  ) {
    self.id = id
    self.group = group
    self.settings = settings
  }

  /// Takes one event and says what is to be done. `now` never goes back.
  package mutating func step(_ event: Event, now: BootTime) -> Actions { Actions() }

  /// When a tick is due, if nothing happens before.
  package var nextDeadline: BootTime? { nil }

  /// Whether it leads and may serve; and whom it follows.
  package var role: Role { .follower(leader: nil) }

  package enum Role: Hashable, Sendable {
    case leader(Ballot)
    case candidate(Ballot)
    case follower(leader: ReplicaID?)
    /// Damage took its promises: it learns and never votes.
    case amnesiac
  }

  /// Everything up to here is known to be chosen, and has been handed out to be applied.
  package var chosenSlot: Slot { .zero }

  /// The newest configuration known to be chosen, and where it was.
  package var configuration: Configuration { Configuration(voters: []) }
  package var configurationSlot: Slot { .zero }
}
