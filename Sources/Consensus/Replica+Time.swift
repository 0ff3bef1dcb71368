internal import Primitives

/// What happens because nothing else did.
extension Replica {
  mutating func passTime(now: BootTime, _ output: inout Output) {
    switch proposer.stage {
    case .idle:
      if now >= suspicion.deadline { suspect(now: now, &output) }
    case .preparing:
      if now >= proposer.deadline {
        stepDown(now: now, &output)
      } else if now >= proposer.nextHeartbeat {
        proposer.nextHeartbeat = now.advanced(by: settings.tick)
        repeatPhase1(&output)
        if proposer.raise != nil { sendNotices(now: now, &output) }
      }
    case .finishing, .leading, .leaving:
      if now >= proposer.nextHeartbeat {
        heartbeat(now: now, &output)
      } else if let due = proposer.noticeDue, now >= due {
        sendNotices(now: now, onlyNews: true, &output)
      }
    }
    considerFetch(now: now, &output)
    passTimeOfReads(now: now, &output)
    if let handOver, now >= handOver.deadline {
      self.handOver = nil
      output.actions.outcomes.append(.transfer(handOver.request, .failure(.unavailable)))
    }
  }

  private mutating func passTimeOfReads(now: BootTime, _ output: inout Output) {
    guard let oldest = relay.oldest else { return }
    let patience = 2 * settings.suspicion
    if now.elapsed(since: oldest) >= patience {
      for request in relay.expire(now: now, after: patience) {
        output.actions.outcomes.append(.read(request, .failure(.unavailable)))
      }
    }
    if let leader = suspicion.leader, leader != id, relay.hasWaiting,
      relay.isDue || now.elapsed(since: relay.askedAt) >= relayPatience
    {
      askLeader(leader, now: now, &output)
    }
  }

  private var relayPatience: UInt64 { settings.suspicion / 2 }

  /// Once in a tick, a leader shows that it lives, and sees whether the others do.
  private mutating func heartbeat(now: BootTime, _ output: inout Output) {
    proposer.nextHeartbeat = now.advanced(by: settings.tick)
    guard hearsQuorum(now: now) else {
      return stepDown(now: now, &output)
    }
    if let transfer = proposer.transfer {
      guard now < transfer.deadline else { return stepDown(now: now, &output) }
      if let slot = transfer.releaseSlot, slot <= learner.chosen { sendTakeOver(&output) }
    }
    if isRejectedByFew {
      return raiseBallot(now: now, &output)
    }
    for index in proposer.others.indices { considerResending(to: index, now: now) }
    if proposer.reads.openRound != nil,
      now.elapsed(since: proposer.reads.askedAt) >= settings.tick
    {
      proposer.reads.repeatRound(now: now)
    }
    keepLeaseAlive(now: now, &output)
    keepFrom = max(keepFrom, wantedFrom(now: now))
    sendNotices(now: now, &output)
    considerTruncation(&output)
    settleChange(now: now, &output)
  }

  /// Election rule 8: whether a quorum was heard lately.
  private func hearsQuorum(now: BootTime) -> Bool {
    let configuration = learner.configuration
    let count = configuration.voters.count { isAlive($0, now: now) }
    return count >= configuration.quorumCount
  }

  /// Election rule 7: some member promised more, and a quorum has answered in this ballot since.
  private var isRejectedByFew: Bool {
    guard proposer.isLeading, proposer.transfer == nil, let rejectedAt = proposer.rejectedAt,
      proposer.others.contains(where: { $0.rejection != nil })
    else { return false }
    let configuration = learner.configuration
    let count = configuration.voters.count { voter in
      if voter == id { return true }
      guard let index = proposer.index(of: voter) else { return false }
      let other = proposer.others[index]
      return other.rejection == nil && other.heardAt > rejectedAt
    }
    return count >= configuration.quorumCount
  }

  /// What a member did not answer within a tick is taken for lost; it is sent once more when the
  /// member shows that it is there.
  private mutating func considerResending(to index: Int, now: BootTime) {
    guard proposer.others[index].mode == .streaming,
      let since = proposer.others[index].waitingSince, now.elapsed(since: since) >= settings.tick
    else { return }
    proposer.others[index].forgetInFlight()
    proposer.others[index].mode = .probing
  }

  /// Rule L3: only reads that go on keep the lease of an idle leader alive; and only if its own
  /// medium answers, though the others would do for a quorum (rule L1).
  private mutating func keepLeaseAlive(now: BootTime, _ output: inout Output) {
    let period = settings.leaseDuration / 3
    guard now.elapsed(since: proposer.lastProposedAt) >= period,
      let oneBefore = proposer.lastReads.oneBefore, now.elapsed(since: oneBefore) < period,
      settings.readsByLease, isServing, proposer.transfer == nil,
      proposer.change.map({ $0.isChosen }) ?? true, learner.chosen.next == proposer.next,
      !ledger.isWriting(proposer.ballot)
    else { return }
    append(.tick, now: now, &output)
  }

  /// Tells the others what is chosen. `onlyNews`: those who do not know yet.
  mutating func sendNotices(now: BootTime, onlyNews: Bool = false, _ output: inout Output) {
    proposer.noticeDue = nil
    for index in proposer.others.indices
    where !onlyNews || proposer.others[index].told < learner.chosen {
      proposer.others[index].told = learner.chosen
      output.actions.send.append(
        envelope(
          to: proposer.others[index].replica,
          .chosen(
            ChosenNotice(
              ballot: proposer.ballot, through: learner.chosen,
              readRound: proposer.reads.lastRound, keepFrom: keepFrom, sentAt: now))))
    }
  }

  /// The earliest moment at which `passTime` or `serve` has something to do.
  var earliestDeadline: BootTime {
    if learner.delivered < learner.chosen { return lastStep }
    var deadline: BootTime
    switch proposer.stage {
    case .idle: deadline = suspicion.deadline
    case .preparing: deadline = min(proposer.deadline, proposer.nextHeartbeat)
    case .finishing, .leading, .leaving:
      deadline = proposer.nextHeartbeat
      if let due = proposer.noticeDue { deadline = min(deadline, due) }
      if isServing, lastStep < proposer.withheldUntil {
        deadline = min(deadline, proposer.withheldUntil)
      }
    }
    if let due = fetchDeadline { deadline = min(deadline, due) }
    if let oldest = relay.oldest {
      deadline = min(deadline, oldest.advanced(by: 2 * settings.suspicion))
      if relay.hasWaiting, let leader = suspicion.leader, leader != id {
        deadline = min(
          deadline, relay.isDue ? lastStep : relay.askedAt.advanced(by: relayPatience))
      }
    }
    if let handOver { deadline = min(deadline, handOver.deadline) }
    return deadline
  }
}
