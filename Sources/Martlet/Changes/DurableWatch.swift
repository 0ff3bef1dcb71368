internal import Environment
internal import Primitives
internal import RawBytes
internal import RedoLog
internal import Synchronization

/// Lets tasks wait until the log is durable beyond a position: one thread of the engine waits for all
/// of them, so that no thread of the cooperative pool is ever blocked.
///
/// The thread begins with the first wait.
///
/// - Invariant DW1: whoever waits is resumed exactly once: when the durable end lies behind its
///   position or nothing becomes durable any more, at its deadline, when its task is cancelled, or
///   when the watch is closed.
/// - Invariant DW2: the thread's ticket is registered with the log while the thread sleeps, and is
///   woken by whoever takes it out of there, so only once (P2).
// SENDABLE: all mutable state is in a Mutex.
final class DurableWatch: Sendable {
  /// Why a wait ended.
  enum Ending: Sendable, Equatable { case moved, timedOut, cancelled, closed }

  private struct Waiter {
    let position: LogPosition
    let deadline: UInt64?
    let continuation: CheckedContinuation<Ending, Never>
  }

  private enum Entry {
    /// The wait begins, on another thread than that which may cancel it.
    case announced
    case cancelled
    case waiting(Waiter)
  }

  private struct State {
    var entries: [UInt64: Entry] = [:]
    var nextID: UInt64 = 0
    var sleeping: WaitTicket?
    var isClosed = false
    var thread: (any BackgroundThread)?
    var hasThread = false
  }

  private let log: RedoLog
  private let effects: Effects
  private let state = Mutex(State())

  init(log: RedoLog, effects: Effects) {
    self.log = log
    self.effects = effects
  }

  // MARK: Waiting

  /// Waits until the log is durable beyond a position, or the monotonic clock reaches a deadline.
  func wait(beyond position: LogPosition, until deadline: UInt64? = nil) async -> Ending {
    let id = state.withLock { state in
      defer { state.nextID += 1 }
      state.entries[state.nextID] = .announced
      return state.nextID
    }
    return await withTaskCancellationHandler {
      await withCheckedContinuation { continuation in
        begin(
          id, Waiter(position: position, deadline: deadline, continuation: continuation))
      }
    } onCancel: {
      cancel(id)
    }
  }

  private func begin(_ id: UInt64, _ waiter: Waiter) {
    var ending: Ending?
    let (ticket, needsThread) = state.withLock { state -> (WaitTicket?, Bool) in
      if case .cancelled = state.entries[id] { ending = .cancelled }
      if state.isClosed { ending = .closed }
      guard ending == nil else {
        state.entries[id] = nil
        return (nil, false)
      }
      state.entries[id] = .waiting(waiter)
      defer { state.hasThread = true }
      return (state.sleeping.take(), !state.hasThread)
    }
    if let ending { return waiter.continuation.resume(returning: ending) }
    wake(ticket)
    guard needsThread else { return }
    let thread = effects.background.start("martlet-changes") { [self] in watch() }
    let isLate = state.withLock { state in
      if !state.isClosed { state.thread = thread }
      return state.isClosed
    }
    if isLate { thread.join() }
  }

  private func cancel(_ id: UInt64) {
    let waiter = state.withLock { state -> Waiter? in
      switch state.entries[id] {
      case .none, .cancelled: return nil
      case .announced:
        state.entries[id] = .cancelled
        return nil
      case .waiting(let waiter):
        state.entries[id] = nil
        return waiter
      }
    }
    waiter?.continuation.resume(returning: .cancelled)
  }

  /// Wakes the thread, unless the log does (DW2).
  private func wake(_ ticket: WaitTicket?) {
    if let ticket, log.forget(ticket) { effects.waits.wake(ticket) }
  }

  // MARK: The thread

  private enum Turn {
    case again
    case end
    case sleep(until: UInt64?)
  }

  private func watch() {
    while true {
      let ticket = effects.waits.makeTicket()
      let now = effects.time.monotonic()
      var endings: [(Waiter, Ending)] = []
      let turn = state.withLock { state in
        Self.choose(&state, log, now, ticket, &endings)
      }
      for (waiter, ending) in endings { waiter.continuation.resume(returning: ending) }
      switch turn {
      case .again: continue
      case .end: return
      case .sleep(let deadline):
        _ = effects.waits.park(ticket, until: deadline)
        state.withLock { $0.sleeping = nil }
        log.forget(ticket)
      }
    }
  }

  /// Takes out whose wait is over, and registers the ticket for the others.
  private static func choose(
    _ state: inout State, _ log: RedoLog, _ now: UInt64, _ ticket: WaitTicket,
    _ endings: inout [(Waiter, Ending)]
  ) -> Turn {
    let durable = log.durablePosition
    let isOver = state.isClosed || log.isPoisoned
    var position = LogPosition(.max)
    var deadline: UInt64?
    for (id, entry) in state.entries {
      guard case .waiting(let waiter) = entry else { continue }
      let ending: Ending? =
        if state.isClosed {
          .closed
        } else if isOver || waiter.position < durable {
          .moved
        } else if let limit = waiter.deadline, limit <= now {
          .timedOut
        } else {
          nil
        }
      if let ending {
        endings.append((waiter, ending))
        state.entries[id] = nil
      } else {
        position = min(position, waiter.position)
        deadline = [deadline, waiter.deadline].compactMap(\.self).min()
      }
    }
    if state.isClosed { return .end }
    if isOver {
      // The next wait begins another thread, which finds the same.
      state.hasThread = false
      return .end
    }
    guard log.wake(ticket, whenDurableBeyond: position) else { return .again }
    state.sleeping = ticket
    return .sleep(until: deadline)
  }

  /// Ends all waits and the thread.
  func close() {
    let (ticket, thread) = state.withLock { state in
      state.isClosed = true
      return (state.sleeping.take(), state.thread.take())
    }
    wake(ticket)
    thread?.join()
    // Those that began while the thread ended.
    var endings: [(Waiter, Ending)] = []
    state.withLock { state in
      for (id, entry) in state.entries {
        guard case .waiting(let waiter) = entry else { continue }
        endings.append((waiter, .closed))
        state.entries[id] = nil
      }
    }
    for (waiter, ending) in endings { waiter.continuation.resume(returning: ending) }
  }
}
