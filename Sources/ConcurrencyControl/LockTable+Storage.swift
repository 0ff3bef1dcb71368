import Primitives

extension LockTable {
  /// A place of the table of names: the first request of a name's list, which knows the name, and a
  /// part of the name's hash, which says where its slot belongs and mostly whether it is the one. In
  /// eight bytes, because what a load costs here is missing the processor's cache.
  struct Slot: Sendable {
    var tag: UInt32 = 0
    var head = Request.none
  }

  /// One transaction's part in one key's lock.
  struct Request: Sendable {
    static let none: Int32 = -1

    var name: LockName
    var owner: Int32
    /// The owner's part in the keyspace.
    var member: Int32
    var previous = none
    var next = none
    /// The next request of the same member, or of the free list.
    var nextOwned = none
    /// The key, while this is or wants to be an exclusive lock.
    var bytes = KeyBytes.none
    /// Nil: not yet.
    var granted: LockMode?
    /// What is waited for; nil: nothing.
    var wanted: LockMode?
  }

  /// Where a key lies among the bytes of its claimant.
  struct KeyBytes: Sendable {
    static let none = KeyBytes(start: 0, count: -1)

    var start: UInt32
    var count: Int32

    var isNone: Bool { count < 0 }
    var end: Int { Int(start) + Int(count) }
  }

  // MARK: Names

  @inline(__always)
  private func tag(of name: LockName) -> UInt32 {
    let keyspace = UInt64(name.keyspace.rawValue)
    let mixed = (name.fingerprint ^ keyspace &* 0xd6e8_feb8_6659_fd93) &* 0x9e37_79b9_7f4a_7c15
    return UInt32(truncatingIfNeeded: mixed >> 32)
  }

  /// Where a slot belongs: the first bits of its tag.
  @inline(__always)
  private func home(_ tag: UInt32) -> Int { Int(truncatingIfNeeded: tag >> shift) }

  @inline(__always)
  func slotFound(for name: LockName) -> Int? {
    let mask = slots.count &- 1
    let tag = tag(of: name)
    var index = home(tag)
    while slots[index].head != Request.none {
      if slots[index].tag == tag, requests[Int(slots[index].head)].name == name { return index }
      index = (index &+ 1) & mask
    }
    return nil
  }

  /// The slot of a name; an empty list means that it is new and must get a request now.
  mutating func slotMade(for name: LockName) -> Int {
    if 2 &* slotCount >= slots.count { doubleSlots() }
    let mask = slots.count &- 1
    let tag = tag(of: name)
    var index = home(tag)
    while slots[index].head != Request.none {
      if slots[index].tag == tag, requests[Int(slots[index].head)].name == name { return index }
      index = (index &+ 1) & mask
    }
    slots[index].tag = tag
    slotCount &+= 1
    if slotCount > peakCount { peakCount = slotCount }
    return index
  }

  /// Empties a slot and moves those behind it up that would not be found any more.
  mutating func emptySlot(_ emptied: Int) {
    let mask = slots.count &- 1
    var hole = emptied
    var index = (hole &+ 1) & mask
    while slots[index].head != Request.none {
      let wish = home(slots[index].tag)
      if (index &- wish) & mask >= (index &- hole) & mask {
        slots[hole] = slots[index]
        hole = index
      }
      index = (index &+ 1) & mask
    }
    slots[hole].head = Request.none
    slotCount &-= 1
    if slotCount == 0 { noteEmpty() }
  }

  /// The table of names is empty: when it was far too large for long, it is halved.
  @inline(__always)
  private mutating func noteEmpty() {
    let isSpacious = slots.count > Self.leastSlotCount && peakCount &* 16 < slots.count
    spaciousRounds = isSpacious ? spaciousRounds &+ 1 : 0
    peakCount = 0
    if spaciousRounds > Self.spaciousLimit { halveSlots() }
  }

  /// A table of this size is as good as a smaller one: 16 KiB.
  private static var leastSlotCount: Int { 2048 }
  private static var spaciousLimit: Int { 128 }

  @inline(never)
  private mutating func halveSlots() {
    slots = Array(repeating: Slot(), count: slots.count / 2)
    shift += 1
    spaciousRounds = 0
  }

