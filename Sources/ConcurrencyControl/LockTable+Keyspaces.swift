import Primitives

// Locks on whole keyspaces, and who has anything in which keyspace (rule L1).
extension LockTable {
  /// A keyspace in which something is or was locked.
  struct Space: Sendable {
    var keyspace: KeyspaceID
    var firstMember = Member.none
    /// How many hold each mode, by its raw value.
    private(set) var counts = SIMD8<Int32>()
    /// Members that wait for the keyspace: those that convert, oldest first, then the others.
    private(set) var queue: [Int32] = []
    /// Held intervals, in no order.
    private(set) var intervals: [HeldInterval] = []
    /// Claimants that wait for others' intervals or with an interval, oldest first.
    private(set) var gate: [Int32] = []
    /// How much there is here that a request for a key must look at; zero: nothing but keys.
    private(set) var attention = 0
    /// Whether it stands in the list of those where something may be granted.
    var isRestless = false

    var hasWaiters: Bool { !queue.isEmpty || !gate.isEmpty }
    var hasIntervals: Bool { !intervals.isEmpty || !gate.isEmpty }

    init(_ keyspace: KeyspaceID) { self.keyspace = keyspace }

    @inline(__always)
    mutating func count(_ mode: KeyspaceLockMode, _ change: Int32) {
      counts[Int(mode.rawValue)] &+= change
      if !mode.isIntention { attention &+= Int(change) }
    }

    /// Whether somebody who holds one mode, if any, may hold another beside all others.
    func allows(_ mode: KeyspaceLockMode, besides own: KeyspaceLockMode?) -> Bool {
      KeyspaceLockMode.allCases.allSatisfy { other in
        mode.isCompatible(with: other)
          || counts[Int(other.rawValue)] == (own == other ? 1 : 0)
      }
    }

    mutating func enqueue(_ member: Int32, at place: Int) {
      queue.insert(member, at: place)
      attention += 1
    }

    mutating func dequeue(at place: Int) {
      queue.remove(at: place)
      attention -= 1
    }

    mutating func enterGate(_ claimant: Int32) {
      gate.append(claimant)
      attention += 1
    }

    mutating func leaveGate(at place: Int) {
      gate.remove(at: place)
      attention -= 1
    }

    mutating func add(_ interval: HeldInterval) {
      intervals.append(interval)
      attention += 1
    }

    mutating func removeInterval(at index: Int) {
      intervals.swapAt(index, intervals.count - 1)
      intervals.removeLast()
      attention -= 1
    }
  }

  /// One transaction's part in one keyspace.
  struct Member: Sendable {
    static let none: Int32 = -1

    var space: Int32
    var keyspace: KeyspaceID
    var owner: Int32
    var previous = none
    /// The next in the keyspace, or of the free list.
    var next = none
    var nextOfOwner = none
    /// Its locks on keys, newest first; the waiting one, if it is no conversion, is the first.
    var firstOwned = Request.none
    var keyCount: Int32 = 0
    /// How many of them are or want to be exclusive.
    var exclusiveCount: Int32 = 0
    var intervalCount: Int32 = 0
    /// What its locks take up.
    var byteCount = 0
    /// Nil: not yet.
    var granted: KeyspaceLockMode?
    /// What is waited for; nil: nothing.
    var wanted: KeyspaceLockMode?

    /// One that has let everything go begins again.
    @inline(__always)
    mutating func begin(
      in space: Int32, _ keyspace: KeyspaceID, of owner: Int32, before next: Int32
    ) {
      self.space = space
      self.keyspace = keyspace
      self.owner = owner
      self.next = next
      previous = Member.none
      nextOfOwner = Member.none
      granted = nil
    }

    /// Its keys are released.
    @inline(__always)
    mutating func forgetKeys() {
      firstOwned = Request.none
      keyCount = 0
      exclusiveCount = 0
      byteCount = 0
    }
  }

  // MARK: Members

