internal import Consensus
internal import Primitives

/// How fast replicas agree when nothing but agreeing takes time: a group in one thread, whose messages
/// are handed over in memory and whose writes are durable at once. What is left is the work of the
/// `Consensus` state machines, and this is a bound on what any driver around them can reach.
public struct ConsensusCoreMeasurement {
  /// Entries that the leader told to be chosen.
  public private(set) var chosenCount = 0
  /// How long that took.
  public private(set) var duration = Duration.zero

  private var replicas: [Replica]
  private var leader = 0
  private var applied: [Slot]
  private var mail: [Envelope] = []
  private var time: UInt64 = 1_000_000_000
  private var lastRequest: UInt64 = 0

  /// Chosen entries in a second.
  public var rate: Double {
    let (seconds, attoseconds) = duration.components
    return Double(chosenCount) / (Double(seconds) + Double(attoseconds) / 1e18)
  }

  /// A group that has elected its leader.
  public init(replicas count: Int = 3) {
    let ids = (1...UInt32(count)).map(ReplicaID.init)
    let base = LogBase(founding: Consensus.Configuration(voters: ids))
    replicas = ids.map { id in
      Replica(
        id: id, group: GroupID(1), settings: Settings(),
        recovered: RecoveredState(hardState: HardState(), base: base, appliedSlot: .zero),
        seed: UInt64(id.rawValue), now: BootTime(nanoseconds: 1_000_000_000))
    }
    applied = ids.map { _ in .zero }
    // Long enough for an election, and for what a new leader waits out.
    for _ in 0..<200 {
      time += 50_000_000
      for index in replicas.indices { handle(.tick, at: index) }
    }
    let index = replicas.firstIndex { replica in
      if case .leader = replica.role { true } else { false }
    }
    guard let index else { preconditionFailure("a group without faults elects nobody") }
    leader = index
  }

  /// Has commands chosen, so many handed over at a time.
  public mutating func run(commands: Int, byteCount: Int = 100, together: Int) {
    let command = [UInt8](repeating: 7, count: byteCount)
    let clock = ContinuousClock()
    let begin = clock.now
    let goal = chosenCount + commands
    var rounds = 0
    while chosenCount < goal {
      time += 20_000
      let proposals = (0..<together).map { number in
        Proposal(id: RequestID(lastRequest + UInt64(number)), command: command)
      }
      lastRequest += UInt64(together)
      handle(.propose(proposals), at: leader)
      rounds += 1
      if rounds.isMultiple(of: 256) { cutLogs() }
    }
    duration += begin.duration(to: clock.now)
  }

  /// Steps a replica, and everything that follows from it, until nothing is left to do.
  private mutating func handle(_ event: Event, at index: Int) {
    step(event, at: index)
    while !mail.isEmpty {
      let arrived = mail
      mail = []
      for envelope in arrived { step(.message(envelope), at: Int(envelope.to.rawValue) - 1) }
    }
  }

  private mutating func step(_ event: Event, at index: Int) {
    let actions = replicas[index].step(event, now: BootTime(nanoseconds: time))
    mail.append(contentsOf: actions.send)
    for outcome in actions.outcomes {
      if case .proposal(_, .success) = outcome { chosenCount += 1 }
    }
    if let last = actions.deliver.last {
      applied[index] = last.slot
      step(.applied(through: last.slot), at: index)
    }
    if let write = actions.write {
      mail.append(contentsOf: write.thenSend)
      step(.durable(write.token), at: index)
    }
  }

  /// As if images were made, so that the logs stay short.
  private mutating func cutLogs() {
    for index in replicas.indices {
      let base = LogBase(
        slot: applied[index], configuration: replicas[index].configuration,
        configurationSlot: replicas[index].configurationSlot)
      step(.imageDurable(base), at: index)
    }
  }
}