  @inline(never)
  private mutating func doubleSlots() {
    let old = slots
    slots = Array(repeating: Slot(), count: 2 * old.count)
    shift -= 1
    let mask = slots.count - 1
    for slot in old where slot.head != Request.none {
      var index = home(slot.tag)
      while slots[index].head != Request.none { index = (index + 1) & mask }
      slots[index] = slot
    }
  }

  // MARK: Requests

  /// The request of a transaction for a name.
  func requestFound(of owner: Int32, for name: LockName) -> Int32 {
    guard let slot = slotFound(for: name) else { return Request.none }
    var index = slots[slot].head
    while index != Request.none, requests[Int(index)].owner != owner {
      index = requests[Int(index)].next
    }
    return index
  }

  @inline(__always)
  mutating func makeRequest(
    _ mode: LockMode, _ name: LockName, _ member: Int32, _ bytes: KeyBytes, isGranted: Bool
  ) -> Int32 {
    let owner = members[Int(member)].owner
    var request = Request(name: name, owner: owner, member: member)
    request.nextOwned = members[Int(member)].firstOwned
    request.bytes = bytes
    if isGranted { request.granted = mode } else { request.wanted = mode }
    let index: Int32
    if freeRequest == Request.none {
      index = Int32(truncatingIfNeeded: requests.count)
      requests.append(request)
    } else {
      index = freeRequest
      freeRequest = requests[Int(index)].nextOwned
      requests[Int(index)] = request
    }
    members[Int(member)].firstOwned = index
    members[Int(member)].keyCount &+= 1
    if !bytes.isNone { members[Int(member)].exclusiveCount &+= 1 }
    charge(Self.bytesPerLock &+ (bytes.isNone ? 0 : Int(bytes.count)), to: member)
    return index
  }

  mutating func freeRequest(_ index: Int32) {
    requests[Int(index)].nextOwned = freeRequest
    freeRequest = index
  }

  // MARK: Keys of exclusive locks

  /// Puts a key behind the others of its claimant.
  @inline(__always)
  mutating func remember(_ key: RawSpan, of owner: Int32) -> KeyBytes {
    let start = claimants[Int(owner)].keyByteCount
    let end = start &+ key.byteCount
    if end > arenas[Int(owner)].count { growArena(of: owner, to: end) }
    // SAFETY: the pointers do not leave the closures, and both buffers know their bounds.
    unsafe arenas[Int(owner)].withUnsafeMutableBytes { arena in
      unsafe key.withUnsafeBytes { key in
        unsafe UnsafeMutableRawBufferPointer(rebasing: arena[start..<end]).copyMemory(from: key)
      }
    }
    claimants[Int(owner)].keyByteCount = end
    return KeyBytes(
      start: UInt32(truncatingIfNeeded: start), count: Int32(truncatingIfNeeded: key.byteCount))
  }

  @inline(never)
  private mutating func growArena(of owner: Int32, to count: Int) {
    let room = Swift.max(64, count, 2 * arenas[Int(owner)].count)
    arenas[Int(owner)].append(
      contentsOf: repeatElement(0, count: room - arenas[Int(owner)].count))
  }

  /// Forgets the key that was remembered last.
  mutating func forget(_ bytes: KeyBytes, of owner: Int32) {
    guard !bytes.isNone else { return }
    precondition(
      bytes.end == claimants[Int(owner)].keyByteCount, "a key that is not the newest")
    claimants[Int(owner)].keyByteCount = Int(bytes.start)
  }

  /// From now on intervals meet this request (rule L2).
  mutating func register(_ index: Int32, _ bytes: KeyBytes) {
    let member = requests[Int(index)].member
    requests[Int(index)].bytes = bytes
    members[Int(member)].exclusiveCount &+= 1
    charge(Int(bytes.count), to: member)
  }

  mutating func unregister(_ index: Int32) {
    let (member, bytes) = (requests[Int(index)].member, requests[Int(index)].bytes)
    guard !bytes.isNone else { return }
    requests[Int(index)].bytes = .none
    members[Int(member)].exclusiveCount &-= 1
    charge(-Int(bytes.count), to: member)
    forget(bytes, of: members[Int(member)].owner)
    disturb(members[Int(member)].space)
  }

  @inline(__always)
  mutating func charge(_ change: Int, to member: Int32) {
    members[Int(member)].byteCount &+= change
    usedBytes &+= change
  }
}
