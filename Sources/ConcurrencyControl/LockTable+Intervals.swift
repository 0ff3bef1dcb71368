package import Primitives

// Intervals meet exclusive locks at the gate of their keyspace (rules L2, L3). An exclusive lock
// passes it before it goes to its key's own queue, and is registered from then on, with the key's
// bytes; an interval is held as soon as it has passed. In the gate's queue only those wait for
// each other that have a key in common, in the order in which they came: no writer starves under
// a stream of scans, no scan under a stream of writers (L6).
//
// Two kinds of requests are spared, since making them wait would only make deadlocks (L5):
// - whoever holds a key, itself or in an interval, and now wants to write it, waits for no
//   interval that waits itself;
// - a writer that waits for a key is not in the way of an interval of someone who holds that key,
//   itself or in another interval: the writer cannot get it earlier anyway.
extension LockTable {
  /// An interval that a transaction has locked. Those of one transaction neither overlap nor
  /// adjoin.
  struct HeldInterval: Sendable {
    let owner: Int32
    let interval: KeyInterval
  }

  /// Whether a transaction may read all of an interval: it holds one around it, or the keyspace.
  package func covers(_ interval: KeyInterval, heldBy transaction: TransactionID) -> Bool {
    guard let owner = claimantIndex(transaction) else { return false }
    let member = memberFound(of: owner, in: interval.keyspace)
    guard member != Member.none else { return false }
    return members[Int(member)].granted?.covers(.shared) ?? false || holds(interval, member)
  }

  /// Whether a member holds an interval around another.
  func holds(_ interval: KeyInterval, _ member: Int32) -> Bool {
    if interval.isEmpty { return true }
    guard members[Int(member)].intervalCount > 0 else { return false }
    let owner = members[Int(member)].owner
    return spaces[Int(members[Int(member)].space)].intervals.contains {
      $0.owner == owner && $0.interval.contains(interval)
    }
  }

  /// Whether a member holds an interval around a key that lies among a claimant's bytes.
  func holdsInterval(_ member: Int32, around bytes: KeyBytes, of writer: Int32) -> Bool {
    guard members[Int(member)].intervalCount > 0 else { return false }
    let owner = members[Int(member)].owner
    return spaces[Int(members[Int(member)].space)].intervals.contains {
      $0.owner == owner && isKey(bytes, of: writer, in: $0.interval)
    }
  }

  func isKey(_ bytes: KeyBytes, of writer: Int32, in interval: KeyInterval) -> Bool {
    let keys = arenas[Int(writer)]
    // SAFETY: the array outlives the span.
    let span = unsafe keys.span.bytes
    return interval.contains(span.extracting(Int(bytes.start)..<bytes.end))
  }

  // MARK: The gate

  /// Lets a claimant pass unless somebody is in its way; then it waits.
  mutating func passGate(_ owner: Int32) -> Bool {
    let space = members[Int(claimants[Int(owner)].asked.member)].space
    guard isBlocked(owner, before: spaces[Int(space)].gate.count) else { return true }
    spaces[Int(space)].enterGate(owner)
    return false
  }

  private func isBlocked(_ owner: Int32, before place: Int) -> Bool {
    var isBlocked = false
    forEachObstacle(of: owner, before: place) { _ in
      isBlocked = true
      return false
    }
    return isBlocked
  }

  /// Lets pass whom nobody stands in the way any more, in the order in which they came.
  mutating func openGate(_ index: Int32, notices: inout [LockNotice]) {
    let space = Int(index)
    var place = 0
    while place < spaces[space].gate.count {
      let owner = spaces[space].gate[place]
      if isBlocked(owner, before: place) {
        place += 1
      } else {
        spaces[space].leaveGate(at: place)
        claimants[Int(owner)].asked.stage = .key
        goOn(owner, notices: &notices)
      }
    }
  }

  /// Ends a claimant's wait at the gate.
  mutating func leaveGate(_ owner: Int32) {
    let space = members[Int(claimants[Int(owner)].asked.member)].space
    guard let place = spaces[Int(space)].gate.firstIndex(of: owner) else {
      preconditionFailure("a wait outside the gate")
    }
    spaces[Int(space)].leaveGate(at: place)
    disturb(space)
  }

  /// Whom a claimant waits for at the gate when so many stand before it; some more than once.
  /// The search ends when the closure says false.
  func forEachObstacle(of owner: Int32, before place: Int, _ body: (Int32) -> Bool) {
    let asked = claimants[Int(owner)].asked
    if let interval = askedIntervals[Int(owner)] {
      forEachWriter(inside: interval, besides: asked.member, before: place, body)
    } else {
      forEachReader(around: asked, besides: owner, before: place, body)
    }
  }

