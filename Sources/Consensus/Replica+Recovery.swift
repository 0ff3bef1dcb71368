internal import Primitives

/// From the answers to phase 1 to the first own entry of a ballot.
extension Replica {
  /// Looks whether the answers suffice, and if so begins phase 2.
  mutating func recover(now: BootTime, _ output: inout Output) {
    guard proposer.stage == .preparing, proposer.recovery.reply(of: id) != nil else { return }
    guard learner.configuration.isVoter(id) else { return stepDown(now: now, &output) }
    switch proposer.recovery.decide(behind: learner.chosen, by: learner.configuration) {
    case .incomplete: break
    case .behind(let replica):
      guard let reply = proposer.recovery.reply(of: replica) else { return }
      catchUp.source = replica
      catchUp.known = max(catchUp.known, reply.chosenSlot)
    case .decided(let values): win(with: values, now: now, &output)
    }
  }

  /// Every slot in which something may have been chosen is decided: it is proposed again, and then
  /// the entry that opens the ballot (election rule 5); or a configuration ends what this quorum
  /// can decide (rule M4).
  private mutating func win(
    with values: [Recovery.Value], now: BootTime, _ output: inout Output
  ) {
    withhold(after: values, now: now)
    proposer.next = learner.chosen.next
    proposer.first = proposer.next
    proposer.ownAccepted = learner.chosen
    proposer.inFlightByteCount = 0
    proposer.rejectedAt = nil
    proposer.nextHeartbeat = now
    faceMembers(now: now)
    for index in proposer.others.indices {
      proposer.others[index].begin(next: proposer.next, now: now)
    }
    if proposer.requests.first == proposer.requests.end {
      proposer.requests.restart(at: proposer.next)
    }
    for value in values {
      let slot = proposer.next
      dropReplacedRequest(at: slot, by: value, &output)
      append(value.content, now: now, &output)
      if case .configuration = value.content {
        adoptChange(at: slot, value, &output)
        proposer.stage = .finishing(through: slot)
        return
      }
    }
    if let change = proposer.change, !change.isChosen { finishChange(nil, &output) }
    let usesLease = settings.readsByLease || proposer.owesEndOfLeases
    proposer.stage = .leading(newLeader: proposer.next)
    append(.newLeader(usesLease: usesLease), now: now, &output)
    if proposer.change == nil, learner.governing.slot > .zero {
      proposer.change = MembershipChange(
        request: nil, slot: learner.governing.slot, isChosen: true)
    }
    proposer.raise = nil
  }

  /// For how long nothing is shown (rule L2). Every entry of an older ballot that can still be
  /// chosen was proposed before the quorum promised, so its lease ends within `withholding` from
  /// now. None lives if the last word on leases in the log is that they have ended. A leader that
  /// raised its own ballot has no other to wait for, unless there was one in between.
  private mutating func withhold(after values: [Recovery.Value], now: BootTime) {
    var mayLive = learner.leaseMayLive
    for value in values {
      switch value.content {
      case .newLeader(let usesLease): mayLive = usesLease
      case .leaseRelease: mayLive = false
      case .noOperation, .configuration, .command, .tick: break
      }
    }
    if let raise = proposer.raise {
      let isForeign =
        learner.chosen > raise.chosen
        || values.contains { $0.ballot > raise.ballot && $0.ballot.replica != id }
      guard isForeign else { return }
    }
    guard mayLive else { return }
    proposer.withheldUntil = max(
      proposer.withheldUntil, now.advanced(by: settings.withholding))
    proposer.owesEndOfLeases = !settings.readsByLease
  }

  /// While it raised its ballot another leader may have used the slot for something else.
  private mutating func dropReplacedRequest(
    at slot: Slot, by value: Recovery.Value, _ output: inout Output
  ) {
    guard let raise = proposer.raise, value.ballot > raise.ballot,
      let request = proposer.requests.take(slot)
    else { return }
    output.actions.outcomes.append(.proposal(request, .failure(.unknownOutcome)))
  }

  /// A configuration was found: the own one, still under way, or somebody else's.
  private mutating func adoptChange(
    at slot: Slot, _ value: Recovery.Value, _ output: inout Output
  ) {
    if let change = proposer.change, change.slot == slot, value.ballot == proposer.raise?.ballot {
      return
    }
    finishChange(nil, &output)
    proposer.change = MembershipChange(request: nil, slot: slot)
  }

  /// The configuration that ended what the former quorum could decide is chosen: phase 1 of what
  /// lies behind it is for a quorum of the new one, and the replies that are there count (rule M4).
  mutating func resumePhase1(now: BootTime, _ output: inout Output) {
    proposer.stage = .preparing
    proposer.raise?.chosen = learner.chosen
    proposer.deadline = now.advanced(by: chance.duration(atLeast: settings.suspicion))
    proposer.recovery.replace(promise(from: learner.chosen.next), of: id)
    repeatPhase1(&output)
    recover(now: now, &output)
  }

  /// A member has promised more than this ballot, while a quorum still follows: instead of giving
  /// way, the leader takes a higher ballot (election rule 7).
  mutating func raiseBallot(now: BootTime, _ output: inout Output) {
    precondition(proposer.isLeading && proposer.transfer == nil)
    proposer.raise = Proposer.Raise(ballot: proposer.ballot, chosen: learner.chosen)
    proposer.rejectedAt = nil
    proposer.reads.abandonRound()
    beginPhase1(now: now, &output)
  }

  /// Those whom the ballot is for, each with what is known of it.
  mutating func faceMembers(now: BootTime) {
    let configuration = learner.configuration
    let members = (configuration.voters + configuration.learners).sorted()
    var others = proposer.others
    for member in members where member != id {
      if others.contains(where: { $0.replica == member }) { continue }
      others.append(Progress(replica: member, next: proposer.next, now: now))
    }
    others.sort { $0.replica < $1.replica }
    proposer.others = others
  }
}
