import Primitives

// Memory is bounded (rule L11). A request that would go beyond the budget first turns the locks
// that its transaction holds in one keyspace, the one where they take most, into one lock on the
// keyspace. That is a conversion like any other: it may wait, and it may close a circle.
extension LockTable {
  /// What a lock on a key takes up, without the key.
  package static var bytesPerLock: Int {
    MemoryLayout<Request>.stride + 2 * MemoryLayout<Slot>.stride
  }

  /// What a lock on an interval takes up, without the bounds.
  package static var bytesPerInterval: Int { MemoryLayout<HeldInterval>.stride }

  /// What a request may take up at most.
  func greatestNeed(of owner: Int32) -> Int {
    let asked = claimants[Int(owner)].asked
    return switch asked.goal {
    case .key: Self.bytesPerLock + max(0, Int(asked.bytes.count))
    case .interval:
      Self.bytesPerInterval + (askedIntervals[Int(owner)]?.byteCount ?? 0)
    case .keyspace: 0
    }
  }

  /// What a request takes up if it is granted as things stand.
  func need(of owner: Int32) -> Int {
    let asked = claimants[Int(owner)].asked
    if isCovered(owner) { return 0 }
    if asked.goal == .key {
      let name = LockName(
        keyspace: members[Int(asked.member)].keyspace, fingerprint: asked.fingerprint)
      let own = requestFound(of: owner, for: name)
      if own != Request.none {
        return requests[Int(own)].bytes.isNone ? max(0, Int(asked.bytes.count)) : 0
      }
    }
    return greatestNeed(of: owner)
  }

  /// Plans the escalation that makes room for a request; false: none would.
  mutating func planEscalation(of owner: Int32) -> Bool {
    let need = greatestNeed(of: owner)
    var best = Member.none
    var index = claimants[Int(owner)].firstMember
    while index != Member.none {
      let size = members[Int(index)].byteCount
      let isBetter =
        best == Member.none || size > members[Int(best)].byteCount
        || (size == members[Int(best)].byteCount
          && members[Int(index)].keyspace < members[Int(best)].keyspace)
      if isBetter { best = index }
      index = members[Int(index)].nextOfOwner
    }
    guard best != Member.none, members[Int(best)].byteCount >= need else { return false }
    claimants[Int(owner)].asked.stage = .escalation
    claimants[Int(owner)].asked.escalating = best
    claimants[Int(owner)].asked.escalation =
      members[Int(best)].exclusiveCount > 0 ? .exclusive : .shared
    return true
  }

  /// The keyspace is locked: what was locked in it one by one is released.
  mutating func escalate(_ owner: Int32, notices: inout [LockNotice]) {
    let index = claimants[Int(owner)].asked.escalating
    let member = members[Int(index)]
    guard let mode = member.granted else { preconditionFailure("not escalated") }
    escalations.append(
      LockEscalation(
        transaction: claimants[Int(owner)].transaction, keyspace: member.keyspace, mode: mode,
        replaced: Int(member.keyCount + member.intervalCount)))
    escalationCount += 1
    releaseIntervals(of: index)
    releaseKeys(of: index, notices: &notices)
    disturb(member.space)
    packKeys(of: owner)
    reserve(need(of: owner), for: owner)
  }

  /// Lets go of the keys of released locks.
  private mutating func packKeys(of owner: Int32) {
    var packed: [UInt8] = []
    var member = claimants[Int(owner)].firstMember
    while member != Member.none {
      var request = members[Int(member)].firstOwned
      while request != Request.none {
        requests[Int(request)].bytes = moved(requests[Int(request)].bytes, of: owner, to: &packed)
        request = requests[Int(request)].nextOwned
      }
      member = members[Int(member)].nextOfOwner
    }
    // Last, as `forget` expects.
    claimants[Int(owner)].asked.bytes = moved(
      claimants[Int(owner)].asked.bytes, of: owner, to: &packed)
    claimants[Int(owner)].keyByteCount = packed.count
    arenas[Int(owner)] = packed
  }

  private func moved(_ bytes: KeyBytes, of owner: Int32, to packed: inout [UInt8]) -> KeyBytes {
    guard !bytes.isNone else { return bytes }
    let start = UInt32(truncatingIfNeeded: packed.count)
    packed.append(contentsOf: arenas[Int(owner)][Int(bytes.start)..<bytes.end])
    return KeyBytes(start: start, count: bytes.count)
  }

  mutating func reserve(_ byteCount: Int, for owner: Int32) {
    usedBytes += byteCount - claimants[Int(owner)].asked.reserved
    claimants[Int(owner)].asked.reserved = byteCount
  }
}
