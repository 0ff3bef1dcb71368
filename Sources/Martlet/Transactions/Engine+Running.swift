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
    var course = TransactionCourse(begin: effects.time.monotonic(), control: options.control)
    if isOver(options) { throw DatabaseError.deadlineExceeded("before it had a thread") }
    while true {
      do {
        return try runOnce(options, &course, body)
      } catch let error as Doomed {
        let cause = noted(error.cause, after: course, options)
        // Nobody unlocks a device within the pauses of a retry.
        guard cause.isRetryable, cause.code != .dataProtected, mayRetry(options, course) else {
          noteFailure(course, options, outcome: cause.code.name)
          throw cause
        }
        counters.retries.add(1, ordering: .relaxed)
        prepareRetry(&course, after: cause)
        pause(afterAttempt: course.attempt, options)
        if let end = stopped(options, after: cause) {
          noteFailure(course, options, outcome: end.code.name)
          throw end
        }
        course.attempt += 1
      }
    }
  }

  private func runOnce(
    _ options: TransactionOptions, _ course: inout TransactionCourse,
    _ body: (borrowing Transaction) throws -> Void
  ) throws -> TransactionOutcome {
    let state = beginWrite(
      options, control: course.control, timesVictim: course.timesVictim,
      deadline: course.deadline(options.retry))
    guard let owner = state.reads.owner else { preconditionFailure("a transaction has a number") }
    do {
      try whileCurrent(state.id) { try body(Transaction(state: state)) }
    } catch {
      let doom = state.doom
      let horizon = state.reads.horizon
      let waited = endWrite(state)
      let now = effects.time.coarse()
      course.timing.add(owner, bodyEnd: now, end: now, lockWait: waited)
      // What it read may not be durable, and its error may tell of it (rule L9).
      if options.durability != .relaxed { try pipeline.makeDurable(through: horizon) }
      if let doom { throw Doomed(cause: doom) }
      noteFailure(course, options, outcome: "rolledBack")
      throw error
    }
    let bodyEnd = effects.time.coarse()
    let receipt: CommitReceipt?
    do {
      receipt = try state.publish()
    } catch {
      let waited = endWrite(state)
      course.timing.add(owner, bodyEnd: bodyEnd, end: effects.time.coarse(), lockWait: waited)
      throw Doomed(cause: error)
    }
    let horizon = state.reads.horizon
    let waited = endWrite(state)
    if receipt != nil { checkpointer.noteCommit() }
    course.timing.add(owner, bodyEnd: bodyEnd, end: effects.time.coarse(), lockWait: waited)
    return TransactionOutcome(
      receipt: receipt, durability: options.durability, horizon: horizon,
      timed: TimedCourse(course, options))
  }

  /// Counts and tells an abort.
  private func noted(
    _ error: DatabaseError, after course: TransactionCourse, _ options: TransactionOptions
  ) -> DatabaseError {
    var cause = error
    cause.attempts = course.attempt
    counters.countAbort(cause)
    if effects.events.wants(.debug) {
      var facts: [String: Event.Value] = [
        "code": .text(cause.code.name), "attempt": .number(course.attempt),
        "transaction": .number(course.timing.transaction.rawValue),
      ]
      if let cause = cause.abort?.cause { facts["cause"] = .text(cause.rawValue) }
      if let label = options.label { facts["label"] = .text("\(label)") }
      effects.events.report(
        Event(
          .debug, kind: .abort,
          "attempt \(course.attempt) of a transaction was rolled back: \(cause)", facts))
    }
    return cause
  }

  private func prepareRetry(_ course: inout TransactionCourse, after cause: DatabaseError) {
    switch cause.code {
    case .deadlockVictim: course.timesVictim += 1
    case .serializationFailure:
      course.timesRefused += 1
      if course.timesRefused >= TransactionCourse.escalationLimit {
        counters.escalations.add(1, ordering: .relaxed)
        course.control = protocols.escalated()
      }
    default: break
    }
  }

  private func mayRetry(_ options: TransactionOptions, _ course: TransactionCourse) -> Bool {
    guard course.attempt < options.retry.attemptLimit else { return false }
    return effects.time.monotonic() - course.begin < options.retry.timeLimit.nanoseconds
  }

  /// Lets rivals go first: at first they get the processor, and from the third attempt on this one
  /// sleeps for a jittered while, so that they do not meet again at once. A cancellation and the
  /// deadline end the pause.
  private func pause(afterAttempt attempt: Int, _ options: TransactionOptions) {
    let waits = effects.waits
    guard attempt >= TransactionCourse.sleepingAttempt else {
      return waits.yield(attempt: TransactionCourse.yieldingTurn)
    }
    let bound = options.retry.backOffBound(afterAttempt: attempt)
    let nanoseconds = effects.entropy.next() % bound
    let end = min(effects.time.monotonic() + nanoseconds, options.end ?? .max)
    let ticket = waits.makeTicket()
    guard let cancellation = options.cancellation else {
      _ = waits.park(ticket, until: end)
      return
    }
    // A ticket is woken once at most, and a flag may call more often (CF1).
    let alarm = Alarm()
    cancellation.waking {
      if alarm.isFirst { waits.wake(ticket) }
    } while: {
      _ = waits.park(ticket, until: end)
    }
  }

  /// Why there is no further attempt although the last one's failure would allow it.
  private func stopped(_ options: TransactionOptions, after cause: DatabaseError) -> DatabaseError?
  {
    if let cancellation = options.cancellation, cancellation.isCancelled {
      return DatabaseError(.cancelled, "the task was cancelled between two attempts")
    }
    guard isOver(options) else { return nil }
    return .deadlineExceeded("between two attempts, of which the last ended so: \(cause.message)")
  }

  /// Whether the caller's time is over. Looks at the clock only where there is a deadline.
  private func isOver(_ options: TransactionOptions) -> Bool {
    guard let end = options.end else { return false }
    return effects.time.monotonic() >= end
  }

  /// The moment that lies so far ahead; nil for no limit.
  func end(within limit: Duration?) -> UInt64? {
    limit.map { limit in
      let (end, overflow) = effects.time.monotonic().addingReportingOverflow(limit.nanoseconds)
      return overflow ? .max : end
    }
  }
}

/// Lets one caller pass.
// SENDABLE: atomic.
private final class Alarm: Sendable {
  private let isTaken = Atomic<Bool>(false)

  var isFirst: Bool { !isTaken.exchange(true, ordering: .relaxed) }
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
  /// Where its time went; nil for one that nobody timed.
  let timed: TimedCourse?

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
