internal import Primitives

/// Changes of the members (rules M1 to M7).
extension Replica {
  mutating func change(
    to wanted: Configuration, isForced: Bool, _ request: RequestID, now: BootTime,
    _ output: inout Output
  ) {
    let refusal: Refusal? =
      if !proposer.isLeading {
        .notLeader(hint: suspicion.leader)
      } else if !isServing || proposer.change != nil || proposer.transfer != nil {
        .busy
      } else if !mayFollow(wanted, isForced: isForced, now: now) {
        .unsafeConfiguration
      } else {
        nil
      }
    if let refusal {
      output.actions.outcomes.append(.configuration(request, .failure(refusal)))
      return
    }
    proposer.change = MembershipChange(request: request, slot: proposer.next)
    append(.configuration(completed(wanted)), now: now, &output)
  }

  /// With everybody who leaves among the removed, and all who ever were.
  private func completed(_ wanted: Configuration) -> Configuration {
    let present = learner.configuration
    let leaving = (present.voters + present.learners).filter { !wanted.isMember($0) }
    let removed = Set(present.removed + wanted.removed + leaving)
    return Configuration(
      voters: wanted.voters, learners: wanted.learners, removed: removed.sorted())
  }

  /// Rule M3: who is to vote was a learner before and has caught up, and a quorum of the new voters
  /// is alive; force waives both. Rule M6: who was removed does not come back, by no force.
  private func mayFollow(_ wanted: Configuration, isForced: Bool, now: BootTime) -> Bool {
    let present = learner.configuration
    guard !wanted.voters.isEmpty,
      !present.removed.contains(where: { wanted.isMember($0) })
    else { return false }
    if isForced { return true }
    let hasCaughtUp = wanted.voters.allSatisfy { voter in
      if present.isVoter(voter) { return true }
      guard present.learners.contains(voter), let index = proposer.index(of: voter) else {
        return false
      }
      let lag = learner.chosen.distance(from: proposer.others[index].chosen)
      return isAlive(voter, now: now) && lag <= settings.caughtUpSlotCount
    }
    let aliveCount = wanted.voters.count { isAlive($0, now: now) }
    return hasCaughtUp && aliveCount >= wanted.quorumCount
  }

  /// Whether it was heard lately.
  func isAlive(_ replica: ReplicaID, now: BootTime) -> Bool {
    if replica == id { return true }
    guard let index = proposer.index(of: replica) else { return false }
    return now.elapsed(since: proposer.others[index].heardAt) < settings.suspicion
  }

  /// The configuration that was under way is chosen, and governs the next slot from here on (M2).
  mutating func configurationChosen(now: BootTime, _ output: inout Output) {
    guard let change = proposer.change else { return }
    precondition(learner.governing.slot == change.slot, "another configuration was chosen")
    precondition(learner.chosen == change.slot, "PP2: chosen behind a configuration in flight")
    proposer.change?.isChosen = true
    faceMembers(now: now)
    sendNotices(now: now, &output)
    if !learner.configuration.isVoter(id) {
      leave(since: change.slot, &output)
    } else if case .finishing = proposer.stage {
      resumePhase1(now: now, &output)
    }
    settleChange(now: now, &output)
  }

  /// The group goes on without this replica, which stays until a quorum of the others knows.
  private mutating func leave(since slot: Slot, _ output: inout Output) {
    proposer.stage = .leaving(since: slot)
    proposer.lease.release()
    let refusal = Refusal.notLeader(hint: learner.configuration.voters.first)
    for proposal in proposer.queue.takeAll() {
      output.actions.outcomes.append(.proposal(proposal.id, .failure(refusal)))
    }
    refuseReads(refusal, &output)
  }

  /// When a quorum of the new voters knows that the configuration is chosen, and no crash can make them
  /// forget it, they can go on by themselves: the old members may go (rule M3).
  mutating func settleChange(now: BootTime, _ output: inout Output) {
    guard let change = proposer.change, change.isChosen, proposer.isProposing else { return }
    let configuration = learner.configuration
    let knowing = configuration.voters.filter { voter in
      if voter == id { return durablyChosen >= change.slot }
      return proposer.index(of: voter).map {
        proposer.others[$0].durablyChosen >= change.slot
      } ?? false
    }
    guard knowing.count >= configuration.quorumCount else { return }
    for other in proposer.others where configuration.removed.contains(other.replica) {
      output.actions.send.append(
        envelope(to: other.replica, .removed(at: learner.governing.slot)))
    }
    proposer.others.removeAll { !configuration.isMember($0.replica) }
    finishChange(change.slot, &output)
    guard case .leaving = proposer.stage else { return }
    if let heir = knowing.first {
      output.actions.send.append(envelope(to: heir, .takeOver(proposer.ballot)))
    }
    stepDown(now: now, &output)
    if !configuration.isMember(id) { output.actions.halt = .removed }
  }

  /// Ends a change: with the slot of its configuration, or without knowing.
  mutating func finishChange(_ slot: Slot?, _ output: inout Output) {
    guard let change = proposer.change else { return }
    proposer.change = nil
    guard let request = change.request else { return }
    output.actions.outcomes.append(
      .configuration(request, slot.map { .success($0) } ?? .failure(.unknownOutcome)))
  }

  /// A removed replica speaks. If it can go, it is told so; false if it may still be needed.
  func tellRemoved(_ replica: ReplicaID, _ output: inout Output) -> Bool {
    guard isServing, proposer.change == nil else { return false }
    output.actions.send.append(envelope(to: replica, .removed(at: learner.governing.slot)))
    return true
  }
}
