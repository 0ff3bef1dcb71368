internal import Environment

/// One wait in a simulation.
///
/// ```text
///            park                  wake
///   fresh ─────────▶ parked ──────────────▶ woken ──▶ park returns
///     │                 └──── deadline ──▶ expired ──▶ park returns; one wake may still come
///     └── wake ──▶ woken ── park ──▶ returns at once (P1)
/// ```
final class SimulatedTicket: WaitTicket, @unchecked Sendable {
  // SENDABLE: touched by the holder of the baton only.
  enum State { case fresh, parked(SimulatedThread), woken, expired }

  let number: Int
  var state = State.fresh
  var wasParked = false

  init(number: Int) { self.number = number }
}

/// Waits under the baton. A ticket that is woken twice or parked on twice traps (P2): the real
/// waits would forgive it most of the time.
final class SimulatedWaits: Waits, @unchecked Sendable {
  // SENDABLE: touched by the holder of the baton only.
  private let scheduler: Scheduler
  /// Whose deadlines these are; nil: those of the simulation itself.
  private let clock: MachineClock?
  private var ticketCount = 0

  init(scheduler: Scheduler, clock: MachineClock? = nil) {
    self.scheduler = scheduler
    self.clock = clock
  }

  func makeTicket() -> WaitTicket {
    scheduler.record(.makeTicket)
    ticketCount += 1
    return SimulatedTicket(number: ticketCount)
  }

  func park(_ ticket: WaitTicket, until deadline: UInt64?) -> WaitOutcome {
    let ticket = own(ticket)
    if ticket.wasParked { scheduler.trap("ticket \(ticket.number) is parked on twice") }
    ticket.wasParked = true
    scheduler.enter(.park, UInt64(ticket.number), deadline ?? .max)
    if case .woken = ticket.state { return .woken }
    while true {
      let moment = deadline.map { clock?.moment(ofSteady: $0) ?? $0 }
      if let moment, moment <= scheduler.now {
        ticket.state = .expired
        return .timedOut
      }
      guard let running = scheduler.running else {
        scheduler.trap("parked outside a run, where nobody can wake")
      }
      ticket.state = .parked(running)
      switch scheduler.suspend(.parked(ticket: ticket.number), until: moment) {
      case .woken: return .woken
      case .timedOut:
        // Between its deadline and its turn the thread may have been woken after all.
        if case .woken = ticket.state { return .woken }
      // Or its clock may have stood still or slowed down.
      }
    }
  }

  func wake(_ ticket: WaitTicket) {
    let ticket = own(ticket)
    let before = ticket.state
    ticket.state = .woken
    switch before {
    case .woken: scheduler.trap("ticket \(ticket.number) is woken twice")
    case .parked(let thread):
      if case .parked = thread.state { scheduler.resume(thread, .woken) }
    case .fresh, .expired: break
    }
    scheduler.enter(.wake, UInt64(ticket.number))
  }

  func yield(attempt: Int) { scheduler.yield(attempt: attempt) }

  private func own(_ ticket: WaitTicket) -> SimulatedTicket {
    guard let ticket = ticket as? SimulatedTicket else {
      scheduler.trap("a ticket of other waits")
    }
    return ticket
  }
}
