internal import Primitives
internal import VersionStore

/// What the attempts of a transaction so far have come to.
struct TransactionCourse {
  /// When the first one began, on the exact clock.
  let begin: UInt64
  var attempt = 1
  var timesVictim = 0
  var timesRefused = 0
  var control: any ConcurrencyProtocol
  var timing = TransactionTiming()

  /// Attempts that may fail certification before the protocol is changed.
  static let escalationLimit = 3
  /// The first attempt after which it sleeps: a sleep of microseconds takes the system many more.
  static let sleepingAttempt = 3
  /// A turn of a spin loop at which the processor is offered to others.
  static let yieldingTurn = 10

  init(begin: UInt64, control: any ConcurrencyProtocol) {
    self.begin = begin
    self.control = control
  }

  /// When a transaction that may be retried is out of time.
  func deadline(_ retry: RetryPolicy) -> LockRequester.Deadline? {
    guard retry.attemptLimit > 1 else { return nil }
    return LockRequester.Deadline(begin: begin, timeLimit: retry.timeLimit)
  }
}

/// Where the time of a transaction went, in nanoseconds of the coarse clock, over all its attempts.
struct TransactionTiming: BitwiseCopyable, Sendable {
  /// When the first attempt began.
  var begin: UInt64 = 0
  /// When the last one was published, or failed.
  var end: UInt64 = 0
  /// Waits for locks included.
  var body: UInt64 = 0
  var lockWait: UInt64 = 0
  var commit: UInt64 = 0
  /// The number of the last attempt.
  var transaction = TransactionID(0)

  /// Between attempts: what was spent on nothing else.
  var backOff: UInt64 {
    let busy = body &+ commit
    let all = end &- begin
    return all > busy ? all - busy : 0
  }

  /// Takes in an attempt.
  mutating func add(
    _ owner: SnapshotOwner, bodyEnd: UInt64, end: UInt64, lockWait: UInt64
  ) {
    if begin == 0 { begin = owner.begun }
    transaction = owner.transaction
    body &+= bodyEnd &- owner.begun
    commit &+= end &- bodyEnd
    self.lockWait &+= lockWait
    self.end = end
  }
}
