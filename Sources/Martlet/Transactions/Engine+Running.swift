internal import Environment
internal import Primitives
internal import Synchronization

/// Runs the body of a read-write transaction, again after an abort that a retry may cure.
///
/// - Invariant TR1: whether an attempt is repeated is decided by the state of its transaction, never
///   by what the closure threw.
/// - Invariant TR2: a victim of certification is run under two-phase locking after
///   `escalationLimit` attempts, where nobody can certify it away (rules O10, M5), and one of
///   deadlocks is spared by the lock table after as many (rule L7): nobody starves.
extension Engine {
  /// Runs attempts until one is published. On return the transaction holds nothing any more.
  ///
  /// The body keeps its result itself: nothing here is generic, so that a small transaction does not
  /// spend its time on metadata.
  func run(
    _ options: TransactionOptions, _ body: (borrowing Transaction) throws -> Void
  ) throws -> TransactionOutcome {
    var course = Course(begin: effects.time.monotonic(), control: options.control)
    while true {
      do {
        return try runOnce(options, course, body)
      } catch let error as Doomed {
        let cause = noted(error.cause, after: course)
        guard cause.isRetryable, mayRetry(options, course) else { throw cause }
        counters.retries.add(1, ordering: .relaxed)
        prepareRetry(&course, after: cause)
        pause(afterAttempt: course.attempt, options.retry)
        course.attempt += 1
      }
    }
  }

  private func runOnce(
    _ options: TransactionOptions, _ course: borrowing Course,
    _ body: (borrowing Transaction) throws -> Void
  ) throws -> TransactionOutcome {
    let state = beginWrite(
      options, control: course.control, timesVictim: course.timesVictim,
      deadline: course.deadline(options.retry))
    do {
      try whileCurrent(state.id) { try body(Transaction(state: state)) }
    } catch {
      let doom = state.doom
      let horizon = state.reads.horizon
      endWrite(state)
      // What it read may not be durable, and its error may tell of it (rule L9).
      if options.durability != .relaxed { try pipeline.makeDurable(through: horizon) }
      if let doom { throw Doomed(cause: doom) }
      throw error
    }
    let receipt: CommitReceipt?
    do {
      receipt = try state.publish()
    } catch {
      endWrite(state)
      throw Doomed(cause: error)
    }
    let horizon = state.reads.horizon
    endWrite(state)
    if receipt != nil { checkpointer.noteCommit() }
    return TransactionOutcome(receipt: receipt, durability: options.durability, horizon: horizon)
  }

  /// Counts and tells an abort.
  private func noted(_ error: DatabaseError, after course: Course) -> DatabaseError {
    var cause = error
    cause.attempts = course.attempt
    counters.countAbort(cause)
    if effects.events.wants(.debug) {
      effects.events.report(
        Event(.debug, "attempt \(course.attempt) of a transaction was rolled back: \(cause)"))
    }
    return cause
  }

  private func prepareRetry(_ course: inout Course, after cause: DatabaseError) {
    switch cause.code {
    case .deadlockVictim: course.timesVictim += 1
    case .serializationFailure:
      course.timesRefused += 1
      if course.timesRefused >= Course.escalationLimit {
        counters.escalations.add(1, ordering: .relaxed)
        course.control = protocols.escalated()
      }
    default: break
    }
  }

  private func mayRetry(_ options: TransactionOptions, _ course: Course) -> Bool {
    guard course.attempt < options.retry.attemptLimit else { return false }
    if let cancellation = options.cancellation, cancellation.isCancelled { return false }
    return effects.time.monotonic() - course.begin < options.retry.timeLimit.nanoseconds
  }

  /// Lets rivals go first: at first they get the processor, and from the third attempt on this one
  /// sleeps for a jittered while, so that they do not meet again at once.
  private func pause(afterAttempt attempt: Int, _ retry: RetryPolicy) {
    let waits = effects.waits
    guard attempt >= Course.sleepingAttempt else {
      return waits.yield(attempt: Course.yieldingTurn)
    }
    let bound = retry.backOffBound(afterAttempt: attempt)
    let nanoseconds = effects.entropy.next() % bound
    _ = waits.park(waits.makeTicket(), until: effects.time.monotonic() + nanoseconds)
  }
}

/// What the attempts so far have come to.
private struct Course {
  let begin: UInt64
  var attempt = 1
  var timesVictim = 0
  var timesRefused = 0
  var control: any ConcurrencyProtocol

  /// Attempts that may fail certification before the protocol is changed.
  static let escalationLimit = 3
  /// The first attempt after which it sleeps: a sleep of microseconds takes the system many more.
  static let sleepingAttempt = 3
  /// A turn of a spin loop at which the processor is offered to others.
  static let yieldingTurn = 10

  /// When a transaction that may be retried is out of time.
  func deadline(_ retry: RetryPolicy) -> LockRequester.Deadline? {
    guard retry.attemptLimit > 1 else { return nil }
    return LockRequester.Deadline(begin: begin, timeLimit: retry.timeLimit)
  }
}

/// The transaction aborted, whatever its closure then threw.
private struct Doomed: Error { let cause: DatabaseError }

/// What a successful attempt leaves to be done: the wait for durability.
struct TransactionOutcome {
  /// Nil when nothing was written.
  let receipt: CommitReceipt?
  let durability: Durability
  /// Where the newest commit that the transaction can have read ends in the log.
  let horizon: LogPosition

  /// Waits until the commit, or what was read, is as durable as promised (rule L9).
  func awaitDurability(_ pipeline: CommitPipeline) throws(DatabaseError) {
    guard durability != .relaxed else { return }
    if let receipt {
      try pipeline.awaitDurability(receipt, durability)
    } else {
      try pipeline.makeDurable(through: horizon, durability)
    }
  }
}
