import Primitives

extension LockTable {
  /// A transaction that holds or wants something.
  struct Claimant: Sendable {
    static let none: Int32 = -1

    var transaction: TransactionID
    var weight: UInt64 = 0
    var timesVictim = 0
    var enclosing: TransactionID?
    /// Its parts in keyspaces, the last used one first.
    var firstMember = Member.none
    /// How much of its arena its keys take up.
    var keyByteCount = 0
    var asked = Asked()
    /// The search that last came here, and whence.
    var searchNumber: UInt32 = 0
    var parent = none

    var isWaiting: Bool { asked.stage != .nothing }
  }

  /// What a claimant asks for and has not got. What the stages before the present one were for, it
  /// holds already.
  ///
  /// ```
  ///  escalation ──▶ keyspace ──▶ interval ──▶ key
  ///  if the table   its mode or  past all     the key's
  ///  is full        intention    intervals    own queue
  /// ```
  struct Asked: Sendable {
    enum Stage: UInt8 { case nothing, escalation, keyspace, interval, key }
    enum Goal: UInt8 { case key, interval, keyspace }

    var stage = Stage.nothing
    var goal = Goal.key
    var mode = LockMode.shared
    /// In which mode the keyspace must be held.
    var keyspaceMode = KeyspaceLockMode.intentionShared
    /// Of the keyspace that is asked for or in.
    var member = Member.none
    /// Whether this is the claimant's first request in the keyspace: a failure undoes it all.
    var isFirst = false
    /// Of the keyspace to escalate in, in which mode.
    var escalating = Member.none
    var escalation = KeyspaceLockMode.shared
    var fingerprint: UInt64 = 0
    var bytes = KeyBytes.none
    /// In the last stage.
    var request = Request.none
    /// Counted in `usedBytes` until the request is made.
    var reserved = 0
  }

  @inline(__always)
  private func claimantHome(_ transaction: TransactionID) -> Int {
    Int(truncatingIfNeeded: (transaction.rawValue &* 0x9e37_79b9_7f4a_7c15) >> 32)
      & (claimantSlots.count &- 1)
  }

  @inline(__always)
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
      claimants[Int(index)].timesVictim = claimant.timesVictim
      noteEnclosing(claimant.enclosing, of: index)
      newestClaimant = index
      return index
    }
    if freeClaimant == Claimant.none {
      newestClaimant = Int32(claimants.count)
      claimants.append(Claimant(transaction: claimant.transaction))
      arenas.append([])
      askedIntervals.append(nil)
    } else {
      // It was left as good as new.
      newestClaimant = freeClaimant
      freeClaimant = claimants[Int(newestClaimant)].parent
      claimants[Int(newestClaimant)].transaction = claimant.transaction
    }
    claimants[Int(newestClaimant)].weight = claimant.weight
    claimants[Int(newestClaimant)].timesVictim = claimant.timesVictim
    noteEnclosing(claimant.enclosing, of: newestClaimant)
    claimantCount += 1
    if 2 * claimantCount > claimantSlots.count { doubleClaimantSlots() }
    placeClaimant(newestClaimant)
    return newestClaimant
  }

  @inline(__always)
  private mutating func noteEnclosing(_ enclosing: TransactionID?, of index: Int32) {
    guard claimants[Int(index)].enclosing != enclosing else { return }
    if claimants[Int(index)].enclosing != nil { nestedCount -= 1 }
    if enclosing != nil { nestedCount += 1 }
    claimants[Int(index)].enclosing = enclosing
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

  /// Forgets a claimant that is a member of no keyspace any more.
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
    noteEnclosing(nil, of: index)
    claimants[Int(index)].keyByteCount = 0
    // A rare large transaction does not keep its memory for ever.
    if arenas[Int(index)].count > 1 << 16 { arenas[Int(index)] = [] }
    claimants[Int(index)].parent = freeClaimant
    freeClaimant = index
    if newestClaimant == index { newestClaimant = Claimant.none }
    claimantCount -= 1
  }
}
