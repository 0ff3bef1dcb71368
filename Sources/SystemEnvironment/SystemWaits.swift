package import Environment
internal import RawBytes

#if canImport(Darwin)
  internal import Darwin
#elseif canImport(Glibc)
  internal import Glibc
#elseif canImport(Musl)
  internal import Musl
#endif

/// Waits of real threads: a ticket is a word that its thread sleeps on, after a few turns of looking:
/// what is waited for, a lock say, is often given back within the two microseconds that sleeping and
/// waking would each take several times over.
///
/// ```text
///            park                 wake
///   fresh ─────────▶ parked ─────────────▶ woken ──▶ park returns
///     │                 └── deadline ──▶ fresh ──▶ park returns
///     └── wake ──▶ woken ── park ──▶ returns at once (P1)
/// ```
package struct SystemWaits: Waits {
  /// Turns of looking before a thread sleeps: about two microseconds.
  private static let spinLimit = 100

  private let time: SystemTime

  package init(time: SystemTime) { self.time = time }

  package func makeTicket() -> WaitTicket { SystemTicket() }

  package func park(_ ticket: WaitTicket, until deadline: UInt64?) -> WaitOutcome {
    let word = SystemTicket.of(ticket)
    var turn = 0
    while turn < Self.spinLimit, word.state.load() == SystemTicket.fresh {
      Processor.pause()
      turn += 1
    }
    guard word.state.compareExchange(SystemTicket.fresh, SystemTicket.parked) else {
      precondition(word.state.load() == SystemTicket.woken, "two threads parked on one ticket")
      return .woken
    }
    while word.state.load() == SystemTicket.parked {
      guard let deadline else {
        word.state.wait(while: SystemTicket.parked, nanoseconds: nil)
        continue
      }
      let now = time.monotonic()
      if now >= deadline {
        return word.state.compareExchange(SystemTicket.parked, SystemTicket.fresh)
          ? .timedOut : .woken
      }
      word.state.wait(while: SystemTicket.parked, nanoseconds: deadline - now)
    }
    return .woken
  }

  package func wake(_ ticket: WaitTicket) {
    let word = SystemTicket.of(ticket)
    if word.state.exchange(SystemTicket.woken) == SystemTicket.parked { word.state.wake() }
  }

  /// Ten turns of pausing, twice as long each; then the processor is offered to others; from the
  /// fortieth turn on the thread sleeps, up to a millisecond. A spinning thread must not outrun
  /// the one it waits for when that one has lost its processor.
  package func yield(attempt: Int) {
    if attempt < 10 {
      for _ in 0..<(1 << min(max(attempt, 0), 6)) { Processor.pause() }
    } else if attempt < 40 {
      sched_yield()
    } else {
      usleep(UInt32(min(20 << min((attempt - 40) / 8, 6), 1000)))
    }
  }
}

/// The ticket of a real wait.
private final class SystemTicket: WaitTicket, @unchecked Sendable {
  // SENDABLE: the word is atomic.
  static let fresh: UInt32 = 0
  static let parked: UInt32 = 1
  static let woken: UInt32 = 2

  let state = WaitWord(fresh)

  static func of(_ ticket: WaitTicket) -> SystemTicket {
    guard let ticket = ticket as? SystemTicket else {
      preconditionFailure("a ticket of another Waits")
    }
    return ticket
  }
}
