import Environment
import RawBytes
import Seeds
import Simulation
import Synchronization
import Testing

/// Something that threads of a simulation share; the baton orders them, so no lock is needed.
final class Shared<Value>: @unchecked Sendable {
  // SENDABLE: touched by threads of one simulation only.
  var value: Value
  init(_ value: Value) { self.value = value }
}

@Suite struct SchedulerTests {
  /// Four threads that draw, wait, wake, spin and write; the order in which they arrived.
  private func medley(seed: UInt64) throws -> (order: [Int], simulator: Simulator) {
    let simulator = Simulator(seed: seed)
    let order = Shared<[Int]>([])
    try simulator.run { effects in
      let file = try effects.files.open("/log", FileMode(creation: .always))
      let tickets = (0..<4).map { _ in effects.waits.makeTicket() }
      let threads = (0..<4).map { number in
        effects.background.start("worker \(number)") {
          for round in 0..<10 {
            order.value.append(number)
            try? [UInt8(number)].withByteView {
              try file.write($0, at: effects.entropy.next() % 10_000)
            }
            effects.waits.yield(attempt: round)
          }
          effects.waits.wake(tickets[number])
        }
      }
      for ticket in tickets { _ = effects.waits.park(ticket, until: nil) }
      for thread in threads { thread.join() }
    }
    return (order.value, simulator)
  }

