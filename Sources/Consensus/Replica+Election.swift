internal import Primitives

/// Suspecting a leader, asking the others, and phase 1 as the acceptor and as the candidate.
extension Replica {
  /// Whether it may lead. One whose store is stalled would only be replaced again (rule F2).
  var canCampaign: Bool {
    !acceptor.isAmnesiac && isStoreGood && learner.configuration.isVoter(id)
  }

  // Suspicion.

  /// Silence was too long: the others are asked (election rule 1). Who may not lead asks for what was
  /// chosen meanwhile: it may belong to the voters by now (rule M4).
  mutating func suspect(now: BootTime, _ output: inout Output) {
    suspicion.patience = chance.duration(atLeast: settings.suspicion)
    suspicion.deadline = now.advanced(by: suspicion.patience)
    suspicion.leader = nil
    // What is known as chosen is in doubt no more: without that it may be of no use to a quorum.
    if !canCampaign || acceptor.unknown != nil { askAround(&output) }
    guard canCampaign else { return }
    let attempt = chance.next()
    suspicion.attempt = attempt
    suspicion.agreeing = [id]
    for voter in learner.configuration.voters where voter != id {
      output.actions.send.append(
        envelope(
          to: voter,
          .suspect(attempt: attempt, chosenSlot: learner.chosen, logStart: acceptor.log.start)))
    }
    campaignIfAgreed(now: now, &output)
  }

  /// Agrees if it has not heard the leader either, and the candidate could lead without an image.
  mutating func answerSuspect(
    _ attempt: UInt64, chosenSlot: Slot, from candidate: ReplicaID, now: BootTime,
    _ output: inout Output
  ) {
    guard !learner.configuration.removed.contains(candidate), !acceptor.isAmnesiac else { return }
    let agrees =
      !proposer.isProposing && proposer.raise == nil
      && suspicion.isSilent(at: now, after: settings.suspicion)
      && chosenSlot.next >= acceptor.log.start
    let floor = max(acceptor.promised, suspicion.followed)
    output.actions.send.append(
      envelope(to: candidate, .suspectReply(attempt: attempt, agrees: agrees, promised: floor)))
  }

  mutating func suspectAnswered(
    _ attempt: UInt64, agrees: Bool, by replica: ReplicaID, now: BootTime, _ output: inout Output
  ) {
    guard agrees, suspicion.attempt == attempt, !suspicion.agreeing.contains(replica) else {
      return
    }
    suspicion.agreeing.append(replica)
    suspicion.agreeing.sort()
    campaignIfAgreed(now: now, &output)
  }

  private mutating func campaignIfAgreed(now: BootTime, _ output: inout Output) {
    let configuration = learner.configuration
    let count = suspicion.agreeing.count { configuration.isVoter($0) }
    guard count >= configuration.quorumCount, canCampaign else { return }
    campaign(now: now, &output)
  }

  /// The leader stepped aside for this replica: nobody has to be asked.
  mutating func takeOver(from ballot: Ballot, now: BootTime, _ output: inout Output) {
    guard canCampaign, proposer.stage == .idle, ballot >= suspicion.followed else { return }
    suspicion.meet(ballot)
    campaign(now: now, &output)
  }

  // Phase 1: the candidate.

  mutating func campaign(now: BootTime, _ output: inout Output) {
    precondition(proposer.stage == .idle, "a candidate or leader campaigns")
    suspicion.attempt = nil
    suspicion.leader = nil
    beginPhase1(now: now, &output)
  }

  /// A ballot above every one that was met. The own promise comes first: a ballot that others know
  /// and that a crash forgets might be used for other contents.
  mutating func beginPhase1(now: BootTime, _ output: inout Output) {
    suspicion.meet(acceptor.promised)
    suspicion.meet(suspicion.followed)
    let ballot = Ballot(round: suspicion.highestRound + 1, replica: id)
    suspicion.meet(ballot)
    precondition(ballot > acceptor.promised, "a ballot that is not new")
    let hasPromised = acceptor.promise(ballot)
    precondition(hasPromised)
    output.writesHardState = true
    output.promised = ballot
    proposer.ballot = ballot
    proposer.stage = .preparing
    proposer.recovery = Recovery()
    proposer.deadline = now.advanced(by: chance.duration(atLeast: settings.suspicion))
    proposer.nextHeartbeat = now.advanced(by: settings.tick)
    for voter in learner.configuration.voters where voter != id {
      output.afterWrite.append(
        envelope(to: voter, .prepare(ballot, from: learner.chosen.next)))
    }
  }

  /// Asks those again that have not answered.
  mutating func repeatPhase1(_ output: inout Output) {
    // The own promise is not durable before its reply is in.
    guard proposer.recovery.reply(of: id) != nil else { return }
    for voter in learner.configuration.voters
    where voter != id && proposer.recovery.reply(of: voter) == nil {
      output.actions.send.append(
        envelope(to: voter, .prepare(proposer.ballot, from: learner.chosen.next)))
    }
  }

  mutating func promised(
    _ promise: Promise, by replica: ReplicaID, now: BootTime, _ output: inout Output
  ) {
    guard proposer.stage == .preparing, promise.ballot == proposer.ballot else { return }
    proposer.recovery.add(promise, of: replica)
    recover(now: now, &output)
  }

  mutating func rejected(
    _ asked: Ballot, promised: Ballot, by replica: ReplicaID, now: BootTime,
    _ output: inout Output
  ) {
    suspicion.meet(promised)
    guard asked == proposer.ballot, promised > asked else { return }
    switch proposer.stage {
    case .idle: break
    case .preparing: stepDown(now: now, &output)
    case .finishing, .leading, .leaving:
      guard let index = proposer.index(of: replica) else { return }
      proposer.others[index].rejection = promised
      if proposer.rejectedAt == nil { proposer.rejectedAt = now }
    }
  }

  // Phase 1: the acceptor.

  mutating func prepare(
    _ ballot: Ballot, from first: Slot, asking candidate: ReplicaID, now: BootTime,
    _ output: inout Output
  ) {
    guard ballot.replica == candidate, !acceptor.isAmnesiac,
      !learner.configuration.removed.contains(candidate)
    else { return }
    suspicion.meet(ballot)
    // Asked again while the answer waits for the medium: it is on its way.
    guard !ledger.isPromising(ballot) else { return }
    let floor = max(acceptor.promised, suspicion.followed)
    guard ballot >= floor, acceptor.promise(ballot) else {
      output.actions.send.append(
        envelope(to: candidate, .reject(asked: ballot, promised: floor)))
      return
    }
    if proposer.stage != .idle { stepDown(now: now, &output) }
    suspicion.deadline = now.advanced(by: suspicion.patience)
    output.writesHardState = true
    output.promised = ballot
    output.afterWrite.append(
      envelope(to: candidate, .promise(promise(from: first))))
  }

  /// What it says to a ballot that it has just promised.
  func promise(from first: Slot) -> Promise {
    let known = max(learner.chosen, Slot(max(first.rawValue, 1) - 1))
    return Promise(
      ballot: acceptor.promised, chosenSlot: learner.chosen, logStart: acceptor.log.start,
      accepted: acceptor.accepted(behind: known), unknown: acceptor.unknown(behind: known))
  }
}
