internal import Primitives

/// Handing leadership over, on request or because the own store is stalled (rules R3, F2).
extension Replica {
  mutating func transfer(
    to target: ReplicaID, _ request: RequestID, now: BootTime, _ output: inout Output
  ) {
    let refusal: Refusal? =
      if !proposer.isLeading {
        .notLeader(hint: suspicion.leader)
      } else if !isServing || now < proposer.withheldUntil || proposer.transfer != nil
        || proposer.change != nil || proposer.owesEndOfLeases
      {
        .busy
      } else if target != id, !canLead(target, now: now) {
        .unavailable
      } else {
        nil
      }
    if let refusal {
      output.actions.outcomes.append(.transfer(request, .failure(refusal)))
    } else if target == id {
      output.actions.outcomes.append(.transfer(request, .success(proposer.ballot)))
    } else {
      beginTransfer(to: target, request, now: now)
    }
  }

  private func canLead(_ target: ReplicaID, now: BootTime) -> Bool {
    guard learner.configuration.isVoter(target), isAlive(target, now: now),
      let index = proposer.index(of: target)
    else { return false }
    let lag = learner.chosen.distance(from: proposer.others[index].chosen)
    return lag <= max(settings.caughtUpSlotCount, settings.windowSlotCount)
  }

  private mutating func beginTransfer(to target: ReplicaID, _ request: RequestID?, now: BootTime) {
    proposer.transfer = Transfer(
      request: request, target: target, deadline: now.advanced(by: settings.suspicion))
    proposer.rejectedAt = nil
  }

  /// The release is chosen: nobody reads by the lease any more, and the target may begin.
  mutating func sendTakeOver(_ output: inout Output) {
    guard let transfer = proposer.transfer else { return }
    precondition(proposer.lease.isReleased, "handed over without releasing the lease")
    output.actions.send.append(
      envelope(to: transfer.target, .takeOver(proposer.ballot)))
  }

  /// The ballot ends during a transfer: if the target was told, whoever asked is answered when it
  /// is known who leads.
  mutating func leaveTransfer(_ output: inout Output) {
    guard let transfer = proposer.transfer, let request = transfer.request else { return }
    if let slot = transfer.releaseSlot, slot <= learner.chosen {
      handOver = HandOver(
        request: request, target: transfer.target,
        deadline: transfer.deadline.advanced(by: 2 * settings.suspicion))
    } else {
      output.actions.outcomes.append(.transfer(request, .failure(.unavailable)))
    }
  }

  /// A stalled store cannot vote: the leader goes before the group has to notice (rule F2).
  mutating func storeHealth(_ health: StoreHealth, now: BootTime, _ output: inout Output) {
    isStoreGood = health == .good
    guard !isStoreGood, proposer.stage != .idle, proposer.transfer == nil else { return }
    let heir = proposer.others.filter { canLead($0.replica, now: now) }
      .max { ($0.chosen, $1.replica) < ($1.chosen, $0.replica) }
    if let heir, isServing, now >= proposer.withheldUntil, proposer.change == nil,
      !proposer.owesEndOfLeases
    {
      beginTransfer(to: heir.replica, nil, now: now)
    } else {
      stepDown(now: now, &output)
    }
  }
}
