import Environment
import RawBytes
import Synchronization
import SystemEnvironment
import Testing

@Suite struct SystemWaitsTests {
  private let effects = Effects.system()

  @Test func `a wake before the park is not lost (P1)`() {
    let ticket = effects.waits.makeTicket()
    effects.waits.wake(ticket)
    #expect(effects.waits.park(ticket, until: nil) == .woken)
  }

  @Test func `a park ends at its deadline, and not before`() {
    let deadline = effects.time.monotonic() + 2_000_000
    let ticket = effects.waits.makeTicket()
    #expect(effects.waits.park(ticket, until: deadline) == .timedOut)
    #expect(effects.time.monotonic() >= deadline)
    effects.waits.wake(ticket)  // late, and harmless
  }

  @Test func `a deadline in the past times out, a wake before it wins`() {
    let first = effects.waits.makeTicket()
    #expect(effects.waits.park(first, until: 0) == .timedOut)
    let second = effects.waits.makeTicket()
    effects.waits.wake(second)
    #expect(effects.waits.park(second, until: 0) == .woken)
  }

  @Test func `threads hand turns over by tickets, whoever is first`() {
    final class Table: Sendable {
      let tickets: [WaitTicket]
      let count = Atomic<Int>(0)
      init(_ tickets: [WaitTicket]) { self.tickets = tickets }
    }
    let table = Table((0..<400).map { _ in effects.waits.makeTicket() })
    let waits = effects.waits
    let threads = (0..<2).map { side in
      effects.background.start("side \(side)") {
        for index in table.tickets.indices where index % 2 == side {
          if index > 0 { _ = waits.park(table.tickets[index - 1], until: nil) }
          table.count.add(1, ordering: .relaxed)
          waits.wake(table.tickets[index])
        }
      }
    }
    for thread in threads { thread.join() }
    #expect(table.count.load(ordering: .relaxed) == 400)
  }

  @Test func `spinning lets the awaited thread come`() {
    final class Signal: Sendable { let value = Atomic<Bool>(false) }
    let signal = Signal()
    let thread = effects.background.start("late") {
      signal.value.store(true, ordering: .releasing)
    }
    var attempt = 0
    while !signal.value.load(ordering: .acquiring) {
      effects.waits.yield(attempt: attempt)
      attempt += 1
    }
    thread.join()
    effects.waits.yield(attempt: 1000)
  }

  @Test func `clocks go forward and entropy differs`() {
    let first = effects.time.monotonic()
    #expect(effects.time.monotonic() >= first)
    #expect(effects.time.wallClock() > 1_700_000_000_000_000_000)
    #expect(effects.entropy.next() != effects.entropy.next())
  }

  @Test func `events reach their handler`() {
    final class Seen: Sendable { let messages = Mutex<[String]>([]) }
    let seen = Seen()
    let effects = Effects.memory(
      events: EventHandler { event in seen.messages.withLock { $0.append(event.message) } })
    effects.events.report(Event(.warning, "low water"))
    #expect(seen.messages.withLock { $0 } == ["low water"])
    #expect(Event.Severity.notice < .failure)
  }
}
