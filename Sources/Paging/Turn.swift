internal import Environment
internal import RawBytes
internal import Synchronization

/// One holder at a time, in the order of asking. Unlike a mutex it may be held across a seam call:
/// whoever must wait parks.
final class Turn: Sendable {
  private struct State {
    var isTaken = false
    var queue: [WaitTicket] = []
  }

  private let state = Mutex(State())
  private let waits: any Waits

  init(waits: any Waits) { self.waits = waits }

  func take() {
    let ticket = waits.makeTicket()
    let mustWait = state.withLock { state in
      if state.isTaken { state.queue.append(ticket) }
      defer { state.isTaken = true }
      return state.isTaken
    }
    if mustWait { _ = waits.park(ticket, until: nil) }
  }

  /// Passes the turn to whoever asked first.
  func pass() {
    let next = state.withLock { state -> WaitTicket? in
      if state.queue.isEmpty {
        state.isTaken = false
        return nil
      }
      return state.queue.removeFirst()
    }
    if let next { waits.wake(next) }
  }
}
