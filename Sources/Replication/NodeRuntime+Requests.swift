internal import Consensus
internal import Environment
internal import Primitives

/// A request under way.
struct PendingRequest {
  let request: NodeRequest
  /// Of a command: it may be told.
  var isChosen = false
  var result: CommandResult?
}

// Requests of clients, from their arrival to their answer.
extension NodeRuntime {
  /// Takes what has arrived. The commands of a group go to its replica together.
  func take(_ requests: [NodeRequest]) {
    var proposals: [Int: [Proposal]] = [:]
    for request in requests {
      guard let index = indices[request.group] else {
        shared.finish(request, .unknownGroup)
        continue
      }
      if members[index].isHalted {
        shared.finish(request, .refused(.notLeader(hint: nil), leader: nil))
        continue
      }
      pending[request.id] = PendingRequest(request: request)
      switch request.kind {
      case .command(let bytes, _):
        proposals[index, default: []].append(Proposal(id: request.id, command: bytes))
      case .read: step(index, .read(request.id))
      case .configuration(let configuration, let isForced, _):
        step(index, .changeConfiguration(request.id, configuration, isForced: isForced))
      case .transfer(let replica, _): step(index, .transferLeadership(request.id, to: replica))
      }
    }
    for index in proposals.keys.sorted() { step(index, .propose(proposals[index] ?? [])) }
  }

  /// A replica has an answer.
  func take(_ outcome: Outcome, _ index: Int) {
    switch outcome {
    case .proposal(let id, .success):
      pending[id]?.isChosen = true
      answerCommand(id)
    case .read(let id, .success(let slot)):
      if slot <= members[index].appliedSlot {
        answerRead(id, index)
      } else {
        members[index].waitingReads.append((slot, id))
      }
    case .configuration(let id, .success(let slot)):
      guard let request = pending.removeValue(forKey: id)?.request else { return }
      if case .configuration(_, _, let answer) = request.kind { answer(.success(slot)) }
      shared.finished()
    case .transfer(let id, .success(let ballot)):
      guard let request = pending.removeValue(forKey: id)?.request else { return }
      if case .transfer(_, let answer) = request.kind { answer(.success(ballot)) }
      shared.finished()
    case .proposal(let id, .failure(let refusal)), .read(let id, .failure(let refusal)),
      .configuration(let id, .failure(let refusal)), .transfer(let id, .failure(let refusal)):
      fail(id, .refused(refusal, leader: leader(in: refusal, index)))
    }
  }

  private func leader(in refusal: Refusal, _ index: Int) -> NodeID? {
    guard case .notLeader(let hint?) = refusal else { return nil }
    return members[index].description.addresses[hint]
  }

  func fail(_ id: RequestID, _ error: RequestError) {
    guard let request = pending.removeValue(forKey: id)?.request else { return }
    shared.finish(request, error)
  }

  // MARK: Commands

  /// A command is applied. If it was proposed here, whoever waits may learn of it once it is told.
  func applied(_ id: RequestID, _ result: CommandResult) {
    guard pending[id] != nil else { return }
    pending[id]?.result = result
    answerCommand(id)
  }

  private func answerCommand(_ id: RequestID) {
    guard let entry = pending[id], entry.isChosen, let result = entry.result else { return }
    pending[id] = nil
    if case .command(_, let answer) = entry.request.kind { answer(.success(result)) }
    shared.finished()
  }

  // MARK: Reads

  /// Answers the reads whose slot is applied now.
  func answerReads(_ index: Int) {
    guard !members[index].waitingReads.isEmpty else { return }
    let applied = members[index].appliedSlot
    let waiting = members[index].waitingReads
    members[index].waitingReads = waiting.filter { $0.slot > applied }
    for read in waiting where read.slot <= applied { answerRead(read.id, index) }
  }

  private func answerRead(_ id: RequestID, _ index: Int) {
    guard let request = pending.removeValue(forKey: id)?.request,
      case .read(let key, let answer) = request.kind
    else { return }
    do {
      let value = try members[index].machine.value(of: key)
      answer(.success(ReadAnswer(value: value, slot: members[index].appliedSlot)))
    } catch {
      report(.warning, "a read failed: \(error)")
      answer(.failure(.unreadable))
    }
    shared.finished()
  }
}
