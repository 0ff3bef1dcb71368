internal import Primitives

/// The entries that a replica holds, one a slot, behind the slot through which the log is cut off.
///
/// - Invariant EL1: the entry found at a slot says so itself.
/// - Invariant EL2: in a slot ballots only rise, and one ballot holds one content (EN1).
/// - Invariant EL3: `byteCount` is the sum over the entries held.
struct EntryLog: Hashable, Sendable {
  private var ring: SlotRing<Entry>
  /// Bytes of all entries held, with something for each to stand for what is around the command.
  private(set) var byteCount = 0

  /// What an entry counts for beyond its command.
  static let entryOverhead = 48

  /// - Parameter slot: everything through it is gone.
  init(cutThrough slot: Slot) { ring = SlotRing(first: slot.next) }

  /// The first slot that may hold an entry.
  var start: Slot { ring.first }

  /// Behind the last slot that holds an entry.
  var end: Slot { ring.end }

  subscript(slot: Slot) -> Entry? { ring[slot] }

  /// Stores an entry in the place of what its slot held, which was of no higher ballot.
  mutating func store(_ entry: Entry) {
    let former = ring.set(entry.slot, to: entry)
    byteCount += entry.byteCount + Self.entryOverhead
    if let former {
      precondition(former.ballot <= entry.ballot, "EL2: the ballot of a slot fell")
      precondition(
        former.ballot < entry.ballot || former.content == entry.content,
        "EN1: one ballot proposed two contents for a slot")
      byteCount -= former.byteCount + Self.entryOverhead
    }
  }

  /// Drops the first slot.
  mutating func removeFirst() {
    if let entry = ring.removeFirst() { byteCount -= entry.byteCount + Self.entryOverhead }
    precondition(byteCount >= 0, "EL3")
  }

  /// Drops everything through a slot, which may lie behind the end.
  mutating func cut(through slot: Slot) {
    while start <= slot, start < end { removeFirst() }
    if start <= slot { ring.restart(at: slot.next) }
    precondition(start < end || byteCount == 0, "EL3: an empty log has bytes")
  }

  /// Whether two entries of one slot say the same, whoever proposed them.
  func agrees(with entry: Entry) -> Bool {
    guard let held = self[entry.slot] else { return true }
    return held.content == entry.content
  }
}
