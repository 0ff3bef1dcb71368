internal import ConcurrencyControl
internal import Environment
internal import Primitives
internal import RawBytes
internal import Synchronization

/// The lock table with its waits: decides under a mutex, waits outside it.
///
/// - Invariant LS1: a transaction waits for at most one lock at a time, on one ticket.
/// - Invariant LS2: every notice of the table wakes the ticket of its transaction, and no wait
///   outlives its deadline (rule L8).
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

  private struct State {
    var table = LockTable()
    var waiters: [TransactionID: Waiter] = [:]
    /// News that came before the waiter had registered its ticket.
    var early: [TransactionID: LockNotice.Event] = [:]
    var notices: [LockNotice] = []

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
  private let timeout: UInt64
  private let state = ShortMutex(State())
  let counters = LockCounters()

  init(effects: Effects, timeout: Duration) {
    self.effects = effects
    self.timeout = timeout.nanoseconds
  }

  /// Takes a key's exclusive lock. True when it had to wait for another transaction.
  ///
  /// - Throws: `deadlockVictim` or `lockTimeout`; the request is withdrawn, other locks are kept
  ///   until `releaseAll`.
  func acquire(
    _ fingerprint: UInt64, in keyspace: KeyspaceID, for transaction: TransactionID, weight: Int
  ) throws(DatabaseError) -> Bool {
    let name = LockName(keyspace: keyspace, fingerprint: fingerprint)
    let claimant = LockClaimant(transaction, weight: UInt64(weight))
    let (outcome, woken) = state.withLock { state in
      let outcome = state.table.request(
        .exclusive, on: name, by: claimant, notices: &state.notices)
      return (outcome, state.deliver())
    }
    for ticket in woken { effects.waits.wake(ticket) }
    switch outcome {
    case .granted: return false
    case .deadlock(let cycle): throw victim(transaction, cycle)
    case .waiting:
      counters.waits.add(1, ordering: .relaxed)
      try wait(transaction)
      return true
    }
  }

  private func wait(_ transaction: TransactionID) throws(DatabaseError) {
    let waiter = Waiter(ticket: effects.waits.makeTicket())
    let hasNews = state.withLock { state in
      if let event = state.early.removeValue(forKey: transaction) {
        waiter.event = event
        return true
      }
      state.waiters[transaction] = waiter
      return false
    }
    var isTimedOut = false
    if !hasNews {
      let deadline = effects.time.monotonic().addingReportingOverflow(timeout)
      let outcome = effects.waits.park(
        waiter.ticket, until: deadline.overflow ? .max : deadline.partialValue)
      isTimedOut = outcome == .timedOut
    }
    let (event, woken) = state.withLock { state -> (LockNotice.Event?, [WaitTicket]) in
      if waiter.event == nil {
        // Nobody answered in time: withdraw, which may let others go on (rule L11).
        state.waiters[transaction] = nil
        _ = state.table.cancel(transaction, notices: &state.notices)
      }
      return (waiter.event, state.deliver())
    }
    for ticket in woken { effects.waits.wake(ticket) }
    switch event {
    case .granted: return
    case .deadlock(let cycle): throw victim(transaction, cycle)
    case nil:
      precondition(isTimedOut, "LS2: woken without news")
      throw DatabaseError(
        .lockTimeout,
        "transaction \(transaction.rawValue) waited longer than "
          + "\(Double(timeout) / 1e9) s for a lock; Configuration.lockTimeout sets how long")
    }
  }

  /// Releases every lock of a transaction and lets the next ones go on.
  func releaseAll(of transaction: TransactionID) {
    let woken = state.withLock { state in
      state.table.releaseAll(of: transaction, notices: &state.notices)
      return state.deliver()
    }
    for ticket in woken { effects.waits.wake(ticket) }
  }

  /// The transactions that wait for a lock at this moment.
  var waitingTransactions: Set<TransactionID> { state.withLock { Set($0.waiters.keys) } }

  private func victim(_ transaction: TransactionID, _ cycle: [TransactionID]) -> DatabaseError {
    let path = cycle.map { String($0.rawValue) }.joined(separator: " -> ")
    return DatabaseError(
      .deadlockVictim,
      "transaction \(transaction.rawValue) was rolled back to end a deadlock: \(path) -> "
        + "\(cycle.first.map { String($0.rawValue) } ?? "?")")
  }
}

/// Counts of lock waits.
// SENDABLE: atomics only.
final class LockCounters: Sendable {
  let waits = Atomic<UInt64>(0)
}
