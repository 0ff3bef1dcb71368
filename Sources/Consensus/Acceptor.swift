internal import Primitives

/// What a replica promised and accepted: the memory of the group. Whatever it says here is said to
/// others only when it is durable (rule G3); the replica sees to that.
///
/// - Invariant AC1: `promised` never falls.
/// - Invariant AC2: an entry is accepted in a ballot that is not below the promise, and raises it.
/// - Invariant AC3: of a slot in `unknown` that the log does not hold, nothing is ever claimed,
///   neither that something was accepted there nor that nothing was: only a new entry, which
///   takes the place of whatever was lost, or knowing what was chosen ends that.
struct Acceptor: Hashable, Sendable {
  private(set) var promised: Ballot
  /// Damage took its promises: it may have promised anything, so it never promises again, what
  /// it stores counts for no quorum, and what it stored before is worth nothing.
  let isAmnesiac: Bool
  var log: EntryLog
  private(set) var unknown: Range<Slot>?

  /// - Parameter hint: everything through it was chosen and was once in this log. A slot that is
  ///   empty all the same has lost what it held, whether or not the medium noticed.
  init(_ recovered: RecoveredState) {
    isAmnesiac = recovered.hardState == nil
    promised = recovered.hardState?.promised ?? .zero
    log = EntryLog(cutThrough: recovered.base.slot)
    guard !isAmnesiac else { return }
    unknown = recovered.unknown
    var expected = recovered.base.slot.next
    var firstLost: Slot?
    let hint = recovered.hardState?.chosenHint ?? .zero
    for entry in recovered.entries {
      precondition(entry.slot >= expected, "recovered entries do not ascend from the base")
      if entry.slot > expected, expected <= hint { firstLost = firstLost ?? expected }
      expected = entry.slot.next
      // The entry that survived may be older than the one that was lost: nothing is claimed.
      if let unknown, unknown.contains(entry.slot) { continue }
      log.store(entry)
    }
    if expected <= hint { firstLost = firstLost ?? expected }
    if let firstLost {
      let lower = min(unknown?.lowerBound ?? firstLost, firstLost)
      unknown = lower..<max(unknown?.upperBound ?? hint.next, hint.next)
    }
  }

  /// Answers with false if something higher is promised already; the same ballot may ask again.
  mutating func promise(_ ballot: Ballot) -> Bool {
    precondition(!isAmnesiac, "an amnesiac replica promises nothing")
    guard ballot >= promised else { return false }
    promised = ballot
    return true
  }

  /// Takes an entry in a ballot that the caller found not below the promise.
  mutating func accept(_ entry: Entry) {
    precondition(entry.ballot >= promised, "AC2: accepted below the promise")
    promised = entry.ballot
    log.store(entry)
  }

  /// Takes an entry that is chosen. Hands back whether it is to be written: one that was
  /// accepted here in that ballot or a higher one says the same, or Paxos is broken.
  mutating func learn(_ entry: Entry) -> Bool {
    if let held = log[entry.slot], held.ballot >= entry.ballot {
      precondition(held.content == entry.content, "two values were chosen for \(entry.slot)")
      return false
    }
    log.store(entry)
    return true
  }

  /// What it accepted behind a slot, for a promise.
  func accepted(behind slot: Slot) -> [Entry] {
    var entries: [Entry] = []
    var next = max(slot.next, log.start)
    while next < log.end {
      if let entry = log[next] { entries.append(entry) }
      next = next.next
    }
    return entries
  }

  /// The slots behind the given one about which nothing can be said, but for those that the log
  /// holds.
  func unknown(behind slot: Slot) -> Range<Slot>? {
    guard let unknown, unknown.upperBound > slot.next else { return nil }
    return max(unknown.lowerBound, slot.next)..<unknown.upperBound
  }

  /// Slots through the given one are known as chosen: nothing about them is in doubt.
  mutating func resolve(through slot: Slot) {
    if unknown != nil { unknown = unknown(behind: slot) }
  }

  /// How far everything behind `slot` was accepted in one ballot without a gap, and what of the
  /// ballot lies behind that.
  func extent(of ballot: Ballot, behind slot: Slot) -> (through: Slot, beyond: [Slot]) {
    var next = max(slot.next, log.start)
    while let entry = log[next], entry.ballot == ballot { next = next.next }
    let through = Slot(next.rawValue - 1)
    var beyond: [Slot] = []
    while next < log.end {
      if let entry = log[next], entry.ballot == ballot { beyond.append(next) }
      next = next.next
    }
    return (max(through, slot), beyond)
  }
}
