package import Primitives

/// The locks of a database: who holds which key in which mode, who waits for whom, and who must
/// give up when they wait in a circle. A pure value: the owner calls it under its mutex, parks
/// whoever waits, and wakes whom the notices name.
///
/// A lock is a list of requests. A name without requests has no lock, so an unlocked database
/// costs nothing, and keys that do not exist are locked like all others (rule L2).
///
/// ```
///   name ─▶ [ converting, oldest first ][ granted ][ waiting, oldest first ]
///            hold a mode, want a stronger             hold nothing yet
/// ```
///
/// Converters go ahead of new requests (L5) and wait for incompatible holders alone, not for each
/// other's turn: whoever holds a lock already delays the others whether it converts or not. New
/// requests are granted in their order, as many as are compatible at once (L6): one that would
/// be compatible with the holders still waits behind an older one that is not.
///
/// Deadlocks are looked for when a request must wait: only then, and only through the requester,
/// can a circle close. Time-outs stay necessary for waits that this table does not see (L8).
///
/// Locks on intervals will attach beside `slots`: an index of intervals for each keyspace, asked
/// before a key's own list by every write while it is not empty (L2, L3). Their requests will be
/// requests as here, in the same slab, owned by the same claimants, with the same edges.
///
/// - Invariant Q1: the granted modes of one name are pairwise compatible (L1).
/// - Invariant Q2: a transaction has at most one request for a name, and waits for at most one.
/// - Invariant Q3: whoever waits is incompatible with a holder, or stands behind one who waits.
/// - Invariant Q4: between calls the graph of waits has no circle.
/// - Invariant Q5: nothing is allocated while the table holds no more than it held before.
package struct LockTable: Sendable {
  /// Open addressing by name: linear probing, emptied by shifting back.
  var slots: [Slot]
  var slotCount = 0
  var shift: UInt64
  /// A slab with a free list.
  var requests: [Request] = []
  var freeRequest = Request.none
  /// Likewise, and open addressing from transactions to it.
  var claimants: [Claimant] = []
  var freeClaimant = Claimant.none
  var claimantSlots: [Int32]
  var claimantCount = 0
  var newestClaimant = Claimant.none
  /// Scratch of the search for circles.
  var frontier: [Int32] = []
  var searchNumber: UInt32 = 0
  /// Who was a victim so often is spared, so that nobody starves (L7).
  let exemptAfter: Int

  /// The number of locks that are held, each mode of each transaction counted.
  package private(set) var heldCount = 0

  /// A table with room for so many locks before it grows.
  package init(capacity: Int = 1024, exemptAfter: Int = 3) {
    precondition(capacity > 0 && exemptAfter >= 0)
    var size = 16
    while size < 2 * capacity { size *= 2 }
    slots = Array(repeating: Slot(), count: size)
    shift = UInt64(64 - size.trailingZeroBitCount)
    claimantSlots = Array(repeating: Claimant.none, count: 64)
    requests.reserveCapacity(capacity)
    self.exemptAfter = exemptAfter
  }

  /// Asks for a lock. The transaction must not be waiting already.
  ///
  /// - Parameter notices: what happened to others is appended: victims other than the requester,
  ///   and whoever got a lock because of that.
  /// - Complexity: constant where nobody else is on the name.
  package mutating func request(
    _ mode: LockMode, on name: LockName, by claimant: LockClaimant,
    notices: inout [LockNotice]
  ) -> LockOutcome {
    let owner = enroll(claimant)
    precondition(claimants[Int(owner)].waiting == Request.none, "two waits at once (Q2)")
    let slot = slotMade(for: name)
    let head = slots[slot].head
    guard head != Request.none else {
      slots[slot].head = makeRequest(mode, name, owner, isGranted: true)
      heldCount += 1
      return .granted
    }
    let census = Census(of: head, besides: owner, in: requests)
    let waiting: Int32
    if census.own != Request.none {
      guard let held = requests[Int(census.own)].granted else { preconditionFailure("Q2") }
      let wanted = held.converted(by: mode)
      if wanted == held { return .granted }
      if census.allows(wanted) {
        requests[Int(census.own)].granted = wanted
        return .granted
      }
      waiting = census.own
      requests[Int(waiting)].wanted = wanted
      moveBehindConverters(waiting, in: slot)
    } else if !census.hasWaiters && census.allows(mode) {
      let request = makeRequest(mode, name, owner, isGranted: true)
      insert(request, after: census.lastHolder, in: slot)
      heldCount += 1
      return .granted
    } else {
      waiting = makeRequest(mode, name, owner, isGranted: false)
      insert(waiting, after: census.last, in: slot)
    }
    claimants[Int(owner)].waiting = waiting
    return breakCircles(through: owner, notices: &notices)
  }

  /// Lets go of everything that a transaction holds or waits for. Nothing when it is unknown.
  package mutating func releaseAll(
    of transaction: TransactionID, notices: inout [LockNotice]
  ) {
    guard let owner = claimantIndex(transaction) else { return }
    if claimants[Int(owner)].waiting != Request.none { withdraw(owner, notices: &notices) }
    guard let owner = claimantIndex(transaction) else { return }
    var request = claimants[Int(owner)].firstOwned
    while request != Request.none {
      let next = requests[Int(request)].nextOwned
      release(request, notices: &notices)
      request = next
    }
    retire(owner)
  }

  /// Withdraws the waiting request of a transaction: it was cancelled or its time is up. What it
  /// holds it keeps.
  ///
  /// - Returns: false when it does not wait; then its lock was granted before, or it is a victim.
  package mutating func cancel(
    _ transaction: TransactionID, notices: inout [LockNotice]
  ) -> Bool {
    guard let owner = claimantIndex(transaction),
      claimants[Int(owner)].waiting != Request.none
    else { return false }
    withdraw(owner, notices: &notices)
    return true
  }

  /// The mode in which a transaction holds a name.
  package func mode(of name: LockName, heldBy transaction: TransactionID) -> LockMode? {
    guard let owner = claimantIndex(transaction), let slot = slotFound(for: name) else {
      return nil
    }
    let own = Census(of: slots[slot].head, besides: owner, in: requests).own
    return own == Request.none ? nil : requests[Int(own)].granted
  }

  /// Whether a transaction waits.
  package func isWaiting(_ transaction: TransactionID) -> Bool {
    claimantIndex(transaction).map { claimants[Int($0)].waiting != Request.none } ?? false
  }

  mutating func noteHeld(_ change: Int) { heldCount += change }
}
