package import Consensus
package import Primitives

/// What may happen in an exploration, and how often: everything else, such as which messages are lost,
/// late, doubled or out of order, is left open.
package struct ExplorationScope: Sendable {
  package var founding: Configuration
  /// Members that are not in the first configuration.
  package var newcomers: [ReplicaID] = []
  /// How often each replica campaigns; those that are not here never do.
  package var campaigns: [ReplicaID: Int] = [:]
  /// Commands that are proposed, each once and by whoever leads.
  package var commandCount = 0
  /// Changes of members, each once: by this replica when it leads, or by any.
  package var changes: [Change] = []
  /// Signs of life, refusals and what is fetched are lost: what is left is Paxos as it
  /// is in the books, small enough to be seen completely.
  package var losesNotices = false
  /// How often a process stops and starts again. When none does, writes take no time.
  package var restartCount = 0

  package struct Change: Hashable, Sendable {
    package var leader: ReplicaID?
    package var configuration: Configuration

    package init(by leader: ReplicaID? = nil, _ configuration: Configuration) {
      self.leader = leader
      self.configuration = configuration
    }
  }

  package init(founding: Configuration) { self.founding = founding }
}

/// A group of production replicas, in all that can happen to it within a scope.
///
/// No symmetry is used: ballots order replicas by their numbers, and the numbers of those that never
/// campaign differ in whom the others count first.
package struct ConsensusGroup: ExplorableSystem {
  private let universe: ConsensusUniverse
  private let scope: ExplorationScope
  private let ids: [ReplicaID]
  private var state: State

  private struct State: Hashable {
    /// By place in `ids`: the number of each replica's state and that of the set of messages to it;
    /// then that of all other facts.
    var numbers: [Int32]
    /// By place, eight bits each.
    var campaignsLeft: UInt64 = 0
    var commandsLeft: UInt8
    var restartsLeft: UInt8
    /// A bit for each.
    var changesLeft: UInt16
  }

  package enum Action: Hashable, Sendable, CustomStringConvertible {
    /// The number is that of the message in this exploration.
    case deliver(Envelope, number: Int32)
    case campaign(ReplicaID)
    case propose(ReplicaID, command: Int)
    case change(ReplicaID, number: Int)
    case finishWrite(ReplicaID)
    case restart(ReplicaID)

    /// To whom it happens.
    var replica: ReplicaID {
      switch self {
      case .deliver(let envelope, _): envelope.to
      case .campaign(let id), .propose(let id, _), .change(let id, _), .finishWrite(let id),
        .restart(let id):
        id
      }
    }

    package var description: String {
      switch self {
      case .deliver(let envelope, _):
        "\(envelope.from.rawValue) -> \(envelope.to.rawValue): \(envelope.message)"
      case .campaign(let replica): "\(replica) campaigns"
      case .propose(let replica, let command): "\(replica) proposes command \(command)"
      case .change(let replica, let number): "\(replica) makes change \(number) of members"
      case .finishWrite(let replica): "\(replica) finishes a write"
      case .restart(let replica): "\(replica) restarts"
      }
    }
  }

  package init(_ scope: ExplorationScope) {
    self.scope = scope
    universe = ConsensusUniverse(
      founding: scope.founding, writesAtOnce: scope.restartCount == 0)
    ids = (scope.founding.voters + scope.founding.learners + scope.newcomers).sorted()
    precondition(ids.count <= 8 && scope.changes.count <= 16, "too much to explore")
    let universe = universe
    state = State(
      numbers: ids.flatMap {
        [universe.number(of: ExploredReplica($0, founding: scope.founding)), 0]
      } + [0],
      commandsLeft: UInt8(scope.commandCount), restartsLeft: UInt8(scope.restartCount),
      changesLeft: UInt16((1 << scope.changes.count) - 1))
    for (place, id) in ids.enumerated() {
      state.campaignsLeft |= UInt64(scope.campaigns[id] ?? 0) << (8 * place)
    }
  }

  package var fingerprint: StateFingerprint { StateFingerprint(state) }

  /// How many different states single replicas were in, and how many messages were ever sent: in all
  /// of the exploration so far.
  package var sizes: (replicaStates: Int, facts: Int) {
    (universe.replicas.count, universe.facts.count)
  }

  package var actions: [Action] {
    var result: [Action] = []
    for (place, id) in ids.enumerated() {
      let replica = state.numbers[2 * place]
      if universe.replicas[Int(replica)].isWriting { result.append(.finishWrite(id)) }
      for fact in universe.sets[Int(state.numbers[2 * place + 1])] {
        let step = universe.deliver(fact, to: replica)
        if step.replica == replica, step.facts.isEmpty, step.violation == nil { continue }
        if case .sent(let envelope) = universe.facts[Int(fact)] {
          result.append(.deliver(envelope, number: fact))
        }
      }
      if state.campaignsLeft >> (8 * place) & 0xFF > 0 { result.append(.campaign(id)) }
      if state.restartsLeft > 0 { result.append(.restart(id)) }
      if state.commandsLeft > 0 { result.append(.propose(id, command: Int(state.commandsLeft))) }
      for (number, change) in scope.changes.enumerated()
      where state.changesLeft & 1 << number != 0 && (change.leader ?? id) == id {
        result.append(.change(id, number: number))
      }
    }
    return result
  }

  package mutating func take(_ action: Action) throws(ExplorationViolation) -> Bool {
    guard let place = ids.firstIndex(of: action.replica) else { return false }
    let former = state
    let replica = state.numbers[2 * place]
    let step =
      switch action {
      case .deliver(_, let number): universe.deliver(number, to: replica)
      case .campaign: universe.step(replica, .campaigns)
      case .propose(_, let command): universe.step(replica, .proposes([UInt8(command)]))
      case .change(_, let number):
        universe.step(replica, .changes(scope.changes[number].configuration))
      case .finishWrite: universe.step(replica, .finishesWrite)
      case .restart: universe.step(replica, .restarts)
      }
    if let violation = step.violation { throw violation }
    state.numbers[2 * place] = step.replica
    try add(step.facts)
    guard state != former else { return false }
    switch action {
    case .deliver, .finishWrite: break
    case .campaign: state.campaignsLeft -= 1 << (8 * place)
    case .propose: state.commandsLeft -= 1
    case .change(_, let number): state.changesLeft &= ~(1 << number)
    case .restart: state.restartsLeft -= 1
    }
    return true
  }

  private mutating func add(_ facts: [Int32]) throws(ExplorationViolation) {
    if facts.isEmpty { return }
    var others: [Int32] = []
    var inboxes = [[Int32]](repeating: [], count: ids.count)
    for fact in facts {
      if case .sent(let envelope) = universe.facts[Int(fact)] {
        if scope.losesNotices, envelope.message.isNotice { continue }
        if let place = ids.firstIndex(of: envelope.to) { inboxes[place].append(fact) }
      } else {
        others.append(fact)
      }
    }
    for (place, inbox) in inboxes.enumerated() where !inbox.isEmpty {
      state.numbers[2 * place + 1] = universe.adding(inbox, to: state.numbers[2 * place + 1])
    }
    if others.isEmpty { return }
    let former = state.numbers[2 * ids.count]
    let set = universe.adding(others, to: former)
    state.numbers[2 * ids.count] = set
    if set != former { try universe.judge(set) }
  }
}

extension Message {
  /// Without which a group agrees, only later.
  fileprivate var isNotice: Bool {
    switch self {
    case .chosen, .acknowledge, .fetch, .fetched, .suspect, .suspectReply, .readIndex,
      .readIndexReply, .reject:
      true
    case .prepare, .promise, .accept, .accepted, .takeOver, .removed: false
    }
  }
}
