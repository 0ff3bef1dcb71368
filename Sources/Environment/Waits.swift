/// Every wait of the engine. A wait is a ticket: one thread parks on it, another wakes it, in
/// either order.
///
/// - Invariant P1: a wake that comes before its park is not lost: that park returns at once.
/// - Invariant P2: a ticket is woken at most once and parked on by one thread.
package protocol Waits: Sendable {
  func makeTicket() -> WaitTicket

  /// Waits until the ticket is woken or the monotonic clock reaches `deadline`.
  func park(_ ticket: WaitTicket, until deadline: UInt64?) -> WaitOutcome

  func wake(_ ticket: WaitTicket)

  /// One turn of a spin loop: pauses the processor at first, and lets other threads run when
  /// `attempt` grows. `attempt` counts from zero.
  func yield(attempt: Int)
}

/// Why a park returned.
package enum WaitOutcome: Sendable, Equatable { case woken, timedOut }

/// One wait. Made by `Waits.makeTicket()`; each implementation has a subclass of its own.
open class WaitTicket: @unchecked Sendable {
  // SENDABLE: the base class holds nothing; subclasses say why they are safe.
  package init() {}
}

/// Threads of the engine's own.
package protocol BackgroundWork: Sendable {
  /// Runs `body` on a new thread.
  func start(_ name: String, _ body: @escaping @Sendable () -> Void) -> any BackgroundThread
}

/// A running thread.
package protocol BackgroundThread: Sendable {
  /// Waits until the thread's body has returned. Call once.
  func join()
}
