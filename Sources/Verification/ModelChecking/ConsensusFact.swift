internal import Consensus
internal import Primitives

/// Something that has happened in a group and stays true. A message that was sent may arrive at any
/// later time, any number of times, or never: so the network is the set of what was sent.
enum ConsensusFact: Hashable, Sendable {
  case sent(Envelope)
  /// An entry is on the medium of an acceptor.
  case voted(ReplicaID, Entry)
  /// A replica takes the content of a slot for chosen.
  case delivered(ReplicaID, Slot, Entry.Content)
}

/// What follows from the votes alone: which contents were ever chosen. It is what Paxos is about, by
/// its definition and without a look at what any replica believes.
///
/// - Invariant MC1: one content at most is ever chosen in a slot.
/// - Invariant MC2: what a replica takes for chosen was chosen: in one ballot a quorum of the
///   configuration that governs the slot had it on the medium.
/// - Invariant MC3: two replicas take the same for chosen.
struct ConsensusJudge {
  let founding: Configuration

  func judge(_ facts: [ConsensusFact]) throws(ExplorationViolation) {
    let chosen = try chosenContents(facts)
    var delivered: [Slot: Entry.Content] = [:]
    for case .delivered(let replica, let slot, let content) in facts {
      if let other = delivered[slot], other != content {
        throw ExplorationViolation(
          "MC3", "\(replica) takes \(content) for chosen in \(slot), another one \(other)")
      }
      delivered[slot] = content
      guard chosen[slot] == content else {
        throw ExplorationViolation(
          "MC2", "\(replica) takes \(content) for chosen in \(slot) without a quorum")
      }
    }
  }

  /// In ascending slots, since a configuration that is chosen governs the slots behind its own.
  private func chosenContents(
    _ facts: [ConsensusFact]
  ) throws(ExplorationViolation) -> [Slot: Entry.Content] {
    var voters: [Slot: [Ballot: (content: Entry.Content, replicas: Set<ReplicaID>)]] = [:]
    for case .voted(let replica, let entry) in facts {
      voters[entry.slot, default: [:]][entry.ballot, default: (entry.content, [])].replicas
        .insert(replica)
      if voters[entry.slot]?[entry.ballot]?.content != entry.content {
        throw ExplorationViolation("EN1", "two contents in \(entry.slot) and \(entry.ballot)")
      }
    }
    var chosen: [Slot: Entry.Content] = [:]
    var configuration = founding
    var slot = Slot.zero.next
    while let ballots = voters[slot] {
      for (ballot, vote) in ballots.sorted(by: { $0.key < $1.key })
      where vote.replicas.count(where: configuration.isVoter) >= configuration.quorumCount {
        if let other = chosen[slot], other != vote.content {
          throw ExplorationViolation(
            "MC1", "\(slot): \(other) was chosen, and \(vote.content) in \(ballot)")
        }
        chosen[slot] = vote.content
      }
      // Behind a slot in which nothing is chosen, no configuration is known, and none is needed.
      guard let content = chosen[slot] else { break }
      if case .configuration(let next) = content { configuration = next }
      slot = slot.next
    }
    return chosen
  }
}