  @Test func `the same seed gives the same run`() throws {
    let seed = Seed.take(for: #function)
    let (first, second) = (try medley(seed: seed), try medley(seed: seed))
    #expect(first.order == second.order)
    #expect(first.simulator.traceHash == second.simulator.traceHash)
    #expect(first.simulator.now == second.simulator.now)
    #expect(first.simulator.trace.callCount > 100)
  }

  /// A change of the simulator must not change what a seed means: a failing seed is a report.
  @Test func `seeds mean what they meant when a simulation was of one machine`() throws {
    let medleys = try (0..<3).map { try medley(seed: $0).simulator.traceHash }
    #expect(
      medleys == [
        8_350_056_324_428_412_589, 819_516_171_485_521_696, 14_793_983_495_499_847_300,
      ])
    var configuration = Simulator.Configuration()
    configuration.stallInterval = 10
    configuration.wallClockStops = [.init(.afterCalls(20), forNanoseconds: 100_000)]
    let worlds = try (0..<3).map { (seed: UInt64) -> UInt64 in
      let simulator = Simulator(seed: seed, configuration: configuration)
      simulator.disk.inject(Fault(.delays(nanoseconds: 3_000_000), on: [.sync], .always))
      try simulator.run { effects in
        let threads = (0..<3).map { number in
          effects.background.start("\(number)") {
            for round in 0..<20 {
              let deadline = effects.time.monotonic() + effects.entropy.next() % 1_000_000
              _ = effects.waits.park(effects.waits.makeTicket(), until: deadline)
              effects.waits.yield(attempt: round)
              _ = effects.time.wallClock()
            }
          }
        }
        let file = try effects.files.open("/log", FileMode(creation: .always))
        for offset in 0..<20 {
          try file.write([1, 2, 3], at: UInt64(offset))
          try file.sync(.full)
        }
        for thread in threads { thread.join() }
      }
      return simulator.traceHash ^ simulator.now
    }
    #expect(
      worlds == [
        7_985_498_484_478_726_656, 4_714_647_202_880_809_157, 7_125_444_182_549_896_257,
      ])
  }

  @Test func `other seeds give other runs`() throws {
    let runs = try (0..<20).map { try medley(seed: $0) }
    #expect(Set(runs.map(\.simulator.traceHash)).count == 20)
    #expect(Set(runs.map(\.order)).count > 15)
  }

  @Test func `the seed chooses who goes on when a thread sleeps`() {
    var configuration = Simulator.Configuration()
    configuration.handOverInterval = .max
    var firsts: Set<Int> = []
    for seed in 0..<40 {
      let order = Shared<[Int]>([])
      Simulator(seed: UInt64(seed), configuration: configuration).run { effects in
        let threads = (0..<3).map { number in
          effects.background.start("\(number)") { order.value.append(number) }
        }
        for thread in threads { thread.join() }
      }
      firsts.insert(order.value[0])
    }
    #expect(firsts == [0, 1, 2])
  }

  @Test func `the hash tells bytes apart`() throws {
    func hash(_ byte: UInt8) throws -> UInt64 {
      let simulator = Simulator(seed: 1)
      try simulator.run { effects in
        let file = try effects.files.open("/a", FileMode(creation: .always))
        try [byte].withByteView { try file.write($0, at: 0) }
      }
      return simulator.traceHash
    }
    #expect(try hash(1) == hash(1))
    #expect(try hash(1) != hash(2))
  }

  @Test func `an update that is read, then written after a call, is lost under some seed`() {
    func total(seed: UInt64) -> Int {
      let counter = Shared(0)
      Simulator(seed: seed).run { effects in
        for name in ["a", "b"] {
          _ = effects.background.start(name) {
            for _ in 0..<5 {
              let read = counter.value
              _ = effects.time.monotonic()
              counter.value = read + 1
            }
          }
        }
      }
      return counter.value
    }
    let totals = Set((0..<40).map { total(seed: UInt64($0)) })
    #expect(totals.contains(10))
    #expect(totals.contains { $0 < 10 })
  }

  @Test func `a wake before the park is not lost (P1)`() {
    Simulator(seed: 1).run { effects in
      let ticket = effects.waits.makeTicket()
      effects.waits.wake(ticket)
      #expect(effects.waits.park(ticket, until: nil) == .woken)
    }
  }

  @Test func `the clock jumps to the earliest deadline when everyone sleeps`() {
    let simulator = Simulator(seed: 1)
    let order = Shared<[String]>([])
    simulator.run { effects in
      let start = effects.time.monotonic()
      for (name, seconds) in [("late", UInt64(7200)), ("early", 3600)] {
        _ = effects.background.start(name) {
          let deadline = start + seconds * 1_000_000_000
          let ticket = effects.waits.makeTicket()
          let outcome = effects.waits.park(ticket, until: deadline)
          #expect(outcome == .timedOut)
          #expect(effects.time.monotonic() >= deadline)
          order.value.append(name)
        }
      }
      let ticket = effects.waits.makeTicket()
      #expect(effects.waits.park(ticket, until: start + 10_000_000_000_000) == .timedOut)
    }
    #expect(order.value == ["early", "late"])
  }

  @Test func `a wake beats a later deadline`() {
    let simulator = Simulator(seed: 3)
    simulator.run { effects in
      let ticket = effects.waits.makeTicket()
      let thread = effects.background.start("waker") { effects.waits.wake(ticket) }
      let deadline = effects.time.monotonic() + 3_600_000_000_000
      #expect(effects.waits.park(ticket, until: deadline) == .woken)
      #expect(effects.time.monotonic() < deadline)
      thread.join()
    }
  }

  @Test func `whoever spins lets the awaited thread run (E2)`() {
    for seed in 0..<20 {
      Simulator(seed: UInt64(seed)).run { effects in
        let isReady = Shared(false)
        _ = effects.background.start("late") {
          let ticket = effects.waits.makeTicket()
          _ = effects.waits.park(ticket, until: effects.time.monotonic() + 1_000_000_000)
          isReady.value = true
        }
        var attempt = 0
        while !isReady.value {
          effects.waits.yield(attempt: attempt)
          attempt += 1
        }
        #expect(attempt < 1000)
      }
    }
  }

  @Test func `a run ends after all its threads, and another can follow`() {
    let simulator = Simulator(seed: 9)
    let ended = Shared(0)
    for _ in 0..<3 {
      simulator.run { effects in
        for _ in 0..<5 {
          _ = effects.background.start("straggler") {
            let ticket = effects.waits.makeTicket()
            _ = effects.waits.park(ticket, until: effects.time.monotonic() + 5_000_000)
            ended.value += 1
          }
        }
      }
    }
    #expect(ended.value == 15)
  }

  @Test func `events are kept, and the wall clock may jump`() {
    let simulator = Simulator(seed: 1)
    simulator.run { effects in
      effects.events.report(Event(.notice, "hello"))
      let (wall, steady) = (effects.time.wallClock(), effects.time.monotonic())
      simulator.jumpWallClock(byNanoseconds: -1_000_000_000)
      #expect(effects.time.wallClock() < wall)
      #expect(effects.time.monotonic() > steady)
    }
    #expect(simulator.events.map(\.message) == ["hello"])
  }

  @Test func `kept entries tell what was called`() {
    var configuration = Simulator.Configuration()
    configuration.keepsTrace = true
    let simulator = Simulator(seed: 1, configuration: configuration)
    simulator.run { effects in _ = effects.entropy.next() }
    #expect(simulator.trace.entries.map(\.call) == [.entropy])
  }
}
