internal import Primitives

/// Phase 2 as the leader: proposing, sending, counting.
extension Replica {
  /// Whether it may show anything: the entry that opens its ballot is chosen and applied.
  var isServing: Bool {
    if case .leading(let newLeader) = proposer.stage { learner.applied >= newLeader } else { false }
  }

  /// Whether it takes requests: it leads, or is about to lead again in a higher ballot.
  var takesRequests: Bool { proposer.isLeading || proposer.raise != nil }

  mutating func propose(_ proposals: [Proposal], now: BootTime, _ output: inout Output) {
    let refusal: Refusal? =
      if !takesRequests {
        .notLeader(hint: suspicion.leader)
      } else if proposer.transfer != nil {
        .busy
      } else {
        nil
      }
    for proposal in proposals {
      if let refusal {
        output.actions.outcomes.append(.proposal(proposal.id, .failure(refusal)))
      } else if proposer.queue.count >= settings.windowSlotCount
        || proposer.queue.byteCount >= settings.windowByteCount
        || proposer.withheld.count >= 16 * settings.windowSlotCount
      {
        output.actions.outcomes.append(.proposal(proposal.id, .failure(.overloaded)))
      } else {
        proposer.queue.add(proposal)
      }
    }
  }

  /// Proposes what waits, as far as the window allows. While a write of its own is under way, what
  /// arrives is gathered, up to a message's worth: so batches grow with the load, without a
  /// timer (rule P2).
  mutating func flush(now: BootTime, _ output: inout Output) {
    guard proposer.isLeading else { return pump(now: now, &output) }
    if proposer.change.map({ !$0.isChosen }) != true {
      let isBusy = ledger.isWriting(proposer.ballot)
      if !isBusy || proposer.queue.byteCount >= settings.messageByteCount {
        proposeQueued(now: now, &output)
      }
      proposeOwed(now: now, &output)
    }
    pump(now: now, &output)
  }

  private mutating func proposeQueued(now: BootTime, _ output: inout Output) {
    var byteCount = 0
    while let proposal = proposer.queue.first, hasRoom,
      byteCount == 0 || byteCount + proposal.command.count <= settings.messageByteCount
    {
      _ = proposer.queue.removeFirst()
      byteCount += proposal.command.count
      proposer.requests.set(proposer.next, to: proposal.id)
      append(.command(proposal.command), now: now, &output)
    }
  }

  /// Whether the window has room for one more entry (rule P1).
  private var hasRoom: Bool {
    proposer.next.distance(from: learner.chosen) <= settings.windowSlotCount
      && proposer.inFlightByteCount < settings.windowByteCount
      && proposer.transfer?.releaseSlot == nil
  }

  /// What the leader itself has to say, once everything before is chosen.
  private mutating func proposeOwed(now: BootTime, _ output: inout Output) {
    guard isServing, proposer.queue.isEmpty else { return }
    if proposer.owesEndOfLeases, now >= proposer.withheldUntil, hasRoom {
      proposer.owesEndOfLeases = false
      append(.newLeader(usesLease: false), now: now, &output)
    }
    if let transfer = proposer.transfer, transfer.releaseSlot == nil, proposer.reads.count == 0,
      learner.chosen.next == proposer.next
    {
      proposer.lease.release()
      proposer.transfer?.releaseSlot = proposer.next
      append(.leaseRelease, now: now, &output)
    }
  }

  /// Proposes in the next slot: accepted here at once, and durable with this step's write.
  mutating func append(_ content: Entry.Content, now: BootTime, _ output: inout Output) {
    precondition(
      proposer.change.map { $0.isChosen || $0.slot >= proposer.next } ?? true,
      "PP2: proposed behind a configuration that is not chosen")
    precondition(
      proposer.transfer?.releaseSlot.map { $0 >= proposer.next } ?? true,
      "PP3: proposed behind the release of the lease")
    let entry = Entry(
      slot: proposer.next, ballot: proposer.ballot, content: content, leaderTime: now)
    acceptor.accept(entry)
    output.entries.append(entry)
    output.ownThrough = entry.slot
    proposer.inFlightByteCount += entry.byteCount
    proposer.lastProposedAt = now
    proposer.next = entry.slot.next
  }

  /// Sends everybody what it lacks, as far as it keeps up.
  mutating func pump(now: BootTime, _ output: inout Output) {
    guard proposer.isProposing else { return }
    for index in proposer.others.indices
    where proposer.others[index].next < proposer.next
      && proposer.others[index].mode == .streaming
    {
      stream(to: index, now: now, &output)
    }
  }

