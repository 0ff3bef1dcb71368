internal import Primitives

/// What a replica knows to be chosen: a prefix of the log, and what follows from that prefix alone,
/// the configuration of the next slot and whether a lease may live.
///
/// The prefix grows in three ways, each of which shows that the entry in the log here is the chosen
/// one and of a ballot that is not below the first that chose it:
/// 1. The leader here counted a quorum for the entry in its own ballot.
/// 2. The leader of ballot b says that everything through s is chosen, and the entry here is of
///    ballot b: the leader proposed it, and what it calls chosen in a slot is what it proposed there,
///    or the slot was chosen before it began, and then it proposed nothing there.
/// 3. Another replica, whose prefix contains it, sent the entry.
///
/// - Invariant LE1: `applied <= delivered`, and `chosen <= delivered` after each step.
/// - Invariant LE2: the configuration of a slot is a function of the chosen entries before it
///   (rules M1, M2, M7).
struct Learner: Hashable, Sendable {
  /// Everything through it is chosen, and the log here holds it or an image does.
  private(set) var chosen: Slot
  /// Handed out to be applied. After a restart it may be ahead of `chosen`: the state machine has
  /// it durably, but the log here does not show what was chosen.
  private(set) var delivered: Slot
  private(set) var applied: Slot
  /// An image of everything through it is durable here.
  private(set) var imageSlot: Slot
  /// What came as an image, from whomever: it does not say in which ballots it was chosen.
  private(set) var receivedSlot = Slot.zero
  /// Ascending: the configuration of the base, and all that were chosen behind it.
  private(set) var configurations: [Governing]
  /// What the newest leader said last: tried again when more entries of its ballot arrive.
  private(set) var noticeBallot = Ballot.zero
  private(set) var noticeThrough = Slot.zero
  /// The highest ballot of an entry of the prefix.
  private(set) var highestBallot = Ballot.zero
  /// Whether some leader may still read by a lease, as far as the chosen entries tell (rule L2).
  private(set) var leaseMayLive: Bool

  /// A configuration and the slot in which it was chosen: it governs the slots behind.
  struct Governing: Hashable, Sendable {
    let slot: Slot
    let configuration: Configuration
  }

  init(base: LogBase, applied: Slot) {
    precondition(applied >= base.slot, "the state machine is behind its image")
    chosen = base.slot
    delivered = applied
    self.applied = applied
    imageSlot = base.slot
    configurations = [
      Governing(slot: base.configurationSlot, configuration: base.configuration)
    ]
    // An image does not say how the leadership before it ended. A new group had none.
    leaseMayLive = base.slot > .zero
  }

  /// The newest configuration that is chosen: it governs the slot behind `chosen`.
  var governing: Governing { configurations[configurations.count - 1] }

  var configuration: Configuration { governing.configuration }

  /// The configuration that governs the slot behind the given one, which is in the prefix.
  func governing(behind slot: Slot) -> Governing? {
    configurations.last { $0.slot <= slot }
  }

  /// The next entry of the prefix.
  mutating func choose(_ entry: Entry) {
    precondition(entry.slot == chosen.next, "the chosen prefix has a gap")
    chosen = entry.slot
    highestBallot = max(highestBallot, entry.ballot)
    switch entry.content {
    case .configuration(let configuration):
      configurations.append(Governing(slot: entry.slot, configuration: configuration))
    case .newLeader(let usesLease): leaseMayLive = usesLease
    case .leaseRelease: leaseMayLive = false
    case .noOperation, .command, .tick: break
    }
  }

  /// Keeps the most that a leader said; of several leaders, the newest.
  mutating func hear(ballot: Ballot, through: Slot) {
    if (ballot, through) > (noticeBallot, noticeThrough) {
      (noticeBallot, noticeThrough) = (ballot, through)
    }
  }

  /// The next entry to be handed out, if the log has it.
  mutating func deliver(from log: EntryLog) -> Entry? {
    guard delivered < chosen else { return nil }
    delivered = delivered.next
    guard let entry = log[delivered] else {
      preconditionFailure("a chosen entry left the log before it was handed out")
    }
    return entry
  }

  mutating func apply(through slot: Slot) {
    precondition(slot <= delivered, "LE1: applied what was not handed out")
    applied = max(applied, slot)
  }

  /// An image of everything up to there is durable. Hands back whether the prefix grew by it.
  mutating func image(_ base: LogBase) -> Bool {
    imageSlot = max(imageSlot, base.slot)
    guard base.slot > chosen else { return false }
    chosen = base.slot
    receivedSlot = base.slot
    delivered = max(delivered, base.slot)
    applied = max(applied, base.slot)
    configurations = [
      Governing(slot: base.configurationSlot, configuration: base.configuration)
    ]
    leaseMayLive = true
    return true
  }

  /// The log was cut: configurations that a later one replaced before that are no longer needed.
  mutating func forgetConfigurations(through slot: Slot) {
    while configurations.count > 1, configurations[1].slot <= slot { configurations.removeFirst() }
  }
}
