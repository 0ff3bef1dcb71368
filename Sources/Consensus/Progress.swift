internal import Primitives

/// What a leader knows of one other member, and what is on its way to it. A member that does not
/// keep up is only probed, and costs the others nothing (rule P1).
///
/// - Invariant PR1: `accepted`, `chosen` and `readRound` only rise in one ballot.
struct Progress: Hashable, Sendable {
  let replica: ReplicaID
  /// Durable there, of what this ballot proposed: everything through it.
  private(set) var accepted: Slot = .zero
  /// And of what lies behind: these.
  private(set) var beyond: [Slot] = []
  /// The next slot to be sent.
  var next: Slot
  var mode: Mode = .streaming
  /// Sent and not answered, oldest first.
  private var inFlight: [Sent] = []
  private(set) var inFlightByteCount = 0
  /// It was heard in this ballot, or given the benefit of the doubt when the ballot began.
  var heardAt: BootTime
  /// It told of a higher promise, and has not been heard in this ballot since.
  var rejection: Ballot?
  /// How far its own knowledge of what is chosen goes.
  private(set) var chosen: Slot = .zero
  /// And how much of it survives a crash there.
  private(set) var durablyChosen: Slot = .zero
  /// The newest round of reads that it answered.
  private(set) var readRound: UInt64 = 0
  /// How far it was told what is chosen.
  var told: Slot = .zero
  var clocks = ClockAgreement()

  enum Mode: Hashable, Sendable {
    /// Entries are sent as they are proposed, as far as the window allows.
    case streaming
    /// It did not answer in time: only signs of life are sent, until it answers one.
    case probing
  }

  private struct Sent: Hashable, Sendable {
    let through: Slot
    let byteCount: Int
    let at: BootTime
  }

  init(replica: ReplicaID, next: Slot, now: BootTime) {
    self.replica = replica
    self.next = next
    heardAt = now
  }

  /// When the oldest message was sent that it has not answered.
  var waitingSince: BootTime? { inFlight.first?.at }

  func holds(_ slot: Slot) -> Bool { slot <= accepted || beyond.contains(slot) }

  mutating func send(through: Slot, byteCount: Int, now: BootTime) {
    inFlight.append(Sent(through: through, byteCount: byteCount, at: now))
    inFlightByteCount += byteCount
    next = through.next
  }

  mutating func accept(through: Slot, beyond: [Slot]) {
    if through >= accepted {
      accepted = through
      self.beyond = beyond
    }
    // Not what lies beyond: a message that is there in part leaves a gap that has to be sent again.
    while let oldest = inFlight.first, oldest.through <= accepted {
      inFlight.removeFirst()
      inFlightByteCount -= oldest.byteCount
    }
    precondition(inFlightByteCount >= 0, "more was answered than sent")
  }

  mutating func acknowledge(chosen: Slot, durably: Slot = .zero, readRound: UInt64 = 0) {
    self.chosen = max(self.chosen, chosen)
    durablyChosen = max(durablyChosen, durably)
    self.readRound = max(self.readRound, readRound)
  }

  /// What is on its way is given up for lost.
  mutating func forgetInFlight() {
    inFlight.removeAll()
    inFlightByteCount = 0
  }

  /// A higher ballot of the same leader begins: nothing is accepted in it yet.
  mutating func begin(next: Slot, now: BootTime) {
    accepted = .zero
    beyond = []
    readRound = 0
    self.next = next
    mode = .streaming
    rejection = nil
    heardAt = now
    forgetInFlight()
  }
}