  private mutating func stream(to index: Int, now: BootTime, _ output: inout Output) {
    // What has long been chosen it fetches, as many at a time as it can take.
    let behind = learner.chosen.distance(from: proposer.others[index].next)
    if behind > 2 * settings.windowSlotCount { proposer.others[index].next = learner.chosen.next }
    let earliest = max(acceptor.log.start, proposer.first)
    if proposer.others[index].next < earliest { proposer.others[index].next = earliest }
    while proposer.others[index].next < proposer.next,
      proposer.others[index].inFlightByteCount < settings.windowByteCount
    {
      let entries = nextMessage(from: proposer.others[index].next, output)
      var byteCount = 0
      for entry in entries { byteCount += entry.byteCount }
      let through = entries[entries.count - 1].slot
      proposer.others[index].send(through: through, byteCount: byteCount, now: now)
      proposer.others[index].told = learner.chosen
      output.actions.send.append(
        envelope(
          to: proposer.others[index].replica,
          .accept(proposer.ballot, entries: entries, chosenSlot: learner.chosen)))
    }
  }

  /// What one message can carry from a slot on: the array of this step's write, if that is it.
  private func nextMessage(from slot: Slot, _ output: Output) -> [Entry] {
    let own = output.entries
    guard output.ownThrough != nil, let first = own.first, first.slot == slot,
      own.count <= settings.windowSlotCount
    else { return run(from: slot) }
    var byteCount = 0
    for entry in own { byteCount += entry.byteCount }
    return byteCount <= settings.messageByteCount || own.count == 1 ? own : run(from: slot)
  }

  /// Own proposals from a slot on, one message's worth.
  private func run(from first: Slot) -> [Entry] {
    var entries: [Entry] = []
    var byteCount = 0
    var slot = first
    while slot < proposer.next, entries.count < settings.windowSlotCount,
      let entry = acceptor.log[slot],
      entries.isEmpty || byteCount + entry.byteCount <= settings.messageByteCount
    {
      precondition(entry.ballot == proposer.ballot, "PP1: a slot of the own ballot is another's")
      entries.append(entry)
      byteCount += entry.byteCount
      slot = slot.next
    }
    precondition(!entries.isEmpty, "a proposal is missing from the own log")
    return entries
  }

  mutating func accepted(
    _ ballot: Ballot, through: Slot, beyond: [Slot], by replica: ReplicaID, now: BootTime,
    _ output: inout Output
  ) {
    guard proposer.isProposing, ballot == proposer.ballot,
      let index = proposer.index(of: replica)
    else { return }
    // It may know more to be chosen than this ballot has proposed so far.
    let proposed = proposer.next.advanced(by: -1)
    proposer.others[index].accept(through: min(through, proposed), beyond: beyond)
    proposer.others[index].heardAt = now
    proposer.others[index].rejection = nil
    follow(index)
    countVotes(now: now, &output)
  }

  /// A member answers: from now on it is sent entries again.
  private mutating func follow(_ index: Int) {
    guard proposer.others[index].mode == .probing else { return }
    proposer.others[index].mode = .streaming
    proposer.others[index].forgetInFlight()
    proposer.others[index].next = max(proposer.others[index].accepted, learner.chosen).next
  }

  /// A follower's answer to a notice.
  mutating func acknowledged(
    _ answer: Acknowledgement, by replica: ReplicaID, now: BootTime, _ output: inout Output
  ) {
    guard answer.ballot == proposer.ballot, let index = proposer.index(of: replica) else { return }
    proposer.others[index].acknowledge(
      chosen: answer.chosenSlot, durably: answer.durablyChosen, readRound: answer.readRound)
    compareClocks(answer, with: index, now: now)
    guard proposer.isProposing else { return }
    proposer.others[index].heardAt = now
    proposer.others[index].rejection = nil
    // So far behind, it would not store what is sent (`Replica.storedAhead`).
    if proposer.next.distance(from: answer.chosenSlot) <= Self.storedAhead { follow(index) }
    closeRound(now: now, &output)
    settleChange(now: now, &output)
  }

  /// Whether a voter has an own proposal durably.
  private func holds(_ slot: Slot, _ voter: ReplicaID) -> Bool {
    if voter == id { return slot <= proposer.ownAccepted }
    return proposer.index(of: voter).map { proposer.others[$0].holds(slot) } ?? false
  }

  /// Whether a quorum of the configuration of the next slot has a proposal durably: only voters are
  /// asked (rule M5), the own vote is one of them and counts when it is on the medium (rule G3).
  private func hasQuorum(_ slot: Slot) -> Bool {
    let configuration = learner.configuration
    return configuration.voters.count { holds(slot, $0) } >= configuration.quorumCount
  }

