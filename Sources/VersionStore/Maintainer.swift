package import Environment
internal import RawBytes
internal import Synchronization

/// The store's own thread: runs maintenance rounds when woken, and again every few milliseconds
/// while work is left that waits for a snapshot to end.
///
/// What commits leave behind the next commit mostly does itself: for that the thread is woken *soon*,
/// once in a few milliseconds. Woken at once it would take a processor from those who commit, some
/// hundred thousand times a second.
///
/// - Invariant MA1: a wake is never lost: one that comes during a round causes another round.
package final class Maintainer: Sendable {
  /// How often work that waits for the horizon is looked at.
  package static let interval: UInt64 = 5_000_000

  private struct State {
    var isWoken = false
    var isClosed = false
    var parked: WaitTicket?
    var thread: (any BackgroundThread)?
  }

  private let state = Mutex(State())
  /// Whether a round is to come within `interval`.
  private let isDueSoon = Atomic<Bool>(false)
  /// Whether a round is under way on some thread.
  private let isBusy = Atomic<Bool>(false)
  private let effects: Effects

  package init(effects: Effects) { self.effects = effects }

  /// Starts the thread. `round` does a bounded piece of work and says whether any is left.
  package func start(_ round: @escaping @Sendable () -> MaintenanceOutcome) {
    let thread = effects.background.start("martlet versions") { [self] in
      var outcome = MaintenanceOutcome.idle
      while waitForWork(after: outcome) { outcome = round() }
    }
    state.withLock { $0.thread = thread }
  }

  /// Wakes the thread; cheap when it is awake.
  package func wake() {
    let ticket = state.withLock { state -> WaitTicket? in
      state.isWoken = true
      return state.parked.take()
    }
    if let ticket { effects.waits.wake(ticket) }
  }

  /// Sees to a round within a few milliseconds; a load when one is to come anyhow.
  package func wakeSoon() {
    if isDueSoon.load(ordering: .relaxed) { return }
    if isDueSoon.exchange(true, ordering: .acquiringAndReleasing) { return }
    let ticket = state.withLock { $0.parked.take() }
    if let ticket { effects.waits.wake(ticket) }
  }

  /// Ends the thread after the round it is in.
  package func close() {
    let (ticket, thread) = state.withLock { state in
      state.isClosed = true
      return (state.parked.take(), state.thread.take())
    }
    if let ticket { effects.waits.wake(ticket) }
    thread?.join()
  }

  /// Runs a body while no other thread runs one.
  func exclusively<Result>(_ body: () -> Result) -> Result {
    suspend()
    defer { resume() }
    return body()
  }

  /// Waits for the round under way, and lets none begin until `resume`.
  func suspend() {
    var attempt = 0
    while !isBusy.compareExchange(expected: false, desired: true, ordering: .acquiring).exchanged {
      effects.waits.yield(attempt: attempt)
      attempt += 1
    }
  }

  func resume() { isBusy.store(false, ordering: .releasing) }

  /// Waits until there is something to do; false when closed.
  private func waitForWork(after outcome: MaintenanceOutcome) -> Bool {
    if outcome == .more {
      // Whoever this work is waiting for after all gets a turn (E2).
      effects.waits.yield(attempt: 0)
      return !state.withLock { $0.isClosed }
    }
    while true {
      let ticket = effects.waits.makeTicket()
      let decision = state.withLock { state -> Bool? in
        if let decision = decide(&state) { return decision }
        state.parked = ticket
        return nil
      }
      if let decision { return decision }
      let hasDeadline = outcome == .waiting || isDueSoon.load(ordering: .acquiring)
      let deadline = hasDeadline ? effects.time.monotonic() + Self.interval : nil as UInt64?
      let wait = effects.waits.park(ticket, until: deadline)
      let next = state.withLock { state -> Bool? in
        state.parked = nil
        if let decision = decide(&state) { return decision }
        guard wait == .timedOut else { return nil }
        isDueSoon.store(false, ordering: .releasing)
        return true
      }
      // Otherwise it was told that a round is due soon: it waits for that now.
      if let next { return next }
    }
  }

  /// Whether to go on at once; nil: to wait.
  private func decide(_ state: inout State) -> Bool? {
    if state.isClosed { return false }
    guard state.isWoken else { return nil }
    state.isWoken = false
    isDueSoon.store(false, ordering: .releasing)
    return true
  }
}

/// What a maintenance round left behind.
package enum MaintenanceOutcome: Sendable, Equatable {
  /// Nothing to do.
  case idle
  /// What is left waits for snapshots to end or commits to be acknowledged.
  case waiting
  /// The round's bound was reached.
  case more
}
