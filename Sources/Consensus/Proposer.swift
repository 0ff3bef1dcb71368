internal import Primitives

/// What a replica does in a ballot of its own: as a candidate, and as the leader.
///
/// ```
///            quorum suspects            quorum promised,              the new
///            or take over               every slot decided            leader entry
///    idle ────────────────▶ preparing ──────────────────▶ leading ─── chosen, applied ──▶ serving
///     ▲                      ▲    │ a configuration was found   │
///     │                      │    ▼ in the log                  │ a lone member promised more
///     │                      └─ finishing ◀─ (it is chosen)     │ (election rule 7)
///     │                      ▲                                  │
///     └── higher ballot,     └──────────────────────────────────┘
///         no quorum answers
/// ```
///
/// - Invariant PP1: nothing is proposed in a slot but what phase 1 of the ballot allows there, and
///   one content only.
/// - Invariant PP2: nothing is proposed behind a configuration before that is chosen (rule M1).
/// - Invariant PP3: nothing is proposed behind a release of the lease (rule R3).
/// - Invariant PP4: the slots in flight are `chosen.next..<next`.
struct Proposer: Hashable, Sendable {
  var ballot: Ballot = .zero
  var stage = Stage.idle
  /// The answers to phase 1 of `ballot`.
  var recovery = Recovery()
  /// What it led in before, while a leader raises its own ballot (election rule 7).
  var raise: Raise?
  /// When a member first told of a higher promise, while a quorum still follows.
  var rejectedAt: BootTime?
  /// When phase 1 has to be over, at last.
  var deadline = BootTime(nanoseconds: 0)
  /// The slot that is proposed next.
  var next: Slot = .zero
  /// The first slot of the ballot's own proposals.
  var first: Slot = .zero
  /// Own proposals through here are on the own medium: the own vote.
  var ownAccepted: Slot = .zero
  /// The other members, ascending; and those that have just left and were not yet told.
  var others: [Progress] = []
  var queue = ProposalQueue()
  /// Bytes of commands in flight.
  var inFlightByteCount = 0
  /// Who asked for what is in flight, by slot.
  var requests = SlotRing<RequestID>(first: Slot(1))
  var lease = Lease()
  /// What is chosen before is not shown to anybody (rule L2).
  var withheldUntil = BootTime(nanoseconds: 0)
  var withheld: [Withheld] = []
  var reads = ReadRounds()
  /// Clocks disagree: no reads by lease before.
  var distrustsClocksUntil = BootTime(nanoseconds: 0)
  var change: MembershipChange?
  var transfer: Transfer?
  /// The last proposal of any kind, and the last reads: rule L3.
  var lastProposedAt = BootTime(nanoseconds: 0)
  var lastReads = LastReads()
  var noticeDue: BootTime?
  var nextHeartbeat = BootTime(nanoseconds: 0)
  /// It waits before it says that no lease lives any more (rule L2).
  var owesEndOfLeases = false

  enum Stage: Hashable, Sendable {
    case idle
    /// Phase 1.
    case preparing
    /// Phase 2 of what was found, through the configuration in this slot; then phase 1 of what lies
    /// behind, from a quorum of that configuration (rule M4).
    case finishing(through: Slot)
    /// Phase 1 is over; the entry in this slot opens the ballot.
    case leading(newLeader: Slot)
    /// The configuration chosen in this slot does without this replica: it sees to it that a quorum of
    /// it knows.
    case leaving(since: Slot)
  }

  struct Raise: Hashable, Sendable {
    let ballot: Ballot
    /// What was chosen then: more can be only by another leader's doing.
    var chosen: Slot
  }

  /// When the last read came, and when the one before: two within a while are reads that go on.
  struct LastReads: Hashable, Sendable {
    private var last: BootTime?
    private(set) var oneBefore: BootTime?

    mutating func note(_ now: BootTime) { (oneBefore, last) = (last, now) }
  }

  struct Withheld: Hashable, Sendable {
    let request: RequestID
    let slot: Slot
  }

  var isLeading: Bool {
    if case .leading = stage { true } else { false }
  }

  /// Whether entries of `ballot` are being proposed.
  var isProposing: Bool {
    switch stage {
    case .finishing, .leading, .leaving: true
    case .idle, .preparing: false
    }
  }

  func index(of replica: ReplicaID) -> Int? { others.firstIndex { $0.replica == replica } }
}

/// Commands that were not proposed yet.
struct ProposalQueue: Hashable, Sendable {
  private var proposals: [Proposal] = []
  private var head = 0
  private(set) var byteCount = 0

  var count: Int { proposals.count - head }
  var isEmpty: Bool { count == 0 }

  mutating func add(_ proposal: Proposal) {
    byteCount += proposal.command.count
    proposals.append(proposal)
  }

  var first: Proposal? { isEmpty ? nil : proposals[head] }

  mutating func removeFirst() -> Proposal {
    let proposal = proposals[head]
    head += 1
    byteCount -= proposal.command.count
    if head == proposals.count {
      proposals.removeAll(keepingCapacity: true)
      head = 0
    } else if head >= 4096 {
      proposals.removeFirst(head)
      head = 0
    }
    return proposal
  }

  mutating func takeAll() -> [Proposal] {
    defer { self = ProposalQueue() }
    return Array(proposals[head...])
  }
}

/// A change of members under way: the leader's own, or one that it found (rules M1 to M4).
struct MembershipChange: Hashable, Sendable {
  /// Nil: found in the log, or asked of an earlier leader.
  let request: RequestID?
  /// Where the configuration is proposed.
  let slot: Slot
  var isChosen = false
}

/// A leader that hands over (rule R3): it takes nothing new, lets what is in flight be chosen, releases
/// its lease as the last entry of its ballot and, when that is chosen, tells the target.
struct Transfer: Hashable, Sendable {
  let request: RequestID?
  let target: ReplicaID
  let deadline: BootTime
  /// Where the release is proposed.
  var releaseSlot: Slot?
}
