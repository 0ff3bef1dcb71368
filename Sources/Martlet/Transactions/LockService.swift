internal import ConcurrencyControl
internal import Environment
internal import Primitives
internal import RawBytes
internal import Synchronization

/// The lock table with its waits: decides under a mutex, waits outside it.
///
/// What else a transaction may wait for is work of the engine's own threads or of commits that are
/// ordered already, which wait for no lock; so every circle of waits runs through this table
/// (rule L8), or through a closure that waits for another thread's transaction, which only the
/// time limit ends.
///
/// - Invariant LS1: a transaction waits for at most one lock at a time, on one ticket.
/// - Invariant LS2: every notice of the table wakes the ticket of its transaction, and no wait
///   outlives its deadline or its cancellation (rules L8, L11).
/// - Invariant LS3: no latch and no mutex is held while waiting (rule L4).
// SENDABLE: all mutable state is in the Mutex.
final class LockService: Sendable {
  /// Somebody who waits, and what became of it.
  private final class Waiter: @unchecked Sendable {
    // SENDABLE: `event` is touched only under the service's mutex.
    let ticket: WaitTicket
    var event: LockNotice.Event?

    init(ticket: WaitTicket) { self.ticket = ticket }
  }

  private struct Answer {
    let outcome: LockOutcome
    let woken: [WaitTicket]
    let escalations: [LockEscalation]
  }

  private struct State {
    var table: LockTable
    var waiters: [TransactionID: Waiter] = [:]
    /// News that came before the waiter had registered its ticket.
    var early: [TransactionID: LockNotice.Event] = [:]
    var notices: [LockNotice] = []
    /// Nanoseconds that running transactions have waited, of those that have.
    var waited: [TransactionID: UInt64] = [:]

    /// What the table said, and what is to be done outside the mutex.
    mutating func answer(_ outcome: LockOutcome) -> Answer {
      Answer(outcome: outcome, woken: deliver(), escalations: table.takeEscalations())
    }

    /// Hands the notices to their waiters; returns the tickets to wake.
    mutating func deliver() -> [WaitTicket] {
      if notices.isEmpty { return [] }
      defer { notices.removeAll(keepingCapacity: true) }
      return notices.compactMap { notice in
        guard let waiter = waiters.removeValue(forKey: notice.transaction) else {
          early[notice.transaction] = notice.event
          return nil
        }
        waiter.event = notice.event
        return waiter.ticket
      }
    }
  }

  private let effects: Effects
  private let state: ShortMutex<State>
  let counters = LockCounters()

  init(effects: Effects, byteBudget: Int) {
    self.effects = effects
    state = ShortMutex(State(table: LockTable(byteBudget: byteBudget)))
  }

  /// Takes a lock on a key. True when it had to wait for another transaction.
  ///
  /// - Throws: `deadlockVictim`, `lockTimeout`, `lockBudgetExhausted` or `cancelled`; the request
  ///   is withdrawn, other locks are kept until `releaseAll`.
  func acquire(
    _ mode: LockMode, _ name: LockName, _ key: ByteView, for claimant: LockClaimant,
    waitingAs requester: @autoclosure () -> LockRequester
  ) throws(DatabaseError) -> Bool {
    let answer = state.withLock { state -> Answer? in
      let outcome = unsafe state.table.request(
        mode, on: name, key: key.buffer.bytes, by: claimant, notices: &state.notices)
      // The usual answer, and nobody is concerned.
      if case .granted = outcome, state.notices.isEmpty, !state.table.hasEscalations { return nil }
      return state.answer(outcome)
    }
    guard let answer else { return false }
    return try settle(answer, .key(name, key.array), requester())
  }

  /// Takes a shared lock on an interval of keys. True when it had to wait.
  ///
  /// - Throws: as for a key.
  func acquire(_ interval: KeyInterval, for requester: LockRequester) throws(DatabaseError) -> Bool
  {
    let claimant = requester.claimant
    let answer = state.withLock { state in
      let outcome = state.table.request(interval, by: claimant, notices: &state.notices)
      return state.answer(outcome)
    }
    return try settle(answer, .interval(interval), requester)
  }

  /// Releases every lock of a transaction and lets the next ones go on.
  ///
  /// - Returns: nanoseconds that it has waited for locks.
  @discardableResult
  func releaseAll(of transaction: TransactionID) -> UInt64 {
    var waited: UInt64 = 0
    let woken = state.withLock { state in
      state.table.releaseAll(of: transaction, notices: &state.notices)
      if !state.waited.isEmpty { waited = state.waited.removeValue(forKey: transaction) ?? 0 }
      return state.deliver()
    }
    for ticket in woken { effects.waits.wake(ticket) }
    return waited
  }

  /// Who waits for a lock now.
  var waiting: Set<TransactionID> { state.withLock { Set($0.waiters.keys) } }

  // MARK: Waiting

