import Environment
import RawBytes
import Seeds
import Simulation
import Testing

/// Calls that take long, threads that are not scheduled, clocks that jump and stand.
@Suite struct TimeFaultTests {
  private static let second: UInt64 = 1_000_000_000
  private static let moment: UInt64 = 10_000_000

  /// A writer whose call takes ten milliseconds, beside a thread that counts; how far that came meanwhile.
  private func delayed(seed: UInt64) throws -> (count: Int, simulator: Simulator) {
    let simulator = Simulator(seed: seed)
    simulator.disk.inject(Fault(.delays(nanoseconds: Self.moment), on: [.write], .once(at: 1)))
    let count = Shared(0)
    let meanwhile = Shared(0)
    try simulator.run { effects in
      let file = try effects.files.open("/a", FileMode(creation: .always))
      let isDone = Shared(false)
      let other = effects.background.start("counts") {
        while !isDone.value {
          count.value += 1
          _ = effects.time.monotonic()
        }
      }
      let before = (count.value, effects.time.monotonic())
      try file.write([1], at: 0)
      meanwhile.value = count.value - before.0
      isDone.value = true
      #expect(effects.time.monotonic() >= before.1 + Self.moment)
      other.join()
    }
    return (meanwhile.value, simulator)
  }

  @Test func `others run while a call takes long, in the same way for one seed`() throws {
    let (first, second) = (try delayed(seed: 3), try delayed(seed: 3))
    #expect(first.count > 10_000)
    #expect(first.simulator.disk.counters.count(of: .delayed) == 1)
    #expect(first.simulator.traceHash == second.simulator.traceHash)
    #expect(first.simulator.now == second.simulator.now)
  }

  @Test func `spinners do not keep a call that takes long from ending`() throws {
    let simulator = Simulator(seed: 4)
    simulator.disk.inject(Fault(.delays(nanoseconds: 60 * Self.second), on: [.write], .always))
    let isDone = Shared(false)
    try simulator.run { effects in
      let file = try effects.files.open("/a", FileMode(creation: .always))
      for number in 0..<3 {
        _ = effects.background.start("spins \(number)") {
          var attempt = 0
          while !isDone.value {
            effects.waits.yield(attempt: attempt)
            attempt += 1
          }
        }
      }
      try file.write([1], at: 0)
      isDone.value = true
    }
    #expect(simulator.disk.counters.count(of: .delayed) == 1)
  }

  @Test func `a power cut while a call takes long catches it`() throws {
    let simulator = Simulator(seed: 4)
    simulator.disk.inject(Fault(.delays(nanoseconds: Self.second), on: [.write], .always))
    try simulator.run { effects in
      let file = try effects.files.open("/a", FileMode(creation: .always))
      _ = effects.background.start("switch") {
        let ticket = effects.waits.makeTicket()
        _ = effects.waits.park(ticket, until: effects.time.monotonic() + 1000)
        simulator.disk.cutPower()
      }
      #expect(number { try file.write([1], at: 0) } == SimulatedDisk.powerCutNumber)
    }
  }

  @Test func `the wall clock jumps when it was told to, and the steady one does not`() {
    var configuration = Simulator.Configuration()
    configuration.wallClockJumps = [
      .init(.afterNanoseconds(Self.second), byNanoseconds: -3600 * Int64(Self.second)),
      .init(.afterCalls(10), byNanoseconds: 7200 * Int64(Self.second)),
    ]
    let simulator = Simulator(seed: 1, configuration: configuration)
    simulator.run { effects in
      let first = effects.time.wallClock()
      #expect(simulator.clockJumpCount == 0)
      for _ in 0..<10 { _ = effects.time.monotonic() }
      #expect(simulator.clockJumpCount == 0, "nobody has read the clock yet")
      let second = effects.time.wallClock()
      #expect(simulator.clockJumpCount == 1)
      #expect((7200 * Self.second..<7201 * Self.second).contains(second - first))
      let steady = effects.time.monotonic()
      let ticket = effects.waits.makeTicket()
      _ = effects.waits.park(ticket, until: steady + 2 * Self.second)
      let third = effects.time.wallClock()
      #expect(simulator.clockJumpCount == 2)
      #expect((3590 * Self.second..<3600 * Self.second).contains(second - third))
      #expect(effects.time.monotonic() > steady)
      #expect(effects.time.wallClock() > third)
      #expect(simulator.clockJumpCount == 2)
    }
  }

