internal import Environment
internal import Synchronization
internal import RawBytes

/// A thread that does one thing after the other, in the order in which they were asked for.
// SENDABLE: mutable state is in a Mutex.
final class SerialThread: @unchecked Sendable {
  private struct Queue {
    var jobs: [@Sendable () -> Void] = []
    var sleeper: WaitTicket?
    var isFinishing = false
    var thread: (any BackgroundThread)?
  }

  private let effects: Effects
  private let queue = Mutex(Queue())
  /// Set when the thread is to end: long jobs look at it between their steps.
  private let mustHurry = Atomic<Bool>(false)

  init(effects: Effects) { self.effects = effects }

  var isFinishing: Bool { mustHurry.load(ordering: .relaxed) }

  func start(_ name: String) {
    let thread = effects.background.start(name) { [self] in run() }
    queue.withLock { $0.thread = thread }
  }

  func enqueue(_ job: @escaping @Sendable () -> Void) {
    let sleeper = queue.withLock { queue in
      queue.jobs.append(job)
      return queue.sleeper.take()
    }
    if let sleeper { effects.waits.wake(sleeper) }
  }

  /// Returns when everything asked for is done and the thread has ended. Call once.
  func finish() {
    mustHurry.store(true, ordering: .relaxed)
    let (sleeper, thread) = queue.withLock { queue in
      queue.isFinishing = true
      return (queue.sleeper.take(), queue.thread.take())
    }
    if let sleeper { effects.waits.wake(sleeper) }
    thread?.join()
  }

  private func run() {
    while true {
      let ticket = effects.waits.makeTicket()
      let (jobs, isFinishing) = queue.withLock { queue in
        let jobs = queue.jobs
        queue.jobs = []
        if jobs.isEmpty, !queue.isFinishing { queue.sleeper = ticket }
        return (jobs, queue.isFinishing)
      }
      for job in jobs { job() }
      if !jobs.isEmpty { continue }
      if isFinishing { return }
      _ = effects.waits.park(ticket, until: nil)
    }
  }
}
