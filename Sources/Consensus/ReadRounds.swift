internal import Primitives

/// Reads that wait until a quorum has confirmed that the leader still leads (read index).
///
/// One round is open at a time and carries all reads that waited when it began; the slot they have to
/// see is taken then, after they arrived (rule R1). A quorum that answers the round has promised
/// nothing higher since, so no later leader can have chosen anything before the reads began.
///
/// - Invariant RR1: a round number is used once in the life of the replica: asking again is another
///   number, and an answer counts for the rounds not above its own.
struct ReadRounds: Hashable, Sendable {
  enum Asker: Hashable, Sendable {
    case own(RequestID)
    case other(ReplicaID, RequestID)
  }

  private(set) var waiting: [Asker] = []
  private(set) var asked: [Asker] = []
  private var slot = Slot.zero
  /// The first number that was used for the open round: an answer to it or to a later one counts.
  private(set) var openRound: UInt64?
  private(set) var lastRound: UInt64 = 0
  private(set) var askedAt = BootTime(nanoseconds: 0)

  var count: Int { waiting.count + asked.count }

  mutating func add(_ asker: Asker) { waiting.append(asker) }

  /// Opens a round for all that wait. False: there is nothing to ask, or a round is open.
  mutating func open(seeing chosen: Slot, now: BootTime) -> Bool {
    guard openRound == nil, !waiting.isEmpty else { return false }
    asked = waiting
    waiting = []
    slot = chosen
    lastRound += 1
    openRound = lastRound
    askedAt = now
    return true
  }

  /// Asks again, under a number of its own.
  mutating func repeatRound(now: BootTime) {
    precondition(openRound != nil, "no round is open")
    lastRound += 1
    askedAt = now
  }

  /// A quorum answered.
  mutating func close() -> (askers: [Asker], slot: Slot) {
    precondition(openRound != nil, "no round is open")
    defer { asked = [] }
    openRound = nil
    return (asked, slot)
  }

  /// The ballot ends: an open round will not be answered in it.
  mutating func abandonRound() {
    waiting = asked + waiting
    asked = []
    openRound = nil
  }

  mutating func takeAll() -> [Asker] {
    abandonRound()
    defer { waiting = [] }
    return waiting
  }
}
