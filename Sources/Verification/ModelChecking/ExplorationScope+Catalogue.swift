internal import Consensus
internal import Primitives

extension ExplorationScope {
  /// A scope that is explored by its name, and what it is for.
  package struct Named: Sendable {
    package let name: String
    package let purpose: String
    package let scope: ExplorationScope
    /// How many states are found at most; nil where it is small enough to be seen completely.
    package let stateLimit: Int?
  }

  private static func replicas(_ numbers: UInt32...) -> [ReplicaID] {
    numbers.map { ReplicaID($0) }
  }

  private static func voters(_ numbers: UInt32...) -> Configuration {
    Configuration(voters: numbers.map { ReplicaID($0) })
  }

  /// Three acceptors of which the first two campaign.
  private static func three(_ adjust: (inout ExplorationScope) -> Void = { _ in }) -> Self {
    var scope = ExplorationScope(founding: voters(1, 2, 3))
    scope.campaigns = [ReplicaID(1): 1, ReplicaID(2): 1]
    scope.losesNotices = true
    adjust(&scope)
    return scope
  }

  /// Two changes of a group by two leaders who do not know of each other: as single-step changes that
  /// take effect when they are proposed would let both be chosen (Ongaro, raft-dev, 2015).
  private static func twoChanges(
    from founding: Configuration, newcomers: [ReplicaID], _ first: Configuration,
    _ second: Configuration
  ) -> Self {
    var scope = ExplorationScope(founding: founding)
    scope.newcomers = newcomers
    scope.campaigns = [ReplicaID(1): 2, ReplicaID(2): 1]
    scope.changes = [Change(by: ReplicaID(1), first), Change(by: ReplicaID(2), second)]
    scope.losesNotices = true
    return scope
  }

  /// All of them, the small ones first.
  package static var catalogue: [Named] {
    [
      Named(
        name: "ballots", purpose: "two proposers, three acceptors, two slots", scope: three(),
        stateLimit: nil),
      Named(
        name: "restarts", purpose: "one proposer, and a process that loses what was not written",
        scope: three {
          $0.campaigns = [ReplicaID(1): 1]
          $0.restartCount = 1
        }, stateLimit: 2_000_000),
      Named(
        name: "notices", purpose: "one proposer, with notices, their answers and catching up",
        scope: three {
          $0.campaigns = [ReplicaID(1): 1]
          $0.losesNotices = false
        }, stateLimit: nil),
      Named(
        name: "command", purpose: "two proposers and a command",
        scope: three { $0.commandCount = 1 },
        stateLimit: nil),
      Named(
        name: "change", purpose: "two proposers and a change of members to the first two",
        scope: three { $0.changes = [Change(voters(1, 2))] }, stateLimit: nil),
      Named(
        name: "three-ballots", purpose: "two proposers, one of which campaigns twice",
        scope: three { $0.campaigns = [ReplicaID(1): 2, ReplicaID(2): 1] }, stateLimit: 2_000_000),
      Named(
        name: "add-and-remove", purpose: "one leader adds a member, another removes one",
        scope: twoChanges(
          from: voters(1, 2, 3, 4), newcomers: replicas(5), voters(1, 2, 3, 4, 5),
          voters(2, 3, 4)), stateLimit: 1_000_000),
      Named(
        name: "two-adds", purpose: "each of two leaders adds a member",
        scope: twoChanges(
          from: voters(1, 2), newcomers: replicas(3, 4), voters(1, 2, 3), voters(1, 2, 4)),
        stateLimit: nil),
      Named(
        name: "two-removes", purpose: "each of two leaders removes a member",
        scope: twoChanges(
          from: voters(1, 2, 3, 4), newcomers: [], voters(1, 3, 4), voters(2, 3, 4)),
        stateLimit: 1_000_000),
      Named(
        name: "replace-a-majority",
        purpose: "two of three members are replaced at once, and one of them has not heard of it",
        scope: twoChanges(
          from: voters(1, 2, 3), newcomers: replicas(4, 5), voters(1, 4, 5), voters(1, 2, 3)),
        stateLimit: 1_000_000),
    ]
  }
}
