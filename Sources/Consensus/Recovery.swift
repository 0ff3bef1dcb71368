internal import Primitives

/// The answers to phase 1 of a ballot, and what they say about each slot that the candidate does not
/// know as chosen.
///
/// A slot is decided by the replies of a quorum that can speak about it: the accepted content of
/// the highest ballot among them, or nothing if none accepted any. A reply that says `unknown` of a
/// slot is not counted for it, since what it lost may be what was chosen: so a slot becomes a
/// no-operation only when a full quorum said that it holds nothing there (the nack rule).
///
/// - Invariant RE1: only voters of the configuration of the slot are counted (rule M5).
/// - Invariant RE2: of replies that are counted, none knows more as chosen than the candidate: what
///   any of them knows is fetched first.
struct Recovery: Hashable, Sendable {
  /// Ascending by replica, one each.
  private(set) var replies: [Reply] = []

  struct Reply: Hashable, Sendable {
    let replica: ReplicaID
    let promise: Promise
  }

  enum Decision {
    /// More replies are needed.
    case incomplete
    /// This replica knows more as chosen.
    case behind(ReplicaID)
    case decided([Value])
  }

  /// What is to be proposed in a slot; ascending and without gaps.
  struct Value {
    let content: Entry.Content
    /// The highest ballot that it was accepted in, zero for nothing.
    let ballot: Ballot
  }

  func reply(of replica: ReplicaID) -> Promise? {
    replies.first { $0.replica == replica }?.promise
  }

  /// The first reply of a replica stays: later ones could only show what this ballot itself did.
  mutating func add(_ promise: Promise, of replica: ReplicaID) {
    let index = replies.firstIndex { $0.replica >= replica } ?? replies.count
    if index < replies.count, replies[index].replica == replica { return }
    replies.insert(Reply(replica: replica, promise: promise), at: index)
  }

  /// A replica learned what it lacked, and says so in place of its first reply.
  mutating func replace(_ promise: Promise, of replica: ReplicaID) {
    replies.removeAll { $0.replica == replica }
    add(promise, of: replica)
  }

  /// What the slots behind `chosen` hold, through the first configuration among them or, without
  /// one, through the last slot in which anything can have been chosen (rule M4).
  ///
  /// Slots behind it that a quorum says hold nothing need no entry: whatever a damaged log may have
  /// held there was not chosen.
  func decide(behind chosen: Slot, by configuration: Configuration) -> Decision {
    let counted = replies.filter { configuration.isVoter($0.replica) }
    guard counted.count >= configuration.quorumCount else { return .incomplete }
    if let ahead = counted.first(where: { $0.promise.chosenSlot > chosen }) {
      return .behind(ahead.replica)
    }
    let last = counted.reduce(chosen) { max($0, $1.promise.accepted.last?.slot ?? .zero) }
    var positions = counted.map { reply in
      reply.promise.accepted.firstIndex { $0.slot > chosen } ?? reply.promise.accepted.count
    }
    var values: [Value] = []
    var slot = chosen.next
    while slot <= last {
      var value = Value(content: .noOperation, ballot: .zero)
      var count = 0
      for (index, reply) in counted.enumerated() {
        let accepted = reply.promise.accepted
        if positions[index] < accepted.count, accepted[positions[index]].slot == slot {
          let entry = accepted[positions[index]]
          positions[index] += 1
          count += 1
          precondition(
            entry.ballot != value.ballot || entry.content == value.content,
            "EN1: one ballot proposed two contents for \(slot)")
          if entry.ballot > value.ballot {
            value = Value(content: entry.content, ballot: entry.ballot)
          }
        } else if reply.promise.unknown?.contains(slot) != true {
          count += 1
        }
      }
      guard count >= configuration.quorumCount else { return .incomplete }
      values.append(value)
      if case .configuration = value.content { return .decided(values) }
      slot = slot.next
    }
    let isSure = canSpeak(counted, behind: last, quorumCount: configuration.quorumCount)
    return isSure ? .decided(values) : .incomplete
  }

  /// Whether a quorum can say that nothing was accepted in any slot behind one. What is unsure there
  /// may be ten thousands of slots, of which only the ends make a difference.
  private func canSpeak(_ counted: [Reply], behind last: Slot, quorumCount: Int) -> Bool {
    let unsure = counted.compactMap(\.promise.unknown).filter { $0.upperBound > last.next }
    return unsure.allSatisfy { range in
      let slot = max(range.lowerBound, last.next)
      return counted.count - unsure.count { $0.contains(slot) } >= quorumCount
    }
  }
}
