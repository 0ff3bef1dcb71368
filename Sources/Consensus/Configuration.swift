package import Primitives

/// Who takes part in a group, over a stretch of slots: a configuration that is chosen in slot s
/// governs the slots behind s, up to and with the slot of the next one (rule M1). So no slot is
/// ever governed by two, and any set of voters may follow any other in one step.
///
/// - Invariant CF1: `voters`, `learners` and `removed` are ascending and without common members.
/// - Invariant CF2: only voters are counted for a quorum (rule M5).
package struct Configuration: Hashable, Sendable {
  package let voters: [ReplicaID]
  /// Receive everything and count for nothing.
  package let learners: [ReplicaID]
  /// Members of earlier configurations: they can never return under the same number (rule M6).
  package let removed: [ReplicaID]

  package init(voters: [ReplicaID], learners: [ReplicaID] = [], removed: [ReplicaID] = []) {
    self.voters = voters.sorted()
    self.learners = learners.sorted()
    self.removed = removed.sorted()
    let all = self.voters + self.learners + self.removed
    precondition(Set(all).count == all.count, "a replica stands twice in a configuration")
  }

  /// How many voters are a majority.
  package var quorumCount: Int { voters.count / 2 + 1 }

  package func isVoter(_ replica: ReplicaID) -> Bool { voters.contains(replica) }

  package func isMember(_ replica: ReplicaID) -> Bool {
    voters.contains(replica) || learners.contains(replica)
  }
}