  /// A claimant's part in a keyspace; `Member.none`: it has none.
  /// - Complexity: linear in the keyspaces that the claimant uses; constant for the one it used
  ///   last.
  @inline(__always)
  func memberFound(of owner: Int32, in keyspace: KeyspaceID) -> Int32 {
    var index = claimants[Int(owner)].firstMember
    while index != Member.none, members[Int(index)].keyspace != keyspace {
      index = members[Int(index)].nextOfOwner
    }
    return index
  }

  /// A claimant's part in a keyspace, now the first in its list; made when new, holding nothing.
  @inline(__always)
  mutating func memberMade(of owner: Int32, in keyspace: KeyspaceID) -> Int32 {
    let first = claimants[Int(owner)].firstMember
    if first != Member.none, members[Int(first)].keyspace == keyspace { return first }
    return memberMovedOrMade(of: owner, in: keyspace)
  }

  @inline(__always)
  private mutating func memberMovedOrMade(of owner: Int32, in keyspace: KeyspaceID) -> Int32 {
    var index = Member.none
    if claimants[Int(owner)].firstMember != Member.none {
      index = memberFound(of: owner, in: keyspace)
    }
    if index != Member.none {
      unlinkFromOwner(index)
    } else {
      index = newMember(of: owner, in: keyspace)
    }
    members[Int(index)].nextOfOwner = claimants[Int(owner)].firstMember
    claimants[Int(owner)].firstMember = index
    return index
  }

  private mutating func newMember(of owner: Int32, in keyspace: KeyspaceID) -> Int32 {
    let space = spaceMade(for: keyspace)
    let next = spaces[Int(space)].firstMember
    let index = freeMember
    guard index != Member.none else {
      members.append(Member(space: space, keyspace: keyspace, owner: owner, next: next))
      return memberPlaced(Int32(members.count - 1))
    }
    freeMember = members[Int(index)].next
    members[Int(index)].begin(in: space, keyspace, of: owner, before: next)
    return memberPlaced(index)
  }

  /// Makes a member that knows the next one in its keyspace the first there.
  @inline(__always)
  private mutating func memberPlaced(_ index: Int32) -> Int32 {
    let (space, next) = (members[Int(index)].space, members[Int(index)].next)
    if next != Member.none { members[Int(next)].previous = index }
    spaces[Int(space)].firstMember = index
    return index
  }

  private mutating func unlinkFromOwner(_ index: Int32) {
    let (owner, next) = (Int(members[Int(index)].owner), members[Int(index)].nextOfOwner)
    var previous = claimants[owner].firstMember
    if previous == index {
      claimants[owner].firstMember = next
      return
    }
    while members[Int(previous)].nextOfOwner != index {
      previous = members[Int(previous)].nextOfOwner
    }
    members[Int(previous)].nextOfOwner = next
  }

  /// Takes a member that holds no key and no interval out of its keyspace, with its lock on it.
  mutating func removeMember(_ index: Int32) {
    unlinkFromOwner(index)
    leaveKeyspace(index)
  }

  /// Likewise, when the owner goes as well.
  @inline(__always)
  mutating func leaveKeyspace(_ index: Int32) {
    let member = members[Int(index)]
    if member.previous == Member.none {
      spaces[Int(member.space)].firstMember = member.next
    } else {
      members[Int(member.previous)].next = member.next
    }
    if member.next != Member.none { members[Int(member.next)].previous = member.previous }
    if let granted = member.granted { spaces[Int(member.space)].count(granted, -1) }
    disturb(member.space)
    members[Int(index)].next = freeMember
    freeMember = index
  }

  // MARK: Keyspaces

  @inline(__always)
  private mutating func spaceMade(for keyspace: KeyspaceID) -> Int32 {
    if newestSpace >= 0, spaces[Int(newestSpace)].keyspace == keyspace { return newestSpace }
    return spaceFoundOrMade(for: keyspace)
  }

