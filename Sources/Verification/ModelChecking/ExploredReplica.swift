internal import Consensus
internal import Primitives

/// A production `Replica` with its medium, as one node of an exploration. All of its clocks stand
/// still, so that nothing but what the explorer chooses makes a difference: who campaigns, when a
/// message arrives, when a write is on the medium, when the process stops.
///
/// - Invariant MC4: what a medium says of a promise never falls.
/// - Invariant MC5: nothing is sent that claims more than the medium holds.
struct ExploredReplica: Hashable {
  private(set) var replica: Replica
  private var hardState: HardState?
  /// By ascending slot.
  private var entries: [Entry] = []
  /// Asked for and not on the medium, oldest first.
  private var writes: [PendingWrite] = []
  /// The highest ballot that it met.
  private var met = Ballot.zero
  private let founding: Configuration

  private struct PendingWrite: Hashable {
    let write: Write

    /// Tokens differ from path to path and mean nothing but the order.
    static func == (left: PendingWrite, right: PendingWrite) -> Bool {
      left.write.hardState == right.write.hardState && left.write.entries == right.write.entries
        && left.write.thenSend == right.write.thenSend
    }

    func hash(into hasher: inout Hasher) {
      hasher.combine(write.hardState)
      hasher.combine(write.entries)
      hasher.combine(write.thenSend)
    }
  }

  /// What can happen to it.
  enum Event: Hashable, Sendable {
    case receives(Envelope)
    case campaigns
    case proposes([UInt8])
    case changes(Configuration)
    /// The oldest write is on the medium.
    case finishesWrite
    /// What was not is lost.
    case restarts
  }

  /// A replica that is in no group.
  private static let nobody = ReplicaID(.max)

  /// Clocks stand still here.
  private static let now = BootTime(nanoseconds: 1_000_000)

  private static var settings: Settings {
    var settings = Settings()
    settings.tick = 1 << 60
    settings.suspicion = 1 << 60
    settings.noticeDelay = 0
    settings.usesLease = false
    return settings
  }

  private static func start(
    _ id: ReplicaID, _ founding: Configuration, _ hardState: HardState?, _ entries: [Entry]
  ) -> Replica {
    Replica(
      id: id, group: GroupID(1), settings: settings,
      recovered: RecoveredState(
        hardState: hardState ?? HardState(), base: LogBase(founding: founding), entries: entries,
        appliedSlot: .zero),
      seed: UInt64(id.rawValue), now: now)
  }

  init(_ id: ReplicaID, founding: Configuration) {
    self.founding = founding
    replica = Self.start(id, founding, nil, [])
  }

  var isWriting: Bool { !writes.isEmpty }

  /// Lets an event happen, and all that follows from it without anybody's doing.
  ///
  /// - Returns: the facts that this adds.
  mutating func take(
    _ event: Event, writesAtOnce: Bool
  ) throws(ExplorationViolation) -> [ConsensusFact] {
    var facts: [ConsensusFact] = []
    switch event {
    case .receives(let envelope):
      meet(envelope.message)
      try step(.message(envelope), &facts)
    case .campaigns:
      // A leader that steps aside lets another one campaign without asking the rest.
      let leaving = Envelope(from: Self.nobody, to: replica.id, message: .takeOver(met))
      try step(.message(leaving), &facts)
    case .proposes(let command):
      try step(.propose([Proposal(id: RequestID(1), command: command)]), &facts)
    case .changes(let configuration):
      try step(
        .changeConfiguration(RequestID(2), configuration, isForced: true), &facts)
    case .finishesWrite: try finishWrite(&facts)
    case .restarts:
      writes = []
      replica = Self.start(replica.id, founding, hardState, entries)
    }
    // A tick that is due now is not put off.
    var count = 0
    while let deadline = replica.nextDeadline, deadline <= Self.now, count < 8 {
      try step(.tick, &facts)
      count += 1
    }
    while writesAtOnce, isWriting { try finishWrite(&facts) }
    return facts
  }

  private mutating func step(
    _ event: Consensus.Event, _ facts: inout [ConsensusFact]
  ) throws(ExplorationViolation) {
    let actions = replica.step(event, now: Self.now)
    try send(actions.send, &facts)
    if let write = actions.write { writes.append(PendingWrite(write: write)) }
    guard let last = actions.deliver.last else { return }
    for entry in actions.deliver {
      facts.append(.delivered(replica.id, entry.slot, entry.content))
    }
    try step(.applied(through: last.slot), &facts)
  }

  private mutating func finishWrite(
    _ facts: inout [ConsensusFact]
  ) throws(ExplorationViolation) {
    guard !writes.isEmpty else { return }
    let write = writes.removeFirst().write
    if let next = write.hardState {
      let promised = hardState?.promised ?? .zero
      guard next.promised >= promised else {
        throw ExplorationViolation(
          "MC4", "\(replica.id) promised \(promised), then \(next.promised)")
      }
      hardState = next
    }
    for entry in write.entries {
      let index = entries.firstIndex { $0.slot >= entry.slot } ?? entries.count
      if index < entries.count, entries[index].slot == entry.slot {
        entries[index] = entry
      } else {
        entries.insert(entry, at: index)
      }
      facts.append(.voted(replica.id, entry))
    }
    try send(write.thenSend, &facts)
    try step(.durable(write.token), &facts)
  }

  private func send(
    _ envelopes: [Envelope], _ facts: inout [ConsensusFact]
  ) throws(ExplorationViolation) {
    for envelope in envelopes {
      try checkClaim(envelope.message)
      facts.append(.sent(envelope))
    }
  }

  /// MC5.
  private func checkClaim(_ message: Message) throws(ExplorationViolation) {
    let isBacked =
      switch message {
      case .promise(let promise):
        (hardState?.promised ?? .zero) >= promise.ballot
          && promise.accepted.allSatisfy { entries.contains($0) }
      case .prepare(let ballot, _): (hardState?.promised ?? .zero) >= ballot
      case .accepted(let ballot, _, let beyond):
        beyond.allSatisfy { slot in entries.contains { $0.slot == slot && $0.ballot >= ballot } }
      default: true
      }
    guard isBacked else {
      throw ExplorationViolation("MC5", "\(replica.id) says \(message) before it is durable")
    }
  }

  private mutating func meet(_ message: Message) {
    switch message {
    case .prepare(let ballot, _), .accept(let ballot, _, _): met = max(met, ballot)
    case .chosen(let notice): met = max(met, notice.ballot)
    default: break
    }
  }
}
