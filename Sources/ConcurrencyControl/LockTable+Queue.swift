import Primitives

extension LockTable {
  /// What one walk over a lock's list finds, apart from one transaction's own request.
  struct Census {
    private var counts: (shared: Int, update: Int, exclusive: Int) = (0, 0, 0)
    /// The transaction's own request.
    private(set) var own = Request.none
    private(set) var hasWaiters = false
    private(set) var lastHolder = Request.none
    private(set) var last = Request.none

    /// Walks the list. Pass `Claimant.none` to count everybody.
    @inline(__always)
    init(of head: Int32, besides owner: Int32, in requests: [Request]) {
      var index = head
      while index != Request.none {
        let request = requests[Int(index)]
        if request.wanted != nil { hasWaiters = true }
        if request.granted != nil { lastHolder = index }
        if request.owner == owner { own = index } else { count(request.granted, 1) }
        last = index
        index = request.next
      }
    }

    mutating func count(_ mode: LockMode?, _ change: Int) {
      switch mode {
      case .shared: counts.shared += change
      case .update: counts.update += change
      case .exclusive: counts.exclusive += change
      case nil: break
      }
    }

    /// Whether a mode is compatible with all that is counted.
    func allows(_ mode: LockMode) -> Bool {
      switch mode {
      case .shared: counts.exclusive == 0
      case .update: counts.exclusive == 0 && counts.update == 0
      case .exclusive: counts.exclusive == 0 && counts.update == 0 && counts.shared == 0
      }
    }
  }

  /// The last stage of a request for a key: takes the lock, at once or by waiting in its queue.
  @inline(__always)
  mutating func enterKey(
    _ mode: LockMode, _ name: LockName, _ member: Int32, _ bytes: KeyBytes
  ) -> Bool {
    let slot = slotMade(for: name)
    let head = slots[slot].head
    if head == Request.none {
      slots[slot].head = makeRequest(mode, name, member, bytes, isGranted: true)
      noteHeld(1)
      return true
    }
    return enterQueue(mode, name, member, bytes, slot)
  }

  private mutating func enterQueue(
    _ mode: LockMode, _ name: LockName, _ member: Int32, _ bytes: KeyBytes, _ slot: Int
  ) -> Bool {
    let owner = members[Int(member)].owner
    let census = Census(of: slots[slot].head, besides: owner, in: requests)
    let waiting: Int32
    if census.own != Request.none {
      guard let held = requests[Int(census.own)].granted else { preconditionFailure("Q2") }
      let wanted = held.converted(by: mode)
      if wanted == held {
        forget(bytes, of: owner)
        return true
      }
      if !bytes.isNone { register(census.own, bytes) }
      if census.allows(wanted) {
        requests[Int(census.own)].granted = wanted
        return true
      }
      waiting = census.own
      requests[Int(waiting)].wanted = wanted
      moveBehindConverters(waiting, in: slot)
    } else if !census.hasWaiters && census.allows(mode) {
      let request = makeRequest(mode, name, member, bytes, isGranted: true)
      insert(request, after: census.lastHolder, in: slot)
      noteHeld(1)
      return true
    } else {
      waiting = makeRequest(mode, name, member, bytes, isGranted: false)
      insert(waiting, after: census.last, in: slot)
    }
    claimants[Int(owner)].asked.stage = .key
    claimants[Int(owner)].asked.request = waiting
    return false
  }

  mutating func insert(_ index: Int32, after previous: Int32, in slot: Int) {
    let next = previous == Request.none ? slots[slot].head : requests[Int(previous)].next
    requests[Int(index)].previous = previous
    requests[Int(index)].next = next
    if previous == Request.none {
      slots[slot].head = index
    } else {
      requests[Int(previous)].next = index
    }
    if next != Request.none { requests[Int(next)].previous = index }
  }

  mutating func unlink(_ index: Int32, in slot: Int) {
    let previous = requests[Int(index)].previous
    let next = requests[Int(index)].next
    if previous == Request.none {
      slots[slot].head = next
    } else {
      requests[Int(previous)].next = next
    }
    if next != Request.none { requests[Int(next)].previous = previous }
  }