  @inline(never)
  private mutating func spaceFoundOrMade(for keyspace: KeyspaceID) -> Int32 {
    if let index = spaceIndex[keyspace] {
      newestSpace = index
      return index
    }
    if freeSpaces.isEmpty, spaces.count == spaceLimit { forgetUnusedSpaces() }
    if let index = freeSpaces.popLast() {
      spaces[Int(index)] = Space(keyspace)
      newestSpace = index
    } else {
      newestSpace = Int32(spaces.count)
      spaces.append(Space(keyspace))
    }
    spaceIndex[keyspace] = newestSpace
    return newestSpace
  }

  /// Keyspaces come and go: those without members are forgotten when there are many.
  @inline(never)
  private mutating func forgetUnusedSpaces() {
    for (index, space) in spaces.enumerated() where space.firstMember == Member.none {
      spaceIndex[space.keyspace] = nil
      freeSpaces.append(Int32(index))
    }
    newestSpace = -1
    if 2 * freeSpaces.count < spaces.count { spaceLimit *= 2 }
  }

  // MARK: Locking

  /// Makes a member hold a mode as well, at once or by waiting in the keyspace's queue.
  mutating func take(_ mode: KeyspaceLockMode, _ index: Int32) -> Bool {
    let member = members[Int(index)]
    let space = Int(member.space)
    let wanted = member.granted?.converted(by: mode) ?? mode
    if wanted == member.granted { return true }
    let isFree = member.granted != nil || spaces[space].queue.isEmpty
    if isFree && spaces[space].allows(wanted, besides: member.granted) {
      hold(wanted, index)
      return true
    }
    members[Int(index)].wanted = wanted
    let place =
      member.granted == nil ? spaces[space].queue.count : converterCount(in: spaces[space])
    spaces[space].enqueue(index, at: place)
    return false
  }

  @inline(__always)
  mutating func hold(_ mode: KeyspaceLockMode, _ index: Int32) {
    let space = Int(members[Int(index)].space)
    if let held = members[Int(index)].granted { spaces[space].count(held, -1) }
    spaces[space].count(mode, 1)
    members[Int(index)].granted = mode
    members[Int(index)].wanted = nil
  }

  private func converterCount(in space: Space) -> Int {
    space.queue.firstIndex { members[Int($0)].granted == nil } ?? space.queue.count
  }

  /// Ends a member's wait for its keyspace without success.
  mutating func withdrawFromKeyspace(_ index: Int32) {
    let space = Int(members[Int(index)].space)
    guard let place = spaces[space].queue.firstIndex(of: index) else {
      preconditionFailure("a wait outside the queue")
    }
    spaces[space].dequeue(at: place)
    members[Int(index)].wanted = nil
    disturb(Int32(space))
  }

  /// Grants what can be granted of a keyspace: converters, and when none is left waiting, the
  /// oldest of the others as long as they fit. Whoever is served goes on to its next stage.
  mutating func grantKeyspace(_ index: Int32, notices: inout [LockNotice]) {
    let space = Int(index)
    var place = 0
    while place < spaces[space].queue.count {
      let member = spaces[space].queue[place]
      guard let wanted = members[Int(member)].wanted else { preconditionFailure("Q2") }
      let isNext = members[Int(member)].granted != nil || place == 0
      if isNext && spaces[space].allows(wanted, besides: members[Int(member)].granted) {
        spaces[space].dequeue(at: place)
        hold(wanted, member)
        served.append(members[Int(member)].owner)
      } else {
        place += 1
      }
    }
    for index in served.indices { goOn(served[index], notices: &notices) }
    served.removeAll(keepingCapacity: true)
  }

  /// Something was released or withdrawn in a keyspace: whoever waits there may go on.
  @inline(__always)
  mutating func disturb(_ index: Int32) {
    guard spaces[Int(index)].hasWaiters, !spaces[Int(index)].isRestless else { return }
    spaces[Int(index)].isRestless = true
    restless.append(index)
  }
}
