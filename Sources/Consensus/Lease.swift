package import Primitives

/// The right of a leader to read without asking anybody. The log is the lease (LeaseGuard, rule
/// L1): an entry of its own ballot that is chosen shows that no other leader existed when the entry
/// was proposed, and a new leader shows nothing to anybody for as long as such an entry may still
/// count (rule L2). No message, no promise, no synchronised clock: only rates are compared.
///
/// - Invariant LS1: `expiry` never falls, and nothing revives a lease that was released.
package struct Lease: Hashable, Sendable {
  package private(set) var expiry = BootTime(nanoseconds: 0)
  package private(set) var isReleased = false

  package init() {}

  /// An entry of the own ballot, proposed at `time`, is chosen.
  package mutating func renew(proposedAt time: BootTime, duration: UInt64) {
    let renewed = time.advanced(by: duration)
    let former = expiry
    if renewed > expiry { expiry = renewed }
    precondition(expiry >= former, "LS1: the expiry of a lease fell")
  }

  /// The leader hands over: from now on it reads nothing locally (rule R3).
  package mutating func release() { isReleased = true }

  package func isHeld(at now: BootTime) -> Bool { !isReleased && now < expiry }
}

extension Settings {
  /// Rule L5: without a bound on the rate of clocks there are no leases.
  var readsByLease: Bool { usesLease && clockRateBound > 0 && clockRateBound < 1_000_000 }

  /// For how long a new leader shows nothing: by its own clock, which may be fast by the bound, as
  /// long as a lease lasts by a clock that may be slow by it.
  var withholding: UInt64 {
    // The leader before may have had a bound that this one does not: then the usual one.
    let bound = clockRateBound > 0 && clockRateBound < 1_000_000 ? clockRateBound : 10_000
    let (high, low) = leaseDuration.multipliedFullWidth(by: 1_000_000 + bound)
    return (1_000_000 - bound).dividingFullWidth((high, low)).quotient + 1
  }
}