  func isConverting(_ index: Int32) -> Bool {
    requests[Int(index)].granted != nil && requests[Int(index)].wanted != nil
  }

  /// Puts a request at the end of those that convert.
  mutating func moveBehindConverters(_ index: Int32, in slot: Int) {
    unlink(index, in: slot)
    var previous = Request.none
    var next = slots[slot].head
    while next != Request.none, isConverting(next) {
      previous = next
      next = requests[Int(next)].next
    }
    insert(index, after: previous, in: slot)
  }

  /// Takes a request that is not waited for out of its lock. Its place among those of its owner
  /// is the caller's business.
  mutating func release(_ index: Int32, notices: inout [LockNotice]) {
    guard let slot = slotFound(for: requests[Int(index)].name) else {
      preconditionFailure("a request without a lock")
    }
    if requests[Int(index)].granted != nil { noteHeld(-1) }
    unlink(index, in: slot)
    freeRequest(index)
    if slots[slot].head == Request.none {
      emptySlot(slot)
    } else {
      grant(in: slot, notices: &notices)
    }
  }

  /// Lets go of all keys of a member that holds no interval any more. The gate may open.
  @inline(__always)
  mutating func releaseKeys(of member: Int32, notices: inout [LockNotice]) {
    var request = members[Int(member)].firstOwned
    while request != Request.none {
      let next = requests[Int(request)].nextOwned
      release(request, notices: &notices)
      request = next
    }
    usedBytes &-= members[Int(member)].byteCount
    members[Int(member)].forgetKeys()
  }

  /// Ends a request's wait for its key without success.
  mutating func withdrawFromKey(_ index: Int32, notices: inout [LockNotice]) {
    if requests[Int(index)].granted == nil {
      let member = requests[Int(index)].member
      precondition(members[Int(member)].firstOwned == index, "a wait that is not the newest")
      unregister(index)
      members[Int(member)].firstOwned = requests[Int(index)].nextOwned
      members[Int(member)].keyCount -= 1
      charge(-Self.bytesPerLock, to: member)
      release(index, notices: &notices)
    } else {
      if requests[Int(index)].wanted == .exclusive { unregister(index) }
      requests[Int(index)].wanted = nil
      guard let slot = slotFound(for: requests[Int(index)].name) else {
        preconditionFailure("a request without a lock")
      }
      // It leaves the converters, who stand first.
      moveBehindConverters(index, in: slot)
      grant(in: slot, notices: &notices)
    }
  }

  /// Grants what can be granted: converters, and when none is left waiting, the oldest of the
  /// others as long as they fit.
  mutating func grant(in slot: Int, notices: inout [LockNotice]) {
    var census = Census(of: slots[slot].head, besides: Claimant.none, in: requests)
    guard census.hasWaiters else { return }
    var index = slots[slot].head
    var areConvertersLeft = false
    while index != Request.none, isConverting(index) {
      let request = requests[Int(index)]
      census.count(request.granted, -1)
      if let wanted = request.wanted, census.allows(wanted) {
        census.count(wanted, 1)
        hold(index, wanted, notices: &notices)
        moveBehindConverters(index, in: slot)
      } else {
        census.count(request.granted, 1)
        areConvertersLeft = true
      }
      index = request.next
    }
    guard !areConvertersLeft else { return }
    index = slots[slot].head
    while index != Request.none {
      let next = requests[Int(index)].next
      if let wanted = requests[Int(index)].wanted {
        guard census.allows(wanted) else { return }
        census.count(wanted, 1)
        hold(index, wanted, notices: &notices)
        noteHeld(1)
      }
      index = next
    }
  }

  private mutating func hold(_ index: Int32, _ mode: LockMode, notices: inout [LockNotice]) {
    requests[Int(index)].granted = mode
    requests[Int(index)].wanted = nil
    let owner = Int(requests[Int(index)].owner)
    claimants[owner].asked.stage = .nothing
    notices.append(LockNotice(claimants[owner].transaction, .granted))
  }
}
