internal import Primitives

/// The writes that are under way, oldest first, and what each of them proves once it is on the
/// medium. Writes become durable in the order in which they were asked for.
///
/// - Invariant WL1: tokens ascend and are used once.
struct WriteLedger: Hashable, Sendable {
  struct UnderWay: Hashable, Sendable {
    var token: WriteToken
    /// The ballot that is promised by it, its own or another's.
    let promised: Ballot?
    /// The last slot of own proposals in it, and their ballot.
    let ownThrough: Slot?
    let ballot: Ballot
    /// The first slot of the entries in it.
    let first: Slot?
    /// The hint of what is chosen in it.
    let hint: Slot?
  }

  private(set) var underWay: [UnderWay] = []
  private var lastToken = WriteToken(0)
  /// The last hint of what is chosen that is on the medium.
  private(set) var durableHint: Slot

  init(durableHint: Slot) { self.durableHint = durableHint }

  var isEmpty: Bool { underWay.isEmpty }

  /// Whether proposals of this ballot are on their way to the medium.
  func isWriting(_ ballot: Ballot) -> Bool {
    underWay.contains { $0.ownThrough != nil && $0.ballot == ballot }
  }

  /// Whether a promise of this ballot is on its way to the medium.
  func isPromising(_ ballot: Ballot) -> Bool { underWay.contains { $0.promised == ballot } }

  /// The last slot such that no write of an entry through it is under way.
  func settled(through slot: Slot) -> Slot {
    underWay.reduce(slot) { least, write in
      write.first.map { min(least, $0.advanced(by: -1)) } ?? least
    }
  }

  mutating func begin(_ output: Output, ballot: Ballot, hint: Slot?) -> WriteToken {
    lastToken = WriteToken(lastToken.rawValue + 1)
    underWay.append(
      UnderWay(
        token: lastToken, promised: output.promised, ownThrough: output.ownThrough,
        ballot: ballot, first: output.entries.first?.slot, hint: hint))
    return lastToken
  }

  /// Hands back the writes that are finished by this, oldest first.
  mutating func finish(_ token: WriteToken) -> [UnderWay] {
    precondition(token <= lastToken, "WL1: a write that was never asked for is durable")
    let count = underWay.firstIndex { $0.token > token } ?? underWay.count
    let finished = Array(underWay[..<count])
    underWay.removeFirst(count)
    for write in finished {
      if let hint = write.hint { durableHint = max(durableHint, hint) }
    }
    return finished
  }
}

extension WriteLedger {
  /// Tokens only tell writes apart: two ledgers are equal whose writes under way are, whatever
  /// their numbers. So a replica that is where it was before is equal to what it was.
  static func == (left: WriteLedger, right: WriteLedger) -> Bool {
    left.durableHint == right.durableHint && left.renumbered == right.renumbered
  }

  func hash(into hasher: inout Hasher) {
    hasher.combine(durableHint)
    hasher.combine(renumbered)
  }

  private var renumbered: [UnderWay] {
    underWay.enumerated().map { place, write in
      var write = write
      write.token = WriteToken(UInt64(place))
      return write
    }
  }
}
