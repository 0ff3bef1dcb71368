internal import Consensus
internal import Primitives

/// All states that single replicas were seen in and all facts, each with a number: what happens to a
/// replica depends on nothing but its own state and the event, and comes up in very many states of
/// the group. It is computed once.
///
/// - Invariant MC6: one state has one number, one fact has one number.
final class ConsensusUniverse {
  /// What an event does to one replica.
  struct Step {
    /// The number of its next state.
    let replica: Int32
    /// The numbers of the facts that are added.
    let facts: [Int32]
    let violation: ExplorationViolation?
  }

  private struct Key: Hashable {
    let replica: Int32
    let event: ExploredReplica.Event
  }

  /// Of messages, which are most of the events.
  private struct DeliveryKey: Hashable {
    let replica: Int32
    let fact: Int32
  }

  private struct UnionKey: Hashable {
    let set: Int32
    let facts: [Int32]
  }

  private(set) var replicas: [ExploredReplica] = []
  private var replicaNumbers: [ExploredReplica: Int32] = [:]
  private(set) var facts: [ConsensusFact] = []
  private var factNumbers: [ConsensusFact: Int32] = [:]
  /// Sets of facts, ascending; the first is empty.
  private(set) var sets: [[Int32]] = [[]]
  private var setNumbers: [[Int32]: Int32] = [[]: 0]
  private var unions: [UnionKey: Int32] = [:]
  private var steps: [Key: Step] = [:]
  private var deliveries: [DeliveryKey: Step] = [:]
  private let judge: ConsensusJudge
  private var judged: [Int32: ExplorationViolation?] = [:]
  private let writesAtOnce: Bool

  init(founding: Configuration, writesAtOnce: Bool) {
    judge = ConsensusJudge(founding: founding)
    self.writesAtOnce = writesAtOnce
  }

  func number(of replica: ExploredReplica) -> Int32 {
    if let number = replicaNumbers[replica] { return number }
    let number = Int32(replicas.count)
    replicas.append(replica)
    replicaNumbers[replica] = number
    return number
  }

  private func number(of fact: ConsensusFact) -> Int32 {
    if let number = factNumbers[fact] { return number }
    let number = Int32(facts.count)
    facts.append(fact)
    factNumbers[fact] = number
    return number
  }

  func step(_ replica: Int32, _ event: ExploredReplica.Event) -> Step {
    let key = Key(replica: replica, event: event)
    if let step = steps[key] { return step }
    let step = compute(replica, event)
    steps[key] = step
    return step
  }

  /// - Parameter fact: that of a message to it.
  func deliver(_ fact: Int32, to replica: Int32) -> Step {
    let key = DeliveryKey(replica: replica, fact: fact)
    if let step = deliveries[key] { return step }
    guard case .sent(let envelope) = facts[Int(fact)] else {
      preconditionFailure("a fact that is no message is delivered")
    }
    let step = compute(replica, .receives(envelope))
    deliveries[key] = step
    return step
  }

  private func compute(_ number: Int32, _ event: ExploredReplica.Event) -> Step {
    var replica = replicas[Int(number)]
    do {
      let facts = try replica.take(event, writesAtOnce: writesAtOnce)
      return Step(
        replica: self.number(of: replica), facts: facts.map(self.number), violation: nil)
    } catch {
      return Step(replica: number, facts: [], violation: error)
    }
  }

  /// The number of the set that has more facts.
  func adding(_ facts: [Int32], to set: Int32) -> Int32 {
    let key = UnionKey(set: set, facts: facts)
    if let number = unions[key] { return number }
    let union = Set(sets[Int(set)]).union(facts).sorted()
    let number = setNumbers[union] ?? Int32(sets.count)
    if number == sets.count {
      sets.append(union)
      setNumbers[union] = number
    }
    unions[key] = number
    return number
  }

  /// - Parameter set: of facts that are no messages.
  func judge(_ set: Int32) throws(ExplorationViolation) {
    let violation: ExplorationViolation?
    if let known = judged[set] {
      violation = known
    } else {
      violation = Self.violation(judge, sets[Int(set)].map { facts[Int($0)] })
      judged[set] = .some(violation)
    }
    if let violation { throw violation }
  }

  private static func violation(
    _ judge: ConsensusJudge, _ facts: [ConsensusFact]
  ) -> ExplorationViolation? {
    do {
      try judge.judge(facts)
      return nil
    } catch {
      return error
    }
  }
}
