package import Environment
internal import RawBytes
internal import Synchronization

/// Threads of the engine's own on which the asynchronous forms run, so that a lock wait or a flush
/// never blocks a thread of the cooperative pool.
///
/// - Invariant TW1: a body starts only when it has a thread, so whoever holds a lock is running.
/// - Invariant TW2: the acknowledger waits for flushes on behalf of all, so that a body's thread is
///   free again as soon as its commit is published.
final class TransactionWorkers: Sendable {
  /// Runs transaction bodies.
  let bodies: WorkerPool
  /// Runs bodies that only read: apart, so that they wait for no writer that waits for a lock.
  let readers: WorkerPool
  /// Runs what waits for a flush.
  let acknowledger: WorkerPool
  /// Reads for live queries: apart, so that many of them delay nobody.
  let observers: WorkerPool
  /// Runs any of it later.
  let delayed: DelayedJobs

  /// Threads that read for live queries.
  private static var observerLimit: Int { 4 }

  init(effects: Effects, limit: Int) {
    bodies = WorkerPool(name: "martlet-worker", limit: limit, effects: effects)
    readers = WorkerPool(name: "martlet-reader", limit: limit, effects: effects)
    acknowledger = WorkerPool(name: "martlet-acknowledge", limit: 1, effects: effects)
    observers = WorkerPool(
      name: "martlet-observe", limit: Self.observerLimit, effects: effects)
    delayed = DelayedJobs(effects: effects)
  }

  /// Whether the calling thread is one of these.
  var includeCurrentThread: Bool {
    bodies.includesCurrentThread || readers.includesCurrentThread
      || acknowledger.includesCurrentThread
      || observers.includesCurrentThread
  }

  /// Threads that were started.
  var threadCount: Int {
    bodies.threadCount + readers.threadCount + acknowledger.threadCount + observers.threadCount
  }

  /// Runs what is queued to its end and stops the threads. Bodies first: they queue
  /// acknowledgements.
  func close() {
    delayed.close()
    observers.close()
    readers.close()
    bodies.close()
    acknowledger.close()
  }
}

/// A bounded set of threads, started as needed, that run jobs in the order of their arrival.
///
/// - Invariant WP1: at most `limit` jobs run at a time.
/// - Invariant WP2: every job is called exactly once; after `close`, on the thread that submits it.
// SENDABLE: all mutable state is in a Mutex.
package final class WorkerPool: Sendable {
  package typealias Job = @Sendable () -> Void

  private struct State {
    var queue: [Job] = []
    var head = 0
    var idle: [WaitTicket] = []
    var threads: [any BackgroundThread] = []
    var startedCount = 0
    var hints: [Int] = []
    var isClosed = false

    mutating func next() -> Job? {
      guard head < queue.count else { return nil }
      let job = queue[head]
      head += 1
      if head == queue.count || head >= 1024 && head * 2 > queue.count {
        queue.removeFirst(head)
        head = 0
      }
      return job
    }
  }

  private enum Need {
    case nothing
    case wake(WaitTicket)
    case thread
    case caller
  }

  private let name: String
  private let limit: Int
  private let effects: Effects
  private let state = Mutex(State())

  package init(name: String, limit: Int, effects: Effects) {
    self.name = name
    self.limit = limit
    self.effects = effects
  }

  /// Runs a job when a thread is free.
  package func submit(_ job: @escaping Job) {
    let need = state.withLock { state -> Need in
      if state.isClosed { return .caller }
      state.queue.append(job)
      if let ticket = state.idle.popLast() { return .wake(ticket) }
      guard state.startedCount < limit else { return .nothing }
      state.startedCount += 1
      return .thread
    }
    switch need {
    case .nothing: break
    case .caller: job()
    case .wake(let ticket): effects.waits.wake(ticket)
    case .thread:
      let thread = effects.background.start(name) { [self] in serve() }
      state.withLock { $0.threads.append(thread) }
    }
  }

  /// Threads that were started.
  var threadCount: Int { state.withLock { $0.startedCount } }

  /// Whether the calling thread is one of the pool's.
  var includesCurrentThread: Bool {
    let hint = Processor.threadHint
    return state.withLock { $0.hints.contains(hint) }
  }

  private func serve() {
    let hint = Processor.threadHint
    state.withLock { $0.hints.append(hint) }
    defer { state.withLock { state in state.hints.removeAll { $0 == hint } } }
    while true {
      let ticket = effects.waits.makeTicket()
      let (job, isDone) = state.withLock { state -> (Job?, Bool) in
        if let job = state.next() { return (job, false) }
        if state.isClosed { return (nil, true) }
        state.idle.append(ticket)
        return (nil, false)
      }
      if let job {
        job()
      } else if isDone {
        return
      } else {
        _ = effects.waits.park(ticket, until: nil)
      }
    }
  }

  /// Runs what is queued to its end and stops the threads.
  package func close() {
    let (idle, threads) = state.withLock { state in
      state.isClosed = true
      defer {
        state.idle = []
        state.threads = []
      }
      return (state.idle, state.threads)
    }
    for ticket in idle { effects.waits.wake(ticket) }
    for thread in threads { thread.join() }
  }
}
