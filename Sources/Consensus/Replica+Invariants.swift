internal import Primitives

/// What must hold after every step, in release builds too.
extension Replica {
  func checkInvariants() {
    precondition(learner.applied <= learner.delivered, "LE1: applied what was not handed out")
    precondition(learner.chosen <= learner.delivered, "LE1: chosen and not handed out")
    precondition(
      acceptor.log.start <= learner.chosen.next, "the log begins behind what is chosen")
    precondition(
      learner.governing.slot <= max(learner.chosen, learner.delivered),
      "LE2: a configuration governs that is not chosen")
    precondition(ledger.durableHint <= writtenHint, "a hint is durable that was not written")
    precondition(
      durablyChosen <= learner.chosen, "more would be known after a crash than is known now")
    guard proposer.stage != .idle else {
      precondition(proposer.queue.isEmpty && proposer.withheld.isEmpty, "requests without a ballot")
      precondition(proposer.reads.count == 0, "reads without a ballot")
      return
    }
    precondition(proposer.ballot.replica == id, "a ballot of somebody else's is led in")
    precondition(suspicion.highestRound >= proposer.ballot.round, "a round that was not met")
    precondition(
      acceptor.promised == proposer.ballot, "AC1: a ballot goes on that the acceptor left")
    precondition(!acceptor.isAmnesiac, "an amnesiac replica is a candidate")
    guard proposer.isProposing else { return }
    precondition(learner.chosen < proposer.next, "PP4: more is chosen than was proposed")
    precondition(proposer.ownAccepted < proposer.next, "PP4: more is durable than was proposed")
    precondition(proposer.inFlightByteCount >= 0, "PP4: bytes in flight")
    precondition(proposer.requests.end <= proposer.next, "PP4: a request for no proposal")
    precondition(proposer.queue.byteCount >= 0, "a queue with fewer bytes than none")
    if case .leading(let newLeader) = proposer.stage {
      precondition(newLeader < proposer.next, "PP4: the own entry was not proposed")
      precondition(learner.configuration.isVoter(id), "RP2: it leads and is no voter")
    }
    if let change = proposer.change, !change.isChosen {
      precondition(change.slot > learner.chosen, "a chosen configuration counts as under way")
      precondition(change.slot.next == proposer.next, "PP2: proposed behind a configuration")
    }
    if let slot = proposer.transfer?.releaseSlot {
      precondition(slot.next == proposer.next, "PP3: proposed behind the release of the lease")
      precondition(proposer.lease.isReleased, "RP2: a lease that was handed over is held")
    }
  }
}