  @Test func `the wall clock stands still for a while and goes on from there`() {
    var configuration = Simulator.Configuration()
    configuration.wallClockStops = [.init(.afterCalls(3), forNanoseconds: 10_000)]
    let simulator = Simulator(seed: 1, configuration: configuration)
    simulator.run { effects in
      let readings = (0..<300).map { _ in effects.time.wallClock() }
      let steps = zip(readings.dropFirst(), readings).map { $0 - $1 }
      #expect(steps.count(where: { $0 == 0 }) >= 190)
      #expect(steps.allSatisfy { $0 <= 100 }, "it does not catch up")
      #expect(steps.prefix(2).allSatisfy { $0 > 0 })
      #expect(steps.suffix(50).allSatisfy { $0 > 0 })
    }
    #expect(simulator.clockStopCount == 1)
  }

  /// Three threads that take turns; the longest row of turns without one of them.
  private func longestAbsence(
    seed: UInt64, _ configuration: Simulator.Configuration
  ) -> (absence: Int, simulator: Simulator) {
    let simulator = Simulator(seed: seed, configuration: configuration)
    let turns = Shared<[Int]>([])
    simulator.run { effects in
      for number in 0..<3 {
        _ = effects.background.start("\(number)") {
          for _ in 0..<2000 {
            turns.value.append(number)
            _ = effects.time.monotonic()
          }
        }
      }
    }
    var last = [0, 0, 0]
    var absence = 0
    // Only while all three still have turns to come.
    let end = (0..<3).map { number in turns.value.lastIndex(of: number) ?? 0 }.min() ?? 0
    for (index, number) in turns.value[...end].enumerated() {
      absence = max(absence, index - last[number])
      last[number] = index
    }
    return (absence, simulator)
  }

  @Test func `a stalled thread waits although it is ready, while others go on`() {
    let seed = Seed.take(for: #function)
    var configuration = Simulator.Configuration()
    let calm = longestAbsence(seed: seed, configuration)
    #expect(calm.simulator.stallCount == 0)
    configuration.stallInterval = 100
    configuration.stallNanoseconds = 25_000
    let (absence, simulator) = longestAbsence(seed: seed, configuration)
    #expect(simulator.stallCount > 0)
    #expect(absence >= 400 && absence > 3 * calm.absence, "\(absence) after \(calm.absence)")
    let again = longestAbsence(seed: seed, configuration)
    #expect(again.simulator.traceHash == simulator.traceHash)
    #expect(again.simulator.stallCount == simulator.stallCount)
  }

  @Test func `who was woken before it was stalled still learns of that`() {
    for seed in 0..<50 {
      var configuration = Simulator.Configuration()
      configuration.stallInterval = 2
      let simulator = Simulator(seed: UInt64(seed), configuration: configuration)
      simulator.run { effects in
        let tickets = (0..<3).map { _ in effects.waits.makeTicket() }
        for ticket in tickets {
          _ = effects.background.start("waker") { effects.waits.wake(ticket) }
        }
        for ticket in tickets {
          let deadline = effects.time.monotonic() + 3600 * Self.second
          #expect(effects.waits.park(ticket, until: deadline) == .woken)
        }
        let ticket = effects.waits.makeTicket()
        let deadline = effects.time.monotonic() + Self.second
        #expect(effects.waits.park(ticket, until: deadline) == .timedOut)
      }
      #expect(simulator.now < 3000 * Self.second)
    }
  }
}
