internal import Primitives

/// What a replica that does not lead thinks of the leader, and the question whether others think so
/// too (election rule 1): a leader is replaced only when a majority of the voters has not heard it
/// for long enough. So one deaf replica, or a link that carries one way, deposes nobody.
struct Suspicion: Hashable, Sendable {
  /// Whom it follows.
  var leader: ReplicaID?
  /// The highest ballot whose leader it heard. Not durable: it only keeps older ones from being
  /// taken for the leader.
  var followed: Ballot = .zero
  /// The leader's last sign of life; nil if there is no leader to be silent.
  var heardAt: BootTime?
  /// For how long it bears silence: drawn anew after each attempt.
  var patience: UInt64
  /// When it asks the others, if nothing is heard.
  var deadline: BootTime
  /// The number of the question that is open.
  var attempt: UInt64?
  /// Who agreed, ascending.
  var agreeing: [ReplicaID] = []
  /// The highest round that it has met: its next ballot is above.
  var highestRound: UInt64 = 0

  init(patience: UInt64, now: BootTime) {
    self.patience = patience
    heardAt = now
    deadline = now.advanced(by: patience)
  }

  mutating func meet(_ ballot: Ballot) { highestRound = max(highestRound, ballot.round) }

  func isSilent(at now: BootTime, after duration: UInt64) -> Bool {
    guard let heardAt else { return true }
    return now.elapsed(since: heardAt) >= duration
  }
}

/// What a replica lacks of the chosen prefix, and whom it asked.
struct CatchUp: Hashable, Sendable {
  /// It is stuck behind this slot since then.
  var stuckSince: BootTime?
  var stuckAt: Slot = .zero
  /// It asked, and asks again after a tick.
  var askedAt: BootTime?
  /// Who told of more, last.
  var source: ReplicaID?
  /// How far it goes.
  var known: Slot = .zero
}
