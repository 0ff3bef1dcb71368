internal import Primitives

/// Who is listened to, and to what.
extension Replica {
  mutating func receive(_ envelope: Envelope, now: BootTime, _ output: inout Output) {
    let from = envelope.from
    guard envelope.to == id, from != id else { return }
    if learner.configuration.removed.contains(from), tellRemoved(from, &output) { return }
    switch envelope.message {
    case .suspect(let attempt, let chosenSlot, _):
      answerSuspect(attempt, chosenSlot: chosenSlot, from: from, now: now, &output)
    case .suspectReply(let attempt, let agrees, let promised):
      suspicion.meet(promised)
      suspectAnswered(attempt, agrees: agrees, by: from, now: now, &output)
    case .prepare(let ballot, let first):
      prepare(ballot, from: first, asking: from, now: now, &output)
    case .promise(let promise):
      promised(promise, by: from, now: now, &output)
    case .reject(let asked, let promised):
      rejected(asked, promised: promised, by: from, now: now, &output)
    case .accept(let ballot, let entries, let chosenSlot):
      accept(entries, in: ballot, chosenSlot: chosenSlot, from: from, now: now, &output)
    case .accepted(let ballot, let through, let beyond):
      accepted(ballot, through: through, beyond: beyond, by: from, now: now, &output)
    case .chosen(let notice):
      hear(notice, from: from, now: now, &output)
    case .acknowledge(let answer):
      acknowledged(answer, by: from, now: now, &output)
    case .fetch(let slots):
      fetch(slots, asking: from, now: now, &output)
    case .fetched(let entries, let chosenSlot, let logStart):
      fetched(entries, chosenSlot: chosenSlot, logStart: logStart, by: from, now: now, &output)
    case .readIndex(let request):
      readIndex(request, asking: from, now: now, &output)
    case .readIndexReply(let request, let result):
      readIndexAnswered(request, result, &output)
    case .takeOver(let ballot):
      takeOver(from: ballot, now: now, &output)
    case .removed:
      stepDown(now: now, &output)
      output.actions.halt = .removed
    }
  }

  /// Whether a message of a leader in this ballot is to be obeyed; if so, it is the leader now.
  mutating func heed(
    _ ballot: Ballot, from leader: ReplicaID, now: BootTime, _ output: inout Output
  )
    -> Bool
  {
    guard ballot.replica == leader else { return false }
    let floor = max(acceptor.promised, suspicion.followed)
    guard ballot >= floor else {
      if !acceptor.isAmnesiac {
        output.actions.send.append(
          envelope(to: leader, .reject(asked: ballot, promised: floor)))
      }
      return false
    }
    if proposer.stage != .idle { stepDown(now: now, &output) }
    suspicion.meet(ballot)
    if ballot > suspicion.followed { suspicion.followed = ballot }
    suspicion.leader = leader
    suspicion.heardAt = now
    suspicion.deadline = now.advanced(by: suspicion.patience)
    suspicion.attempt = nil
    if let handOver {
      self.handOver = nil
      output.actions.outcomes.append(
        .transfer(
          handOver.request, handOver.target == leader ? .success(ballot) : .failure(.unavailable)))
    }
    return true
  }
}
