import Environment
import Primitives
import Seeds
import Simulation
import Testing

/// What befalls frames between machines.
@Suite struct NetworkTests {
  @Test func `without faults every frame arrives once, in order, within its time`() {
    let letters = Letters(seed: Seed.take(for: #function))
    letters.run {
      for number in 0..<300 {
        letters.send(number, from: 0, to: 1)
        letters.send(number, from: 2, to: 1)
      }
      letters.world.sleep(forNanoseconds: Letters.second)
    }
    #expect(letters.numbers(from: 0) == Array(0..<300))
    #expect(letters.numbers(from: 2) == Array(0..<300))
    #expect(
      World.Fault.allCases.allSatisfy {
        letters.world.counters[$0] == 0 || $0 == .processKilled
      })
  }

  @Test func `the same seed gives the same arrivals and the same trace`() {
    func run(_ seed: UInt64) -> Letters {
      let letters = Letters(seed: seed)
      letters.world.network.changeAll {
        $0.keepsOrder = false
        $0.loseOneIn = 5
        $0.doubleOneIn = 5
        $0.damageOneIn = 5
        $0.lateOneIn = 5
      }
      letters.run {
        for from in 0..<3 { letters.sendMany(50, from: from, to: (from + 1) % 3) }
      }
      return letters
    }
    let seed = Seed.take(for: #function)
    let (first, second, other) = (run(seed), run(seed), run(seed &+ 1))
    #expect(first.arrivals.value == second.arrivals.value)
    #expect(first.world.traceHash == second.world.traceHash)
    #expect(first.world.trace.entries == second.world.trace.entries)
    #expect(first.world.traceHash != other.world.traceHash)
  }

  /// A hundred frames over links that one thing is wrong with.
  private func faulty(_ change: (inout NetworkLink) -> Void) -> Letters {
    let letters = Letters(seed: Seed.take(for: #function))
    letters.world.network.changeAll(change)
    letters.run { letters.sendMany(100) }
    return letters
  }

  @Test func `frames are lost, and so many are counted`() {
    let letters = faulty { $0.loseOneIn = 4 }
    let lost = letters.world.counters[.frameLost]
    #expect((5...60).contains(lost))
    #expect(letters.numbers().count == 100 - lost)
  }

  @Test func `frames arrive twice`() {
    let letters = faulty { $0.doubleOneIn = 4 }
    let doubled = letters.world.counters[.frameDoubled]
    #expect((5...60).contains(doubled))
    #expect(letters.numbers().count == 100 + doubled)
    #expect(Set(letters.numbers()).count == 100)
  }

  @Test func `frames arrive with one bit wrong`() {
    let letters = faulty { $0.damageOneIn = 4 }
    let damaged = letters.world.counters[.frameDamaged]
    #expect((5...60).contains(damaged))
    let wrong = zip(letters.numbers(), 0..<100).filter { $0.0 != $0.1 }
    #expect(wrong.count == damaged)
    #expect(wrong.allSatisfy { (($0.0 ?? 0) ^ $0.1).nonzeroBitCount == 1 })
  }

  @Test func `frames overtake each other only where order is not kept`() {
    let unordered = faulty {
      $0.keepsOrder = false
      $0.lateOneIn = 3
    }
    #expect(unordered.world.counters[.frameOvertakes] > 0)
    #expect(unordered.world.counters[.frameLate] > 0)
    #expect(unordered.numbers() != Array(0..<100))
    #expect(Set(unordered.numbers()) == Set(0..<100))
    let ordered = faulty { $0.lateOneIn = 3 }
    #expect(ordered.world.counters[.frameOvertakes] == 0)
    #expect(ordered.world.counters[.frameLate] > 0)
    #expect(ordered.numbers() == Array(0..<100))
  }

  @Test func `a slow link takes its time, and others do not`() {
    let letters = Letters(seed: Seed.take(for: #function))
    letters.world.network[0, 1].slowness = 1_000
    letters.run {
      letters.send(1, from: 0, to: 1)
      letters.send(2, from: 1, to: 0)
    }
    let moments = letters.arrivals.value.map { (Int($0.number ?? 0), $0.moment) }
    #expect(moments.map(\.0) == [2, 1])
    #expect(moments[1].1 - moments[0].1 > 90 * Letters.millisecond)
    #expect(letters.world.counters[.linkSlow] == 1)
  }

  @Test func `a cut of one way leaves the other, and a healed one nothing`() {
    let letters = Letters(seed: Seed.take(for: #function))
    letters.run {
      let cut = letters.world.network.cutOneWay(from: 0, to: 1)
      letters.send(1, from: 0, to: 1)
      letters.send(2, from: 1, to: 0)
      letters.send(3, from: 0, to: 2)
      letters.world.network.heal(cut)
      letters.send(4, from: 0, to: 1)
    }
    #expect(Set(letters.arrivals.value.map(\.number)) == [2, 3, 4])
    #expect(letters.world.counters[.linkCutOneWay] == 1)
  }

  /// Ten were late a hundred times over, and what came behind them minutes later (simulated group 500495).
  @Test func `a late frame on a slow link is late once, and those behind it not longer`() {
    let letters = Letters(seed: Seed.take(for: #function))
    letters.world.network.changeAll {
      $0.slowness = 100
      $0.lateOneIn = 1
      $0.lateness = 3_000_000_000
      $0.keepsOrder = true
    }
    let link = NetworkLink()
    letters.run {
      for number in 0..<20 { letters.send(number, from: 0, to: 1) }
      letters.world.sleep(
        forNanoseconds: 100 * (link.delay + link.jitter) + 3_000_000_000 + Letters.second)
    }
    #expect(letters.numbers() == Array(0..<20))
  }

  @Test func `a cut of both ways between two leaves both to the third`() {
    let letters = Letters(seed: Seed.take(for: #function))
    letters.run {
      _ = letters.world.network.cutBothWays(0, 1)
      for from in 0..<3 { for to in 0..<3 where to != from { letters.send(9, from: from, to: to) } }
    }
    #expect(
      Set(letters.arrivals.value.map { [$0.from, $0.to] }) == [[0, 2], [1, 2], [2, 0], [2, 1]])
    #expect(letters.world.counters[.linkCutBothWays] == 2)
  }

  @Test func `machines that are cut off reach each other only, and cuts add up`() {
    let letters = Letters(seed: Seed.take(for: #function), machineCount: 5)
    letters.run {
      let cut = letters.world.network.cutOff([0, 1])
      let lasting = letters.world.network.cutOneWay(from: 0, to: 1)
      for from in 0..<5 { for to in 0..<5 where to != from { letters.send(9, from: from, to: to) } }
      letters.world.network.heal(cut)
      letters.send(10, from: 0, to: 1)
      letters.world.network.heal(lasting)
      letters.send(11, from: 0, to: 1)
    }
    let first = letters.arrivals.value.filter { $0.number == 9 }.map { [$0.from, $0.to] }
    #expect(Set(first) == [[1, 0], [2, 3], [3, 2], [2, 4], [4, 2], [3, 4], [4, 3]])
    #expect(letters.numbers() == [11])
    #expect(letters.world.counters[.machinesCutOff] == 12)
    #expect(letters.world.counters[.linkCutOneWay] == 2)
  }

  @Test func `a machine that stands still keeps its frames, up to a limit`() {
    let letters = Letters(seed: Seed.take(for: #function))
    letters.run {
      letters.world.machines[1].freeze(.process, forNanoseconds: 60 * Letters.second)
      for number in 0..<10_500 { letters.send(number & 1023, from: 0, to: 1) }
      letters.world.sleep(forNanoseconds: 59 * Letters.second)
      #expect(letters.arrivals.value.isEmpty)
    }
    #expect(letters.arrivals.value.count == 10_000)
    #expect(letters.world.counters[.inboxFull] == 500)
    #expect(letters.world.counters[.machineFrozen] > 0)
  }

  @Test func `frames to a machine without a process are lost, those under way may meet the next`() {
    let letters = Letters(seed: Seed.take(for: #function))
    letters.world.network[0, 1].delay = Letters.second
    letters.run {
      letters.stop(1)
      letters.send(1, from: 0, to: 1)
      letters.world.sleep(forNanoseconds: 500 * Letters.millisecond)
      letters.start(1)
    }
    #expect(letters.numbers() == [1])
    #expect(letters.world.counters[.processKilled] == 4)
  }

  @Test func `nothing arrives once receiving has ended, and who receives may end it`() {
    let letters = Letters(seed: Seed.take(for: #function))
    let count = Shared(0)
    letters.world.run { _ in
      let (one, two) = (Letters.node(0), Letters.node(1))
      let sender = letters.world.machines[0].start().transport(as: one)
      let receiver = letters.world.machines[1].start().transport(as: two)
      receiver.receive(as: two) { _, _ in
        count.value += 1
        receiver.receive(as: two, nil)
      }
      for _ in 0..<10 { sender.send([1], to: two) }
      letters.world.sleep(forNanoseconds: Letters.second)
      #expect(count.value == 1)
      receiver.receive(as: two) { _, _ in count.value += 1 }
      sender.send([1], to: two)
      receiver.receive(as: two, nil)
      letters.world.sleep(forNanoseconds: Letters.second)
    }
    #expect(count.value < 12)
  }
}