  private func settle(_ answer: Answer, _ place: Place, _ requester: LockRequester)
    throws(DatabaseError) -> Bool
  {
    for ticket in answer.woken { effects.waits.wake(ticket) }
    for escalation in answer.escalations { report(escalation) }
    switch answer.outcome {
    case .granted: return false
    case .deadlock(let cycle): throw .deadlockVictim(requester.transaction, cycle, place)
    case .exhausted: throw .lockBudgetExhausted(requester.transaction, place)
    case .waiting:
      counters.waits.add(1, ordering: .relaxed)
      try wait(place, requester)
      return true
    }
  }

  private func wait(_ place: Place, _ requester: LockRequester) throws(DatabaseError) {
    let transaction = requester.transaction
    let waiter = Waiter(ticket: effects.waits.makeTicket())
    let hasNews = state.withLock { state in
      if let event = state.early.removeValue(forKey: transaction) {
        waiter.event = event
        return true
      }
      state.waiters[transaction] = waiter
      return false
    }
    let begin = effects.time.monotonic()
    if !hasNews, requester.timeout > 0 { park(waiter, requester) }
    let waited = effects.time.monotonic() - begin
    counters.record(nanoseconds: waited)
    let (event, blockers, woken) = state.withLock {
      state -> (LockNotice.Event?, [TransactionID], [WaitTicket]) in
      state.waited[transaction, default: 0] += waited
      var blockers: [TransactionID] = []
      if waiter.event == nil { waiter.event = state.early.removeValue(forKey: transaction) }
      if waiter.event == nil {
        // Nobody answered in time: withdraw, which may let others go on (rule L11).
        blockers = state.table.blockers(of: transaction)
        state.waiters[transaction] = nil
        _ = state.table.cancel(transaction, notices: &state.notices)
      }
      return (waiter.event, blockers, state.deliver())
    }
    for ticket in woken { effects.waits.wake(ticket) }
    switch event {
    case .granted: return
    case .deadlock(let cycle): throw .deadlockVictim(transaction, cycle, place)
    case nil:
      if let cancellation = requester.cancellation, cancellation.isCancelled {
        throw DatabaseError(.cancelled, "the task was cancelled while it waited for a lock")
      }
      if let end = requester.end, effects.time.monotonic() >= end {
        throw .deadlineExceeded("while it waited for a lock on \(place.explained)")
      }
      throw .lockTimeout(transaction, blockers, place, requester.timeout)
    }
  }

  /// Waits for news, for the end of the time, or for a cancellation.
  private func park(_ waiter: Waiter, _ requester: LockRequester) {
    let now = effects.time.monotonic()
    let end = now.addingReportingOverflow(requester.timeout)
    let deadline = min(
      end.overflow ? .max : end.partialValue, requester.deadline?.nanoseconds ?? .max,
      requester.end ?? .max)
    let waits = effects.waits
    guard let cancellation = requester.cancellation else {
      _ = waits.park(waiter.ticket, until: deadline)
      return
    }
    let transaction = requester.transaction
    cancellation.waking { [self] in
      withdraw(transaction)
    } while: {
      _ = waits.park(waiter.ticket, until: deadline)
    }
  }

  /// Ends a wait for want of interest in it: wakes the waiter without news.
  private func withdraw(_ transaction: TransactionID) {
    let ticket = state.withLock { state in
      state.waiters.removeValue(forKey: transaction)?.ticket
    }
    if let ticket { effects.waits.wake(ticket) }
  }

  /// Ends all waits, which then fail like those whose time is over.
  func withdrawAll() {
    let tickets = state.withLock { state in
      defer { state.waiters.removeAll() }
      return state.waiters.values.map(\.ticket)
    }
    for ticket in tickets { effects.waits.wake(ticket) }
  }

  // MARK: Escalation

  /// Key locks became a lock of the keyspace for want of memory: never silently (rule L11).
  private func report(_ escalation: LockEscalation) {
    counters.escalations.add(1, ordering: .relaxed)
    let transaction = escalation.transaction.rawValue
    let keyspace = escalation.keyspace.rawValue
    effects.events.report(
      Event(
        .warning, kind: .lockEscalation,
        "transaction \(transaction) held \(escalation.replaced) locks in keyspace \(keyspace) and has "
          + "the whole keyspace locked now; raise Configuration.lockBudget or write in smaller "
          + "transactions",
        [
          "transaction": .number(transaction), "keyspace": .number(keyspace),
          "locks": .number(escalation.replaced),
        ]))
  }
}

extension LockService {
  /// What a lock was asked on.
  enum Place {
    case key(LockName, [UInt8])
    case interval(KeyInterval)

    var explained: AbortExplanation.Place {
      switch self {
      case .key(let name, let key): .init(keyspace: name.keyspace, key: key)
      case .interval(let interval):
        .init(
          keyspace: interval.keyspace,
          range: KeyBounds(lower: interval.lower, upper: interval.upper))
      }
    }
  }
}

/// Counts of lock waits.
// SENDABLE: atomics and a Mutex.
final class LockCounters: Sendable {
  let waits = Atomic<UInt64>(0)
  let escalations = Atomic<UInt64>(0)
  private let times = Mutex(LatencyHistogram())

  func record(nanoseconds: UInt64) { times.withLock { $0.record(nanoseconds: nanoseconds) } }

  /// How long waits took that are over.
  var waitTimes: LatencyHistogram { times.withLock { $0 } }
}
