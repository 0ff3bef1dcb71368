package import Primitives

/// The locks of a database: who holds what in which mode, who waits for whom, and who must give up
/// when they wait in a circle. A pure value: the owner calls it under its mutex, parks whoever
/// waits, and wakes whom the notices name.
///
/// Three kinds of things are locked: a keyspace (IS, IX, S, SIX, U, X), a key (S, U, X), and an
/// interval of a keyspace's keys (S), which keeps everybody else from writing any key in it, also
/// one that does not exist yet (L3). None of them is a page or a slot, so splits and merges do not
/// touch locks (L2).
///
/// A key's lock is a list of requests. A name without requests has no lock, so an unlocked
/// database costs nothing, and keys that do not exist are locked like all others.
///
/// ```
///   name ─▶ [ converting, oldest first ][ granted ][ waiting, oldest first ]
///            hold a mode, want a stronger             hold nothing yet
///
///   keyspace ─▶ members: each transaction's mode, usually an intention; its keys; their count
///             ├▶ queue:  members that convert, then members that are new
///             ├▶ held intervals
///             └▶ gate:   writers that wait for intervals, intervals that wait for writers
/// ```
///
/// A request goes through stages. The keyspace comes first: its mode, or the intention that a lock
/// below it needs. Then comes the gate, for intervals and for writers while there are intervals
/// (L2). Last comes the key's own queue. What a stage was for is held from then on, and each stage
/// may wait. The usual request, for a key that nobody has in a keyspace where there are only keys,
/// passes all three by one probe and a look at one counter.
///
/// Converters go ahead of new requests (L5) and wait for incompatible holders alone, not for each
/// other's turn: whoever holds a lock already delays the others whether it converts or not. New
/// requests are granted in their order, as many as are compatible at once (L6): one that would
/// be compatible with the holders still waits behind an older one that is not.
///
/// Deadlocks are looked for when a request must wait, at each stage: only then, and only through
/// it, can a circle close. Time-outs stay necessary for waits that this table does not see (L8).
///
/// The table is a large value. Small functions on the usual path that do not change it are always
/// inlined: as calls they would be handed a copy.
///
/// - Invariant Q1: the granted modes of one name are pairwise compatible, and so are those of one
///   keyspace; no granted exclusive lock lies in an interval that another transaction holds (L1).
/// - Invariant Q2: a transaction has at most one request for a name, one mode of a keyspace, and
///   waits for at most one thing.
/// - Invariant Q3: whoever waits is incompatible with a holder, or stands behind one who waits.
/// - Invariant Q4: between calls the graph of waits has no circle.
/// - Invariant Q5: nothing is allocated while the table holds no more than it held lately;
///   intervals and escalations aside. After a transaction of many keys it shrinks by and by, so that
///   the small ones after it find their few slots in the processor's cache.
/// - Invariant Q6: a holder of keys or intervals holds an intention on their keyspace, or more;
///   writers IX or more (L1).
/// - Invariant Q7: what is held and waited for takes up at most `byteBudget` (L11).
package struct LockTable: Sendable {
  /// Open addressing by name: linear probing, emptied by shifting back.
  var slots: [Slot]
  var slotCount = 0
  /// Bits of a tag that do not say where its slot belongs.
  var shift: UInt32
  /// How many names there were at once since the table was last empty, and how often in a row it
  /// then was far too large for them.
  var peakCount = 0
  var spaciousRounds = 0
  /// A slab with a free list.
  var requests: [Request] = []
  var freeRequest = Request.none
  /// Likewise, and open addressing from transactions to it.
  var claimants: [Claimant] = []
  var freeClaimant = Claimant.none
  var claimantSlots: [Int32]
  var claimantCount = 0
  var newestClaimant = Claimant.none
  /// How many claimants were begun inside another's body.
  var nestedCount = 0
  /// By claimant: the keys of its exclusive locks, and the interval that it asks for.
  var arenas: [[UInt8]] = []
  var askedIntervals: [KeyInterval?] = []
  /// A slab with a free list.
  var members: [Member] = []
  var freeMember = Member.none
  /// Keyspaces, and where they are; those without members are forgotten in bulk.
  var spaces: [Space] = []
  var spaceIndex: [KeyspaceID: Int32] = [:]
  var freeSpaces: [Int32] = []
  var spaceLimit = 64
  var newestSpace: Int32 = -1
  /// Keyspaces in which something may be granted, and claimants that have begun to wait: empty
  /// between calls.
  var restless: [Int32] = []
  var blocked: [Int32] = []
  /// Whom a keyspace's queue has let go and who is not yet on its way.
  var served: [Int32] = []
  /// Scratch of the search for circles.
  var frontier: [Int32] = []
  var scratch: [Int32] = []
  var searchNumber: UInt32 = 0
  /// Who was a victim so often is spared, so that nobody starves (L7).
  let exemptAfter: Int
  let byteBudget: Int

  /// The number of keys that are locked, each transaction's lock counted.
  package private(set) var heldCount = 0
  /// The number of intervals that are held.
  package internal(set) var intervalCount = 0
  /// What locks on keys and intervals take up, those included that are waited for.
  package internal(set) var usedBytes = 0
  /// How often locks were escalated since the table was made (L11).
  package internal(set) var escalationCount: UInt64 = 0
  var escalations: [LockEscalation] = []

  /// So many keys can be locked at once before the table grows.
  package var capacity: Int { slots.count / 2 }

  /// A table with room for so many locks before it grows, and for so many bytes of locks at most.
  package init(capacity: Int = 1024, exemptAfter: Int = 3, byteBudget: Int = 64 << 20) {
    precondition(capacity > 0 && exemptAfter >= 0)
    precondition(byteBudget > 0 && byteBudget <= Int(UInt32.max), "key offsets have 32 bits")
    var size = 16
    while size < 2 * capacity { size *= 2 }
    slots = Array(repeating: Slot(), count: size)
    shift = UInt32(32 - size.trailingZeroBitCount)
    claimantSlots = Array(repeating: Claimant.none, count: 64)
    requests.reserveCapacity(capacity)
    self.exemptAfter = exemptAfter
    self.byteBudget = byteBudget
  }

  /// Asks for a key. The transaction must not be waiting already.
  ///
  /// - Parameter key: the key itself: intervals are compared with it.
  /// - Parameter notices: what happened to others is appended: victims other than the requester,
  ///   and whoever got a lock because of that.
  /// - Complexity: constant where nobody else is on the name and the keyspace has no intervals.
  package mutating func request(
    _ mode: LockMode, on name: LockName, key: RawSpan, by claimant: LockClaimant,
    notices: inout [LockNotice]
  ) -> LockOutcome {
    let owner = enroll(claimant)
    precondition(!claimants[Int(owner)].isWaiting, "two waits at once (Q2)")
    let member = memberMade(of: owner, in: name.keyspace)
    let held = members[Int(member)].granted
    let isCalm = spaces[Int(members[Int(member)].space)].attention == 0
    guard isCalm, usedBytes &+ Self.bytesPerLock &+ key.byteCount <= byteBudget else {
      return requestWithCare(mode, name, key, owner, member, notices: &notices)
    }
    // Nobody has more than an intention here, and all intentions are compatible.
    if held != .intentionExclusive, held != mode.intention { hold(mode.intention, member) }
    let bytes = mode == .exclusive ? remember(key, of: owner) : .none
    if enterKey(mode, name, member, bytes) { return .granted }
    claimants[Int(owner)].asked.goal = .key
    claimants[Int(owner)].asked.member = member
    claimants[Int(owner)].asked.isFirst = held == nil
    return answer(owner, notices: &notices)
  }

  @inline(never)
  private mutating func requestWithCare(
    _ mode: LockMode, _ name: LockName, _ key: RawSpan, _ owner: Int32, _ member: Int32,
    notices: inout [LockNotice]
  ) -> LockOutcome {
    if mode == .shared, members[Int(member)].intervalCount > 0 {
      let space = Int(members[Int(member)].space)
      for held in spaces[space].intervals where held.owner == owner {
        if held.interval.contains(key) { return .granted }
      }
    }
    var asked = Asked()
    asked.goal = .key
    asked.mode = mode
    asked.keyspaceMode = mode.intention
    asked.member = member
    asked.isFirst = members[Int(member)].granted == nil
    asked.fingerprint = name.fingerprint
    if mode == .exclusive { asked.bytes = remember(key, of: owner) }
    claimants[Int(owner)].asked = asked
    return pursue(owner, notices: &notices)
  }

  /// Asks for all keys of an interval, for reading. The transaction must not be waiting already.
  ///
  /// What it holds already of the interval is not asked for again; what it holds beside or inside
  /// becomes one with it. Parameters and answer are as for a key.
  /// - Complexity: linear in the exclusive locks that others have in the keyspace.
  package mutating func request(
    _ interval: KeyInterval, by claimant: LockClaimant, notices: inout [LockNotice]
  ) -> LockOutcome {
    if interval.isEmpty { return .granted }
    let owner = enroll(claimant)
    precondition(!claimants[Int(owner)].isWaiting, "two waits at once (Q2)")
    var asked = Asked()
    asked.goal = .interval
    asked.member = memberMade(of: owner, in: interval.keyspace)
    asked.isFirst = members[Int(asked.member)].granted == nil
    claimants[Int(owner)].asked = asked
    askedIntervals[Int(owner)] = interval
    return pursue(owner, notices: &notices)
  }

  /// Asks for a keyspace. The transaction must not be waiting already.
  ///
  /// Parameters and answer are as for a key.
  package mutating func request(
    _ mode: KeyspaceLockMode, onAll keyspace: KeyspaceID, by claimant: LockClaimant,
    notices: inout [LockNotice]
  ) -> LockOutcome {
    let owner = enroll(claimant)
    precondition(!claimants[Int(owner)].isWaiting, "two waits at once (Q2)")
    var asked = Asked()
    asked.goal = .keyspace
    asked.keyspaceMode = mode
    asked.member = memberMade(of: owner, in: keyspace)
    asked.isFirst = members[Int(asked.member)].granted == nil
    claimants[Int(owner)].asked = asked
    return pursue(owner, notices: &notices)
  }

  /// Lets go of everything that a transaction holds or waits for. Nothing when it is unknown.
  package mutating func releaseAll(
    of transaction: TransactionID, notices: inout [LockNotice]
  ) {
    guard let waiting = claimantIndex(transaction) else { return }
    if claimants[Int(waiting)].isWaiting { withdraw(waiting, notices: &notices) }
    if let owner = claimantIndex(transaction) {
      var member = claimants[Int(owner)].firstMember
      while member != Member.none {
        let next = members[Int(member)].nextOfOwner
        if members[Int(member)].intervalCount > 0 { releaseIntervals(of: member) }
        releaseKeys(of: member, notices: &notices)
        leaveKeyspace(member)
        member = next
      }
      claimants[Int(owner)].firstMember = Member.none
      retire(owner)
    }
    settle(notices: &notices)
  }

  /// Withdraws the waiting request of a transaction: it was cancelled or its time is up. What it
  /// holds it keeps.
  ///
  /// - Returns: false when it does not wait; then its lock was granted before, or it is a victim.
  package mutating func cancel(
    _ transaction: TransactionID, notices: inout [LockNotice]
  ) -> Bool {
    guard let owner = claimantIndex(transaction), claimants[Int(owner)].isWaiting else {
      return false
    }
    withdraw(owner, notices: &notices)
    settle(notices: &notices)
    return true
  }

  /// The mode in which a transaction holds a key: by itself, or through its keyspace.
  package func mode(of name: LockName, heldBy transaction: TransactionID) -> LockMode? {
    guard let owner = claimantIndex(transaction) else { return nil }
    let member = memberFound(of: owner, in: name.keyspace)
    guard member != Member.none else { return nil }
    let own = requestFound(of: owner, for: name)
    let granted = own == Request.none ? nil : requests[Int(own)].granted
    let covered = [LockMode.exclusive, .shared].first {
      members[Int(member)].granted?.covers($0) ?? false
    }
    guard let granted, let covered else { return granted ?? covered }
    return granted.converted(by: covered)
  }

  /// The mode in which a transaction holds a keyspace; the intentions of its locks in it are modes
  /// too.
  package func mode(
    ofAll keyspace: KeyspaceID, heldBy transaction: TransactionID
  ) -> KeyspaceLockMode? {
    guard let owner = claimantIndex(transaction) else { return nil }
    let member = memberFound(of: owner, in: keyspace)
    return member == Member.none ? nil : members[Int(member)].granted
  }

  /// Whether a transaction waits.
  package func isWaiting(_ transaction: TransactionID) -> Bool {
    claimantIndex(transaction).map { claimants[Int($0)].isWaiting } ?? false
  }

  /// Whether `takeEscalations` has any.
  package var hasEscalations: Bool {
    @inline(__always) get { !escalations.isEmpty }
  }

  /// The escalations since this was asked last, for the owner to report.
  package mutating func takeEscalations() -> [LockEscalation] {
    guard !escalations.isEmpty else { return [] }
    defer { escalations.removeAll() }
    return escalations
  }

  mutating func noteHeld(_ change: Int) { heldCount += change }
}
