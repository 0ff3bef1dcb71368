import Primitives

extension LockTable {
  /// A place of the table of names: a name and the first request of its list.
  struct Slot: Sendable {
    var fingerprint: UInt64 = 0
    var keyspace: UInt32 = 0
    var head = Request.none
  }

  /// One transaction's part in one lock.
  struct Request: Sendable {
    static let none: Int32 = -1

    var name: LockName
    var owner: Int32
    var previous = none
    var next = none
    /// The next request of the same transaction, or of the free list.
    var nextOwned = none
    /// Nil: not yet.
    var granted: LockMode?
    /// What is waited for; nil: nothing.
    var wanted: LockMode?
  }

  /// A transaction that has requests.
  struct Claimant: Sendable {
    static let none: Int32 = -1

    var transaction: TransactionID
    var weight: UInt64
    var timesVictim: Int
    /// Newest first; the waiting one, if it is no conversion, is the first.
    var firstOwned = Request.none
    var waiting = Request.none
    /// The search that last came here, and whence.
    var searchNumber: UInt32 = 0
    var parent = none
  }

  // MARK: Names

  @inline(__always)
  private func home(_ fingerprint: UInt64, _ keyspace: UInt32) -> Int {
    let mixed =
      (fingerprint ^ UInt64(keyspace) &* 0xd6e8_feb8_6659_fd93) &* 0x9e37_79b9_7f4a_7c15
    return Int(truncatingIfNeeded: mixed >> shift)
  }

  func slotFound(for name: LockName) -> Int? {
    let mask = slots.count &- 1
    var index = home(name.fingerprint, name.keyspace.rawValue)
    while slots[index].head != Request.none {
      if slots[index].fingerprint == name.fingerprint,
        slots[index].keyspace == name.keyspace.rawValue
      {
        return index
      }
      index = (index &+ 1) & mask
    }
    return nil
  }

  /// The slot of a name; an empty list means that it is new and must get a request now.
  mutating func slotMade(for name: LockName) -> Int {
    if 2 &* slotCount >= slots.count { doubleSlots() }
    let mask = slots.count &- 1
    var index = home(name.fingerprint, name.keyspace.rawValue)
    while slots[index].head != Request.none {
      if slots[index].fingerprint == name.fingerprint,
        slots[index].keyspace == name.keyspace.rawValue
      {
        return index
      }
      index = (index &+ 1) & mask
    }
    slots[index].fingerprint = name.fingerprint
    slots[index].keyspace = name.keyspace.rawValue
    slotCount &+= 1
    return index
  }

  /// Empties a slot and moves those behind it up that would not be found any more.
  mutating func emptySlot(_ emptied: Int) {
    let mask = slots.count &- 1
    var hole = emptied
    var index = (hole &+ 1) & mask
    while slots[index].head != Request.none {
      let wish = home(slots[index].fingerprint, slots[index].keyspace)
      if (index &- wish) & mask >= (index &- hole) & mask {
        slots[hole] = slots[index]
        hole = index
      }
      index = (index &+ 1) & mask
    }
    slots[hole].head = Request.none
    slotCount &-= 1
  }

  @inline(never)
  private mutating func doubleSlots() {
    let old = slots
    slots = Array(repeating: Slot(), count: 2 * old.count)
    shift -= 1
    let mask = slots.count - 1
    for slot in old where slot.head != Request.none {
      var index = home(slot.fingerprint, slot.keyspace)
      while slots[index].head != Request.none { index = (index + 1) & mask }
      slots[index] = slot
    }
  }

  // MARK: Requests

  mutating func makeRequest(
    _ mode: LockMode, _ name: LockName, _ owner: Int32, isGranted: Bool
  ) -> Int32 {
    var request = Request(name: name, owner: owner)
    request.nextOwned = claimants[Int(owner)].firstOwned
    if isGranted { request.granted = mode } else { request.wanted = mode }
    let index = freeRequest
    if index == Request.none {
      claimants[Int(owner)].firstOwned = Int32(requests.count)
      requests.append(request)
      return Int32(requests.count - 1)
    }
    freeRequest = requests[Int(index)].nextOwned
    requests[Int(index)] = request
    claimants[Int(owner)].firstOwned = index
    return index
  }

  mutating func freeRequest(_ index: Int32) {
    requests[Int(index)].nextOwned = freeRequest
    freeRequest = index
  }

  // MARK: Claimants

  @inline(__always)
  private func claimantHome(_ transaction: TransactionID) -> Int {
    Int(truncatingIfNeeded: (transaction.rawValue &* 0x9e37_79b9_7f4a_7c15) >> 32)
      & (claimantSlots.count &- 1)
  }

  func claimantIndex(_ transaction: TransactionID) -> Int32? {
    if newestClaimant != Claimant.none,
      claimants[Int(newestClaimant)].transaction == transaction
    {
      return newestClaimant
    }
    var place = claimantHome(transaction)
    while claimantSlots[place] != Claimant.none {
      let index = claimantSlots[place]
      if claimants[Int(index)].transaction == transaction { return index }
      place = (place &+ 1) & (claimantSlots.count &- 1)
    }
    return nil
  }

  /// The claimant's index; made when new, brought up to date when not.
  mutating func enroll(_ claimant: LockClaimant) -> Int32 {
    if let index = claimantIndex(claimant.transaction) {
      claimants[Int(index)].weight = claimant.weight
      newestClaimant = index
      return index
    }
    let new = Claimant(
      transaction: claimant.transaction, weight: claimant.weight,
      timesVictim: claimant.timesVictim)
    let index = freeClaimant
    if index == Claimant.none {
      newestClaimant = Int32(claimants.count)
      claimants.append(new)
    } else {
      freeClaimant = claimants[Int(index)].parent
      claimants[Int(index)] = new
      newestClaimant = index
    }
    claimantCount += 1
    if 2 * claimantCount > claimantSlots.count { doubleClaimantSlots() }
    placeClaimant(newestClaimant)
    return newestClaimant
  }

  private mutating func placeClaimant(_ index: Int32) {
    var place = claimantHome(claimants[Int(index)].transaction)
    while claimantSlots[place] != Claimant.none {
      place = (place &+ 1) & (claimantSlots.count &- 1)
    }
    claimantSlots[place] = index
  }

  @inline(never)
  private mutating func doubleClaimantSlots() {
    let old = claimantSlots
    claimantSlots = Array(repeating: Claimant.none, count: 2 * old.count)
    for index in old where index != Claimant.none { placeClaimant(index) }
  }

  /// Forgets a claimant that has no request any more.
  mutating func retire(_ index: Int32) {
    let mask = claimantSlots.count &- 1
    var hole = claimantHome(claimants[Int(index)].transaction)
    while claimantSlots[hole] != index { hole = (hole &+ 1) & mask }
    var place = (hole &+ 1) & mask
    while claimantSlots[place] != Claimant.none {
      let wish = claimantHome(claimants[Int(claimantSlots[place])].transaction)
      if (place &- wish) & mask >= (place &- hole) & mask {
        claimantSlots[hole] = claimantSlots[place]
        hole = place
      }
      place = (place &+ 1) & mask
    }
    claimantSlots[hole] = Claimant.none
    claimants[Int(index)].parent = freeClaimant
    freeClaimant = index
    if newestClaimant == index { newestClaimant = Claimant.none }
    claimantCount -= 1
  }
}
