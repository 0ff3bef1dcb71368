internal import Primitives

/// The writes that are under way, oldest first, and what each of them proves once it is on the
/// medium. Writes become durable in the order in which they were asked for.
///
/// - Invariant WL1: tokens ascend and are used once.
struct WriteLedger: Hashable, Sendable {
  struct UnderWay: Hashable, Sendable {
    let token: WriteToken
    /// The ballot that is promised by it.
    let promised: Ballot?
    /// The last slot of own proposals in it, and their ballot.
    let ownThrough: Slot?
    let ballot: Ballot
    /// Everything through here was known as chosen, and its entries are in this write or before.
    let chosen: Slot
  }

  private(set) var underWay: [UnderWay] = []
  private var lastToken = WriteToken(0)
  /// Everything through here is chosen, and the entries that were are on the medium.
  private(set) var durableChosen: Slot

  init(durableChosen: Slot) { self.durableChosen = durableChosen }

  var isEmpty: Bool { underWay.isEmpty }

  /// Whether proposals of this ballot are on their way to the medium.
  func isWriting(_ ballot: Ballot) -> Bool {
    underWay.contains { $0.ownThrough != nil && $0.ballot == ballot }
  }

  mutating func begin(promised: Ballot?, ownThrough: Slot?, ballot: Ballot, chosen: Slot)
    -> WriteToken
  {
    lastToken = WriteToken(lastToken.rawValue + 1)
    underWay.append(
      UnderWay(
        token: lastToken, promised: promised, ownThrough: ownThrough, ballot: ballot, chosen: chosen
      ))
    return lastToken
  }

  /// Hands back the writes that are finished by this, oldest first.
  mutating func finish(_ token: WriteToken) -> [UnderWay] {
    precondition(token <= lastToken, "WL1: a write that was never asked for is durable")
    let count = underWay.firstIndex { $0.token > token } ?? underWay.count
    let finished = Array(underWay[..<count])
    underWay.removeFirst(count)
    if let last = finished.last { durableChosen = max(durableChosen, last.chosen) }
    return finished
  }
}