  private func forEachReader(
    around asked: Asked, besides owner: Int32, before place: Int, _ body: (Int32) -> Bool
  ) {
    let space = Int(members[Int(asked.member)].space)
    for held in spaces[space].intervals where held.owner != owner {
      if isKey(asked.bytes, of: owner, in: held.interval), !body(held.owner) { return }
    }
    guard place > 0 else { return }
    let name = LockName(keyspace: spaces[space].keyspace, fingerprint: asked.fingerprint)
    if isHeld(name, asked.bytes, of: owner, by: asked.member) { return }
    for older in spaces[space].gate[..<place] {
      if let interval = askedIntervals[Int(older)], isKey(asked.bytes, of: owner, in: interval),
        !body(older)
      {
        return
      }
    }
  }

  /// - Complexity: linear in the exclusive locks of the keyspace, about 10 ns each: a scan beside
  ///   a batch of 10,000 writes pays a tenth of a millisecond for each piece it covers. An index
  ///   of keys would make every write pay, scans beside it or not.
  private func forEachWriter(
    inside interval: KeyInterval, besides member: Int32, before place: Int,
    _ body: (Int32) -> Bool
  ) {
    let space = Int(members[Int(member)].space)
    var other = spaces[space].firstMember
    while other != Member.none {
      if other != member, members[Int(other)].exclusiveCount > 0 {
        let writer = members[Int(other)].owner
        var index = members[Int(other)].firstOwned
        while index != Request.none {
          let request = requests[Int(index)]
          if !request.bytes.isNone, isKey(request.bytes, of: writer, in: interval),
            !isHeld(request.name, request.bytes, of: writer, by: member)
          {
            if !body(writer) { return }
            break
          }
          index = request.nextOwned
        }
      }
      other = members[Int(other)].next
    }
    for older in spaces[space].gate[..<place] where askedIntervals[Int(older)] == nil {
      let asked = claimants[Int(older)].asked
      let name = LockName(keyspace: interval.keyspace, fingerprint: asked.fingerprint)
      if isKey(asked.bytes, of: older, in: interval),
        !isHeld(name, asked.bytes, of: older, by: member), !body(older)
      {
        return
      }
    }
  }

  /// Whether a member holds a key that somebody wants to write, itself or in an interval.
  private func isHeld(
    _ name: LockName, _ bytes: KeyBytes, of writer: Int32, by member: Int32
  ) -> Bool {
    if holdsInterval(member, around: bytes, of: writer) { return true }
    guard members[Int(member)].keyCount > 0 else { return false }
    let own = requestFound(of: members[Int(member)].owner, for: name)
    return own != Request.none && requests[Int(own)].granted != nil
  }

  // MARK: Holding

  /// Makes the interval that a claimant asked for its own, as one with those that it touches.
  mutating func holdInterval(_ owner: Int32) {
    guard var interval = askedIntervals[Int(owner)] else { preconditionFailure("no interval") }
    let member = claimants[Int(owner)].asked.member
    let space = Int(members[Int(member)].space)
    for index in spaces[space].intervals.indices.reversed() {
      let held = spaces[space].intervals[index]
      guard held.owner == owner, let union = interval.merged(with: held.interval) else { continue }
      interval = union
      removeInterval(at: index, of: member)
    }
    spaces[space].add(HeldInterval(owner: owner, interval: interval))
    members[Int(member)].intervalCount += 1
    charge(Self.bytesPerInterval + interval.byteCount, to: member)
    intervalCount += 1
  }

  /// Lets go of all intervals of a member. The gate may open.
  mutating func releaseIntervals(of member: Int32) {
    let space = Int(members[Int(member)].space)
    let owner = members[Int(member)].owner
    for index in spaces[space].intervals.indices.reversed()
    where spaces[space].intervals[index].owner == owner {
      removeInterval(at: index, of: member)
    }
  }

  private mutating func removeInterval(at index: Int, of member: Int32) {
    let space = members[Int(member)].space
    let interval = spaces[Int(space)].intervals[index].interval
    spaces[Int(space)].removeInterval(at: index)
    members[Int(member)].intervalCount -= 1
    charge(-(Self.bytesPerInterval + interval.byteCount), to: member)
    intervalCount -= 1
  }
}
