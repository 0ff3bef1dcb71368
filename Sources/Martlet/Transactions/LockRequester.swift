internal import ConcurrencyControl
internal import Primitives

/// Who asks for a lock, and how long it may wait.
struct LockRequester {
  let transaction: TransactionID
  /// Bytes written so far: what a victim of a deadlock loses.
  var weight = 0
  /// How often this piece of work was a victim before, over all its attempts (rule L7).
  var timesVictim = 0
  /// The transaction inside whose body this one runs on the same thread (rule L8).
  var enclosing: TransactionID?
  /// Nanoseconds that one wait may take; zero: it does not wait.
  var timeout: UInt64
  /// When the whole transaction is out of time; nil: never.
  var deadline: Deadline?
  /// A moment on the monotonic clock at which the caller does not care any more; nil: never.
  var end: UInt64?
  var cancellation: CancellationFlag?

  /// A moment on the monotonic clock, reckoned only by those who wait.
  struct Deadline {
    let begin: UInt64
    let timeLimit: Duration

    var nanoseconds: UInt64 {
      let (end, overflow) = begin.addingReportingOverflow(timeLimit.nanoseconds)
      return overflow ? .max : end
    }
  }

  var claimant: LockClaimant {
    LockClaimant(
      transaction, weight: UInt64(weight), timesVictim: timesVictim, enclosing: enclosing)
  }
}
