internal import Environment
internal import Synchronization
internal import RawBytes

/// Calls jobs later, so that a pause and a deadline hold no thread each.
///
/// One thread sleeps for all of them; it is started with the first job and stays. It must not be held
/// up: jobs are short, or hand themselves to a pool.
///
/// - Invariant DJ1: a job is called at most once, not before its time, and not after `close`.
/// - Invariant DJ2: jobs that nobody wants any more take memory for at most as many as are wanted, and
///   `sweepCount`.
// SENDABLE: all mutable state is in a Mutex.
final class DelayedJobs: Sendable {
  typealias Job = @Sendable () -> Void

  fileprivate struct Entry {
    let due: UInt64
    let isWanted: @Sendable () -> Bool
    let job: Job
  }

  fileprivate struct State {
    /// A heap: the children of `i` are `2i + 1` and `2i + 2`, and none is due before its parent.
    var entries: [Entry] = []
    var sweepAt = DelayedJobs.sweepCount
    var sleeper: WaitTicket?
    var thread: (any BackgroundThread)?
    var isStarted = false
    var isClosed = false
  }

  private enum Need {
    case nothing, thread
    case wake(WaitTicket)
  }

  fileprivate static var sweepCount: Int { 1024 }

  private let effects: Effects
  private let state = Mutex(State())

  init(effects: Effects) { self.effects = effects }

  /// Calls a job at a moment of the monotonic clock, if it is still wanted.
  func submit(
    at due: UInt64, isWanted: @escaping @Sendable () -> Bool = { true }, _ job: @escaping Job
  ) {
    let need = state.withLock { state -> Need in
      if state.isClosed { return .nothing }
      if state.entries.count >= state.sweepAt { state.sweep() }
      let isFirst = state.entries.first.map { due < $0.due } ?? true
      state.push(Entry(due: due, isWanted: isWanted, job: job))
      if !state.isStarted {
        state.isStarted = true
        return .thread
      }
      guard isFirst, let sleeper = state.sleeper else { return .nothing }
      state.sleeper = nil
      return .wake(sleeper)
    }
    switch need {
    case .nothing: break
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
      let (job, next, isOver) = state.withLock { state -> (Job?, UInt64?, Bool) in
        if state.isClosed { return (nil, nil, true) }
        if let first = state.entries.first, first.due <= now {
          state.pop()
          return (first.job, nil, false)
        }
        state.sleeper = ticket
        return (nil, state.entries.first?.due, false)
      }
      if isOver { return }
      if let job {
        job()
      } else {
        _ = effects.waits.park(ticket, until: next)
        state.withLock { state in if state.sleeper === ticket { state.sleeper = nil } }
      }
    }
  }

  /// Drops what is left and stops the thread.
  func close() {
    let (sleeper, thread) = state.withLock { state in
      state.isClosed = true
      defer {
        state.sleeper = nil
        state.thread = nil
        state.entries = []
      }
      return (state.sleeper, state.thread)
    }
    if let sleeper { effects.waits.wake(sleeper) }
    thread?.join()
  }
}

extension DelayedJobs.State {
  /// Drops what nobody wants. Amortised: the next sweep comes when as many have come again.
  mutating func sweep() {
    let wanted = entries.filter { $0.isWanted() }.sorted { $0.due < $1.due }
    // An ascending array is a heap.
    entries = wanted
    sweepAt = 2 * wanted.count + DelayedJobs.sweepCount
  }

  mutating func push(_ entry: DelayedJobs.Entry) {
    entries.append(entry)
    var child = entries.count - 1
    while child > 0, entries[child].due < entries[(child - 1) / 2].due {
      entries.swapAt(child, (child - 1) / 2)
      child = (child - 1) / 2
    }
  }

  mutating func pop() {
    entries.swapAt(0, entries.count - 1)
    entries.removeLast()
    var parent = 0
    while true {
      var least = parent
      for child in [2 * parent + 1, 2 * parent + 2]
      where child < entries.count && entries[child].due < entries[least].due {
        least = child
      }
      if least == parent { return }
      entries.swapAt(parent, least)
      parent = least
    }
  }
}
