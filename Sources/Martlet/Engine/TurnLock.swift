package import Environment
internal import RawBytes
internal import Synchronization

/// A lock that may be held across I/O: who waits parks through the seams, first come first served.
///
/// - Invariant K1: one holder at a time; `unlock` hands the turn to the longest waiting.
// SENDABLE: all state is in the Mutex.
package final class TurnLock: Sendable {
  private struct State {
    var isHeld = false
    var queue: [WaitTicket] = []
  }

  private let waits: any Waits
  private let state = Mutex(State())

  package init(waits: any Waits) { self.waits = waits }

  /// Runs `body` when it is this thread's turn.
  package func withTurn<Result, Failure: Error>(_ body: () throws(Failure) -> Result)
    throws(Failure)
    -> Result
  {
    take()
    defer { passOn() }
    return try body()
  }

  /// Waits for this thread's turn and keeps it until `passOn`, whichever thread calls that.
  package func take() {
    let ticket = waits.makeTicket()
    let isMine = state.withLock { state in
      if state.isHeld {
        state.queue.append(ticket)
        return false
      }
      state.isHeld = true
      return true
    }
    if !isMine { _ = waits.park(ticket, until: nil) }
  }

  /// Lets the next one have the turn.
  package func passOn() {
    let next = state.withLock { state -> WaitTicket? in
      guard !state.queue.isEmpty else {
        state.isHeld = false
        return nil
      }
      return state.queue.removeFirst()
    }
    if let next { waits.wake(next) }
  }
}
