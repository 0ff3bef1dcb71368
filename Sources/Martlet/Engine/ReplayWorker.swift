internal import Environment
internal import RawBytes
internal import Synchronization
internal import VersionStore

/// Applies full groups of commits on a thread of its own, while the opening thread reads, checks and
/// gathers what comes next: neither waits for the device or the memory of the other.
///
/// The thread begins with the first full group, so that a short recovery has none.
///
/// - Invariant RW1: at most one group is with the worker, and nobody else touches it meanwhile.
/// - Invariant RW2: groups are applied in the order in which they are handed over, each wholly before
///   the next; after a failure none.
final class ReplayWorker: Sendable {
  /// A group that changes hands.
  // SENDABLE: it is used by whoever has it, and changes hands under the worker's mutex (RW1).
  final class Box: @unchecked Sendable {
    var group: ReplayGroup

    init(byteLimit: Int) { group = ReplayGroup(byteLimit: byteLimit) }
  }

  private struct State {
    /// Handed over and not taken.
    var work: Box?
    /// Whether a group is with the worker.
    var isBusy = false
    var failure: StoreError?
    var isClosed = false
    var parkedWorker: WaitTicket?
    var parkedOwner: WaitTicket?
    var thread: (any BackgroundThread)?
  }

  private let state = Mutex(State())
  private let store: VersionStore
  private let effects: Effects

  init(store: VersionStore, effects: Effects) {
    self.store = store
    self.effects = effects
  }

  // MARK: The opening thread

  /// Gives the worker a group to apply. It comes back empty, at the latest when the next one is taken.
  ///
  /// - Throws: what an earlier group failed with.
  func handOver(_ box: Box) throws(StoreError) {
    try drain()
    let (ticket, isFirst) = state.withLock { state in
      state.work = box
      state.isBusy = true
      return (state.parkedWorker.take(), state.thread == nil)
    }
    if let ticket { effects.waits.wake(ticket) }
    if isFirst {
      let thread = effects.background.start("martlet replay") { [self] in work() }
      state.withLock { $0.thread = thread }
    }
  }

  /// Waits until everything that was handed over is applied.
  ///
  /// - Throws: what it failed with.
  func drain() throws(StoreError) {
    while true {
      let ticket = effects.waits.makeTicket()
      let (isIdle, failure) = state.withLock { state in
        if state.isBusy { state.parkedOwner = ticket }
        return (!state.isBusy, state.failure)
      }
      if isIdle {
        if let failure { throw failure }
        return
      }
      _ = effects.waits.park(ticket, until: nil)
    }
  }

  /// Ends the thread behind the group that it has.
  func close() {
    let (ticket, thread) = state.withLock { state in
      state.isClosed = true
      return (state.parkedWorker.take(), state.thread.take())
    }
    if let ticket { effects.waits.wake(ticket) }
    thread?.join()
  }

  // MARK: The worker

  private func work() {
    while let box = take() {
      var failure: StoreError?
      do throws(StoreError) { try store.apply(&box.group) } catch { failure = error }
      let ticket = state.withLock { state in
        state.failure = failure
        state.isBusy = false
        return state.parkedOwner.take()
      }
      if let ticket { effects.waits.wake(ticket) }
    }
  }

  /// The next group; nil when there will be none.
  private func take() -> Box? {
    while true {
      let ticket = effects.waits.makeTicket()
      let (box, isClosed) = state.withLock { state in
        let box = state.work.take()
        if box == nil, !state.isClosed { state.parkedWorker = ticket }
        return (box, state.isClosed)
      }
      if box != nil || isClosed { return box }
      _ = effects.waits.park(ticket, until: nil)
    }
  }
}
