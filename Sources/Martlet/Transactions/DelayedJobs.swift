internal import Environment
internal import Synchronization

/// Runs jobs later, on threads of a pool: so that a pause holds no thread.
///
/// One thread sleeps for all of them; it is started with the first job and stays.
///
/// - Invariant DJ1: every job is handed to the pool exactly once, not before its time unless `close`
///   came first.
// SENDABLE: all mutable state is in a Mutex.
final class DelayedJobs: Sendable {
  private struct Entry {
    let due: UInt64
    let serial: UInt64
    let pool: WorkerPool
    let job: WorkerPool.Job

    func precedes(_ other: Entry) -> Bool { (due, serial) < (other.due, other.serial) }
  }

  private struct State {
    /// Ascending from the end: the next one is the last.
    var entries: [Entry] = []
    var nextSerial: UInt64 = 0
    var sleeper: WaitTicket?
    var thread: (any BackgroundThread)?
    var isStarted = false
    var isClosed = false
  }

  private enum Need {
    case nothing, thread, now
    case wake(WaitTicket)
  }

  private let effects: Effects
  private let state = Mutex(State())

  init(effects: Effects) { self.effects = effects }

  /// Hands a job to a pool after so many nanoseconds.
  func submit(after nanoseconds: UInt64, to pool: WorkerPool, _ job: @escaping WorkerPool.Job) {
    let due = effects.time.monotonic() &+ nanoseconds
    let need = state.withLock { state -> Need in
      if state.isClosed { return .now }
      state.nextSerial += 1
      let entry = Entry(due: due, serial: state.nextSerial, pool: pool, job: job)
      var (low, high) = (0, state.entries.count)
      while low < high {
        let middle = (low + high) / 2
        if entry.precedes(state.entries[middle]) { low = middle + 1 } else { high = middle }
      }
      state.entries.insert(entry, at: low)
      if !state.isStarted {
        state.isStarted = true
        return .thread
      }
      guard low == state.entries.count - 1, let sleeper = state.sleeper else { return .nothing }
      state.sleeper = nil
      return .wake(sleeper)
    }
    switch need {
    case .nothing: break
    case .now: pool.submit(job)
    case .wake(let ticket): effects.waits.wake(ticket)
    case .thread:
      let thread = effects.background.start("martlet-later") { [self] in serve() }
      state.withLock { $0.thread = thread }
    }
  }

  private func serve() {
    while true {
      let now = effects.time.monotonic()
      let ticket = effects.waits.makeTicket()
      let (due, next, isOver) = state.withLock { state -> ([Entry], UInt64?, Bool) in
        var due: [Entry] = []
        while let entry = state.entries.last, state.isClosed || entry.due <= now {
          due.append(state.entries.removeLast())
        }
        let isOver = state.isClosed
        state.sleeper = due.isEmpty && !isOver ? ticket : nil
        return (due, state.entries.last?.due, isOver)
      }
      for entry in due { entry.pool.submit(entry.job) }
      if isOver { return }
      if due.isEmpty {
        _ = effects.waits.park(ticket, until: next)
        state.withLock { state in if state.sleeper === ticket { state.sleeper = nil } }
      }
    }
  }

  /// Hands over what is left at once, and stops the thread.
  func close() {
    let (sleeper, thread) = state.withLock { state in
      state.isClosed = true
      defer {
        state.sleeper = nil
        state.thread = nil
      }
      return (state.sleeper, state.thread)
    }
    if let sleeper { effects.waits.wake(sleeper) }
    thread?.join()
  }
}
