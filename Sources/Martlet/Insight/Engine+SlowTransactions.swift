internal import Environment
internal import Primitives
internal import VersionStore

extension Engine {
  /// Waits until a transaction's commit, or what it read, is as durable as promised, and looks how
  /// long it took.
  func acknowledge(_ outcome: TransactionOutcome) throws(DatabaseError) {
    try outcome.awaitDurability(pipeline)
    if let timed = outcome.timed, outcome.receipt != nil, outcome.durability != .relaxed {
      counters.recordCommit(nanoseconds: effects.time.monotonic() - timed.begin)
    }
    guard slowThreshold != .max, let timed = outcome.timed else { return }
    let now = effects.time.coarse()
    guard now &- timed.timing.begin >= slowThreshold else { return }
    note(timed.timing, timed, outcome: "committed", now: now)
  }

  /// Looks how long a transaction took that came to nothing.
  func noteFailure(_ course: TransactionCourse, _ options: TransactionOptions, outcome: String) {
    let timing = course.timing
    guard timing.end &- timing.begin >= slowThreshold else { return }
    note(timing, TimedCourse(course, options), outcome: outcome, now: timing.end)
  }

  /// Looks how long a snapshot with a name was open.
  func noteRead(_ owner: SnapshotOwner) {
    guard slowThreshold != .max else { return }
    let now = effects.time.coarse()
    if now &- owner.begun >= slowThreshold { noteSlowRead(owner, now) }
  }

  @inline(never)
  private func noteSlowRead(_ owner: SnapshotOwner, _ now: UInt64) {
    let total = Duration.nanoseconds(Int64(clamping: now - owner.begun))
    note(
      SlowTransaction(
        transaction: owner.transaction.rawValue, label: owner.label.map { "\($0)" },
        isolation: .snapshot, attempts: 1, outcome: "read", endedAt: effects.time.wallClock(),
        total: total, body: total, lockWait: .zero, backOff: .zero, commit: .zero, flush: .zero),
      now)
  }

  @inline(never)
  private func note(
    _ timing: TransactionTiming, _ timed: TimedCourse, outcome: String, now: UInt64
  ) {
    func duration(_ nanoseconds: UInt64) -> Duration { .nanoseconds(Int64(clamping: nanoseconds)) }
    // Locks are waited for in the body, but for those of the write set at its end.
    let waitInBody = min(timing.body, timing.lockWait)
    note(
      SlowTransaction(
        transaction: timing.transaction.rawValue, label: timed.label.map { "\($0)" },
        isolation: timed.isolation, attempts: timed.attempts, outcome: outcome,
        endedAt: effects.time.wallClock(), total: duration(now &- timing.begin),
        body: duration(timing.body - waitInBody), lockWait: duration(timing.lockWait),
        backOff: duration(timing.backOff),
        commit: duration(timing.commit - min(timing.commit, timing.lockWait - waitInBody)),
        flush: duration(now &- timing.end)),
      now)
  }

  private func note(_ slow: SlowTransaction, _ now: UInt64) {
    counters.add(slow, at: now)
    guard effects.events.wants(.notice) else { return }
    effects.events.report(Event(.notice, kind: .slowTransaction, slow.summary, slow.facts))
  }
}

extension SlowTransaction {
  fileprivate var facts: [String: Event.Value] {
    var facts: [String: Event.Value] = [
      "isolation": .text(isolation.rawValue), "attempts": .number(attempts),
      "outcome": .text(outcome), "total": .duration(total), "body": .duration(body),
      "lockWait": .duration(lockWait), "backOff": .duration(backOff), "commit": .duration(commit),
      "flush": .duration(flush),
    ]
    if transaction != 0 { facts["transaction"] = .number(transaction) }
    if let label { facts["label"] = .text(label) }
    return facts
  }
}

/// What is left of a transaction's course when it is published.
struct TimedCourse: Sendable {
  /// On the exact clock.
  let begin: UInt64
  let timing: TransactionTiming
  let attempts: Int
  let isolation: IsolationLevel
  let label: StaticString?

  init(_ course: TransactionCourse, _ options: TransactionOptions) {
    begin = course.begin
    timing = course.timing
    attempts = course.attempt
    isolation = options.isolation
    label = options.label
  }
}
