import Verification

/// Paxos for a single value in a few lines, with bugs that can be planted: what the explorer is tried
/// out on.
struct ToyPaxos: ExplorableSystem, Hashable {
  enum Bug: CaseIterable, Hashable {
    /// The second proposer proposes its own value whatever the promises say.
    case ignoresPromises
    /// One acceptor is a quorum.
    case quorumOfOne
    /// An acceptor accepts below its promise.
    case acceptsOld
  }

  enum Message: Hashable, CustomStringConvertible {
    case prepare(ballot: Int)
    case promise(ballot: Int, by: Int, accepted: Vote?)
    case accept(Vote)
    case accepted(Vote, by: Int)

    var description: String {
      switch self {
      case .prepare(let ballot): "prepare \(ballot)"
      case .promise(let ballot, let by, let accepted):
        "promise \(ballot) by \(by) with \(accepted.map { "\($0)" } ?? "nothing")"
      case .accept(let vote): "accept \(vote)"
      case .accepted(let vote, let by): "accepted \(vote) by \(by)"
      }
    }
  }

  struct Vote: Hashable {
    let ballot: Int
    let value: Int
  }

  struct Action: Hashable, CustomStringConvertible {
    let acceptor: Int
    let message: Message
    var description: String { "\(acceptor): \(message)" }
  }

  let bug: Bug?
  let acceptorCount = 3
  private var promised = [Int](repeating: 0, count: 3)
  private var accepted = [Vote?](repeating: nil, count: 3)
  private var sent: Set<Message> = []

  init(proposers: Int, bug: Bug? = nil) {
    self.bug = bug
    for ballot in 1...proposers { sent.insert(.prepare(ballot: ballot)) }
  }

  private var quorum: Int { bug == .quorumOfOne ? 1 : 2 }

  var fingerprint: StateFingerprint { StateFingerprint(self) }

  var actions: [Action] {
    sent.filter {
      switch $0 {
      case .prepare, .accept: true
      case .promise, .accepted: false
      }
    }.sorted { "\($0)" < "\($1)" }.flatMap { message in
      (0..<acceptorCount).map { Action(acceptor: $0, message: message) }
    }
  }

  mutating func take(_ action: Action) throws(ExplorationViolation) -> Bool {
    let former = self
    let acceptor = action.acceptor
    switch action.message {
    case .prepare(let ballot) where ballot > promised[acceptor]:
      promised[acceptor] = ballot
      sent.insert(.promise(ballot: ballot, by: acceptor, accepted: accepted[acceptor]))
      propose(in: ballot)
    case .accept(let vote) where vote.ballot >= promised[acceptor] || bug == .acceptsOld:
      promised[acceptor] = max(promised[acceptor], vote.ballot)
      accepted[acceptor] = vote
      sent.insert(.accepted(vote, by: acceptor))
      try judge()
    default: break
    }
    return self != former
  }

  private mutating func propose(in ballot: Int) {
    let hasProposed = sent.contains {
      if case .accept(let vote) = $0 { vote.ballot == ballot } else { false }
    }
    var votes: [Vote?] = []
    for case .promise(ballot, _, let vote) in sent { votes.append(vote) }
    guard !hasProposed, votes.count >= quorum else { return }
    let newest = votes.compactMap { $0 }.max { $0.ballot < $1.ballot }
    let value = bug == .ignoresPromises ? ballot : newest?.value ?? ballot
    sent.insert(.accept(Vote(ballot: ballot, value: value)))
  }

  /// By the definition: two acceptors are a quorum, whatever the proposers think.
  private func judge() throws(ExplorationViolation) {
    var counts: [Vote: Int] = [:]
    for case .accepted(let vote, _) in sent { counts[vote, default: 0] += 1 }
    let chosen = Set(counts.filter { $0.value >= 2 }.map(\.key.value))
    if chosen.count > 1 { throw ExplorationViolation("one value", "two were chosen") }
  }
}
