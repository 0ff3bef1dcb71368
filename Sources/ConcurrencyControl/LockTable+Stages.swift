import Primitives

// How a request goes through its stages, and what happens after something was released.
extension LockTable {
  /// Begins a request that is described in `asked`.
  mutating func pursue(_ owner: Int32, notices: inout [LockNotice]) -> LockOutcome {
    claimants[Int(owner)].asked.stage = .keyspace
    let need = need(of: owner)
    if usedBytes + need <= byteBudget {
      reserve(need, for: owner)
    } else if !planEscalation(of: owner) {
      abandon(owner)
      return .exhausted
    }
    if advance(owner, notices: &notices) {
      settle(notices: &notices)
      return .granted
    }
    return answer(owner, notices: &notices)
  }

  /// A request has just begun to wait: breaks all circles that it closes.
  mutating func answer(_ owner: Int32, notices: inout [LockNotice]) -> LockOutcome {
    let transaction = claimants[Int(owner)].transaction
    let count = notices.count
    blocked.append(owner)
    settle(notices: &notices)
    // What happened to the requester itself is its answer, no notice.
    guard let index = notices[count...].firstIndex(where: { $0.transaction == transaction })
    else { return .waiting }
    return switch notices.remove(at: index).event {
    case .granted: .granted
    case .deadlock(let cycle): .deadlock(cycle: cycle)
    }
  }

  /// Takes a request through as many stages as it can pass. False: it waits.
  private mutating func advance(_ owner: Int32, notices: inout [LockNotice]) -> Bool {
    while true {
      let asked = claimants[Int(owner)].asked
      switch asked.stage {
      case .nothing:
        return true
      case .escalation:
        guard take(asked.escalation, asked.escalating) else { return false }
        escalate(owner, notices: &notices)
        claimants[Int(owner)].asked.stage = .keyspace
      case .keyspace:
        if isCovered(owner) {
          abandon(owner)
          return true
        }
        guard take(asked.keyspaceMode, asked.member) else { return false }
        if asked.goal == .keyspace {
          finish(owner)
          return true
        }
        claimants[Int(owner)].asked.stage = mustPassGate(owner) ? .interval : .key
      case .interval:
        guard passGate(owner) else { return false }
        claimants[Int(owner)].asked.stage = .key
      case .key:
        reserve(0, for: owner)
        if asked.goal == .interval {
          holdInterval(owner)
        } else {
          let name = LockName(
            keyspace: members[Int(asked.member)].keyspace, fingerprint: asked.fingerprint)
          guard enterKey(asked.mode, name, asked.member, asked.bytes) else { return false }
        }
        finish(owner)
        return true
      }
    }
  }

  /// Whether the claimant holds already what it asks for, through the keyspace or an interval.
  func isCovered(_ owner: Int32) -> Bool {
    let asked = claimants[Int(owner)].asked
    guard asked.goal != .keyspace else { return false }
    if members[Int(asked.member)].granted?.covers(asked.mode) ?? false { return true }
    return askedIntervals[Int(owner)].map { holds($0, asked.member) } ?? false
  }

  private func mustPassGate(_ owner: Int32) -> Bool {
    let asked = claimants[Int(owner)].asked
    if asked.goal == .interval { return true }
    let space = Int(members[Int(asked.member)].space)
    guard asked.mode == .exclusive, spaces[space].hasIntervals else { return false }
    let name = LockName(keyspace: spaces[space].keyspace, fingerprint: asked.fingerprint)
    let own = requestFound(of: owner, for: name)
    return own == Request.none || requests[Int(own)].granted != .exclusive
  }

  private mutating func finish(_ owner: Int32) {
    claimants[Int(owner)].asked.stage = .nothing
    if claimants[Int(owner)].asked.goal == .interval { askedIntervals[Int(owner)] = nil }
    reserve(0, for: owner)
  }

  /// Ends a request that waits nowhere and is in no queue. What it alone made is gone.
  private mutating func abandon(_ owner: Int32) {
    let asked = claimants[Int(owner)].asked
    if asked.goal == .key { forget(asked.bytes, of: owner) }
    finish(owner)
    undoFirst(owner)
  }

  /// A transaction that failed in its first request in a keyspace has no part in it.
  private mutating func undoFirst(_ owner: Int32) {
    let asked = claimants[Int(owner)].asked
    if asked.isFirst {
      let member = members[Int(asked.member)]
      if member.keyCount == 0, member.intervalCount == 0 { removeMember(asked.member) }
    }
    if claimants[Int(owner)].firstMember == Member.none { retire(owner) }
  }

  /// Ends a transaction's wait without success.
  mutating func withdraw(_ owner: Int32, notices: inout [LockNotice]) {
    let asked = claimants[Int(owner)].asked
    switch asked.stage {
    case .nothing: preconditionFailure("nothing to withdraw")
    case .escalation: withdrawFromKeyspace(asked.escalating)
    case .keyspace: withdrawFromKeyspace(asked.member)
    case .interval: leaveGate(owner)
    case .key:
      withdrawFromKey(asked.request, notices: &notices)
      finish(owner)
      undoFirst(owner)
      return
    }
    abandon(owner)
  }

  /// A request that waited was let on: to its end, or to its next wait.
  mutating func goOn(_ owner: Int32, notices: inout [LockNotice]) {
    if advance(owner, notices: &notices) {
      notices.append(LockNotice(claimants[Int(owner)].transaction, .granted))
    } else {
      blocked.append(owner)
    }
  }

  /// Grants what has become possible, in the order of keyspaces, then breaks the circles of those
  /// who wait anew, those through the newest wait first, until nothing changes any more.
  @inline(__always)
  mutating func settle(notices: inout [LockNotice]) {
    if !restless.isEmpty || !blocked.isEmpty { settleAll(notices: &notices) }
  }

  @inline(never)
  private mutating func settleAll(notices: inout [LockNotice]) {
    while true {
      if let space = popRestless() {
        spaces[Int(space)].isRestless = false
        grantKeyspace(space, notices: &notices)
        openGate(space, notices: &notices)
      } else if let owner = blocked.last {
        let isBroken =
          claimants[Int(owner)].isWaiting && breakCircle(through: owner, notices: &notices)
        if !isBroken { blocked.removeLast() }
      } else {
        return
      }
    }
  }

  /// The first by number, so that one history has one outcome.
  private mutating func popRestless() -> Int32? {
    guard !restless.isEmpty else { return nil }
    var first = 0
    for index in restless.indices
    where spaces[Int(restless[index])].keyspace < spaces[Int(restless[first])].keyspace {
      first = index
    }
    return restless.remove(at: first)
  }
}
