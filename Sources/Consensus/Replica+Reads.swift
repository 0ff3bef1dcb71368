package import Primitives

/// Linearizable reads: by the lease, by asking a quorum, and by asking the leader.
extension Replica {
  private var mostReads: Int { 16 * settings.windowSlotCount }

  mutating func read(_ request: RequestID, now: BootTime, _ output: inout Output) {
    if takesRequests {
      if let refusal = readRefusal {
        output.actions.outcomes.append(.read(request, .failure(refusal)))
      } else {
        proposer.lastReads.note(now)
        proposer.reads.add(.own(request))
      }
    } else if let leader = suspicion.leader, leader != id {
      guard relay.count < mostReads else {
        output.actions.outcomes.append(.read(request, .failure(.overloaded)))
        return
      }
      relay.add(request, now: now)
    } else {
      output.actions.outcomes.append(.read(request, .failure(.notLeader(hint: nil))))
    }
  }

  /// Rule R3: while it hands over, a leader takes nothing new.
  private var readRefusal: Refusal? {
    if proposer.transfer != nil { return .busy }
    return proposer.reads.count >= mostReads ? .overloaded : nil
  }

  mutating func readIndex(
    _ request: RequestID, asking replica: ReplicaID, now: BootTime, _ output: inout Output
  ) {
    let refusal = takesRequests ? readRefusal : .notLeader(hint: suspicion.leader)
    if let refusal {
      output.actions.send.append(
        envelope(to: replica, .readIndexReply(request, .failure(refusal))))
    } else {
      proposer.lastReads.note(now)
      proposer.reads.add(.other(replica, request))
    }
  }

  func canReadByLease(now: BootTime) -> Bool {
    settings.readsByLease && isServing && proposer.transfer == nil
      && now >= proposer.withheldUntil && now >= proposer.distrustsClocksUntil
      && proposer.lease.isHeld(at: now)
  }

  /// From when until when reads are answered without asking anybody, as far as can be told now. For
  /// whoever checks that no two replicas do so at the same time.
  package var leaseTerm: Range<BootTime>? {
    guard settings.readsByLease, isServing, proposer.transfer == nil, !proposer.lease.isReleased
    else { return nil }
    let start = max(proposer.withheldUntil, proposer.distrustsClocksUntil)
    return start < proposer.lease.expiry ? start..<proposer.lease.expiry : nil
  }

  /// Shows what may be shown by now.
  mutating func serve(now: BootTime, _ output: inout Output) {
    guard isServing, now >= proposer.withheldUntil else { return }
    for withheld in proposer.withheld {
      output.actions.outcomes.append(.proposal(withheld.request, .success(withheld.slot)))
    }
    proposer.withheld.removeAll(keepingCapacity: true)
    guard proposer.reads.count > 0 else { return }
    if canReadByLease(now: now) {
      answer(proposer.reads.takeAll(), .success(learner.chosen), &output)
    } else {
      openRound(now: now, &output)
    }
  }

  private mutating func openRound(now: BootTime, _ output: inout Output) {
    guard proposer.reads.open(seeing: learner.chosen, now: now) else { return }
    sendNotices(now: now, &output)
    closeRound(now: now, &output)
  }

  /// Answers the reads of the open round if a quorum has confirmed it, and opens the next.
  mutating func closeRound(now: BootTime, _ output: inout Output) {
    guard let round = proposer.reads.openRound, isServing else { return }
    let configuration = learner.configuration
    let count = configuration.voters.count { voter in
      if voter == id { return true }
      return proposer.index(of: voter).map { proposer.others[$0].readRound >= round } ?? false
    }
    guard count >= configuration.quorumCount else { return }
    precondition(acceptor.promised == proposer.ballot, "a leader promised another ballot")
    let (askers, slot) = proposer.reads.close()
    answer(askers, .success(slot), &output)
  }

  private mutating func answer(
    _ askers: [ReadRounds.Asker], _ result: Result<Slot, Refusal>, _ output: inout Output
  ) {
    for asker in askers {
      switch asker {
      case .own(let request): output.actions.outcomes.append(.read(request, result))
      case .other(let replica, let request):
        output.actions.send.append(envelope(to: replica, .readIndexReply(request, result)))
      }
    }
  }

  mutating func refuseReads(_ refusal: Refusal, _ output: inout Output) {
    answer(proposer.reads.takeAll(), .failure(refusal), &output)
  }

  // A replica that does not lead.

  mutating func askLeader(_ leader: ReplicaID, now: BootTime, _ output: inout Output) {
    let question = relay.ask(number: chance.next(), in: suspicion.followed, now: now)
    output.actions.send.append(envelope(to: leader, .readIndex(question)))
  }

  mutating func readIndexAnswered(
    _ question: RequestID, _ result: Result<Slot, Refusal>, _ output: inout Output
  ) {
    switch result {
    case .success(let slot): relay.answer(question, seeing: slot)
    case .failure:
      for request in relay.refuse(question) {
        output.actions.outcomes.append(.read(request, result))
      }
    }
  }

  /// Answers the reads of a follower, when everything they have to see is applied.
  mutating func serveRelayed(_ output: inout Output) {
    guard !relay.isEmpty else { return }
    if takesRequests {
      // It leads itself by now.
      for request in relay.takeAll() { proposer.reads.add(.own(request)) }
      return
    }
    relay.restart(
      followed: suspicion.followed, highest: learner.highestBallot,
      received: learner.receivedSlot)
    for (request, slot) in relay.settle(applied: learner.applied) {
      output.actions.outcomes.append(.read(request, .success(slot)))
    }
  }

  // Clocks.

  /// A clock that disagrees with the own one ends reads by lease for a while: which of the two is
  /// wrong cannot be told (rule L4).
  mutating func compareClocks(_ answer: Acknowledgement, with index: Int, now: BootTime) {
    guard settings.readsByLease else { return }
    let isConsistent = proposer.others[index].clocks.isConsistent(
      asked: answer.echo, answered: now, clock: answer.clock, rateBound: settings.clockRateBound,
      span: 4 * settings.leaseDuration)
    if !isConsistent {
      proposer.distrustsClocksUntil = now.advanced(by: 8 * settings.leaseDuration)
    }
  }
}