  /// The highest slot that some voter reached and a quorum has everything through.
  private var reachedByQuorum: Slot {
    let configuration = learner.configuration
    var best = learner.chosen
    for voter in configuration.voters {
      let reached =
        voter == id
        ? proposer.ownAccepted
        : proposer.index(of: voter).map { proposer.others[$0].accepted } ?? .zero
      guard reached > best else { continue }
      var count = 0
      for other in configuration.voters {
        let extent =
          other == id
          ? proposer.ownAccepted
          : proposer.index(of: other).map { proposer.others[$0].accepted } ?? .zero
        if extent >= reached { count += 1 }
      }
      if count >= configuration.quorumCount { best = reached }
    }
    return best
  }

  /// Looks what a quorum has, and takes it for chosen.
  mutating func countVotes(now: BootTime, _ output: inout Output) {
    guard proposer.isProposing else { return }
    let former = learner.chosen
    var through = reachedByQuorum
    while through.next < proposer.next, hasQuorum(through.next) { through = through.next }
    precondition(through < proposer.next, "more was accepted than proposed")
    guard through > former else { return }
    precondition(hasQuorum(through), "chosen without a quorum that has it durably")
    while learner.chosen < through { chooseNext(now: now, &output) }
    if proposer.noticeDue == nil { proposer.noticeDue = now.advanced(by: settings.noticeDelay) }
    if let change = proposer.change, !change.isChosen, change.slot <= learner.chosen {
      configurationChosen(now: now, &output)
    }
    if let slot = proposer.transfer?.releaseSlot, slot <= learner.chosen {
      sendTakeOver(&output)
    }
  }

  private mutating func chooseNext(now: BootTime, _ output: inout Output) {
    let slot = learner.chosen.next
    guard let entry = acceptor.log[slot], entry.ballot == proposer.ballot else {
      preconditionFailure("PP4: a slot in flight does not hold the own proposal")
    }
    learner.choose(entry)
    proposer.inFlightByteCount -= entry.byteCount
    if settings.readsByLease, !proposer.lease.isReleased {
      proposer.lease.renew(proposedAt: entry.leaderTime, duration: settings.leaseDuration)
    }
    while proposer.requests.first <= slot, proposer.requests.first < proposer.requests.end {
      let requestSlot = proposer.requests.first
      guard let request = proposer.requests.removeFirst() else { continue }
      if isServing, now >= proposer.withheldUntil {
        output.actions.outcomes.append(.proposal(request, .success(requestSlot)))
      } else {
        proposer.withheld.append(Proposer.Withheld(request: request, slot: requestSlot))
      }
    }
    if proposer.requests.first == proposer.requests.end, proposer.requests.first <= slot {
      proposer.requests.restart(at: slot.next)
    }
  }

  /// Writes are on the medium: the own promise and the own votes among them count now.
  mutating func finishWrites(_ token: WriteToken, now: BootTime, _ output: inout Output) {
    for write in ledger.finish(token) {
      if let promised = write.promised, promised == proposer.ballot,
        proposer.stage == .preparing
      {
        proposer.recovery.add(promise(from: learner.chosen.next), of: id)
        recover(now: now, &output)
      }
      if let through = write.ownThrough, write.ballot == proposer.ballot, proposer.isProposing {
        proposer.ownAccepted = max(proposer.ownAccepted, through)
      }
    }
    countVotes(now: now, &output)
    settleChange(now: now, &output)
  }

  /// Leaves the ballot, whatever it was doing in it, and tells everybody who waits.
  mutating func stepDown(now: BootTime, _ output: inout Output) {
    guard proposer.stage != .idle else { return }
    let refusal = Refusal.notLeader(hint: suspicion.leader)
    for proposal in proposer.queue.takeAll() {
      output.actions.outcomes.append(.proposal(proposal.id, .failure(refusal)))
    }
    while proposer.requests.first < proposer.requests.end {
      if let request = proposer.requests.removeFirst() {
        output.actions.outcomes.append(.proposal(request, .failure(.unknownOutcome)))
      }
    }
    for withheld in proposer.withheld {
      output.actions.outcomes.append(.proposal(withheld.request, .failure(.unknownOutcome)))
    }
    refuseReads(refusal, &output)
    finishChange(nil, &output)
    leaveTransfer(&output)
    let reads = proposer.reads
    proposer = Proposer()
    proposer.reads = reads
    suspicion.leader = nil
    suspicion.heardAt = nil
    suspicion.attempt = nil
    suspicion.deadline = now.advanced(by: suspicion.patience)
  }
}
