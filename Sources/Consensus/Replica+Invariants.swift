internal import Primitives

/// What must hold after every step, in release builds too.
extension Replica {
  func checkInvariants() {
    precondition(learner.applied <= learner.delivered, "LE1: applied what was not handed out")
    precondition(learner.chosen <= learner.delivered, "LE1: chosen and not handed out")
    precondition(
      acceptor.log.start <= learner.chosen.next, "the log begins behind what is chosen")
    guard proposer.stage != .idle else { return }
    precondition(
      acceptor.promised == proposer.ballot, "AC1: a ballot goes on that the acceptor left")
    precondition(!acceptor.isAmnesiac, "an amnesiac replica is a candidate")
    guard proposer.isProposing else { return }
    precondition(learner.chosen < proposer.next, "PP4: more is chosen than was proposed")
    precondition(proposer.ownAccepted < proposer.next, "PP4: more is durable than was proposed")
    precondition(proposer.inFlightByteCount >= 0, "PP4: bytes in flight")
  }
}
