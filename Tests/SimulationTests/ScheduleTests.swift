import Environment
import RawBytes
import Simulation
import Testing

/// Orders of threads, enumerated instead of drawn.
@Suite struct ScheduleTests {
  /// Threads that each make some calls: the order of the calls, and the choices there were.
  private func run(
    _ schedule: Simulator.Schedule, threadCount: Int, callCount: Int
  ) -> (order: [Int], widths: [Int]) {
    let simulator = Simulator(seed: 1)
    let order = Shared<[Int]>([])
    var widths: [Int] = []
    simulator.run { effects in
      simulator.follow(schedule)
      let threads = (0..<threadCount).map { number in
        effects.background.start("\(number)") {
          for _ in 0..<callCount {
            order.value.append(number)
            _ = effects.time.monotonic()
          }
        }
      }
      for thread in threads { thread.join() }
      widths = simulator.choiceWidths
      simulator.follow(nil)
    }
    return (order.value, widths)
  }

  /// Every schedule with so many deviations, by the number of them.
  private func explore(
    deviations: Int, _ run: (Simulator.Schedule) -> [Int]
  ) -> [[Simulator.Schedule]] {
    var levels = [[Simulator.Schedule()]]
    for _ in 0..<deviations {
      let next = levels[levels.count - 1].flatMap { $0.extended(over: run($0)) }
      if next.isEmpty { break }
      levels.append(next)
    }
    return levels
  }

  @Test func `the plain order lets each thread end before the next`() {
    let (order, widths) = run(.init(), threadCount: 3, callCount: 2)
    #expect(order == [0, 0, 1, 1, 2, 2])
    #expect(!widths.isEmpty)
  }

  @Test func `all schedules together are all interleavings, each schedule once`() {
    var orders: Set<[Int]> = []
    let levels = explore(deviations: .max) { schedule in
      let (order, widths) = run(schedule, threadCount: 2, callCount: 3)
      orders.insert(order)
      return widths
    }
    #expect(orders.count == 20, "six calls, three of each thread")
    let all = levels.flatMap(\.self)
    #expect(Set(all).count == all.count)
  }

  @Test func `a schedule gives the same run again`() throws {
    let plain = run(.init(), threadCount: 3, callCount: 4)
    let schedule = try #require(
      Simulator.Schedule().extended(over: plain.widths).last {
        run($0, threadCount: 3, callCount: 4).order != plain.order
      })
    let (first, second) = (
      run(schedule, threadCount: 3, callCount: 4), run(schedule, threadCount: 3, callCount: 4)
    )
    #expect(first.order == second.order)
    #expect(first.widths == second.widths)
  }

  @Test func `one preemption finds the lost update, none does not (negative control)`() {
    var totals: [Int: Set<Int>] = [:]
    let run = { (schedule: Simulator.Schedule) -> [Int] in
      let simulator = Simulator(seed: 1)
      let counter = Shared(0)
      var widths: [Int] = []
      simulator.run { effects in
        simulator.follow(schedule)
        let threads = (0..<2).map { number in
          effects.background.start("\(number)") {
            let read = counter.value
            _ = effects.time.monotonic()
            counter.value = read + 1
          }
        }
        for thread in threads { thread.join() }
        widths = simulator.choiceWidths
      }
      totals[schedule.deviations.count, default: []].insert(counter.value)
      return widths
    }
    _ = explore(deviations: 2, run)
    #expect(totals[0] == [2])
    #expect(totals[1]?.contains(1) == true)
  }

  @Test func `whoever spins lets others go on in any schedule (E2)`() {
    let levels = explore(deviations: 2) { schedule in
      let simulator = Simulator(seed: 1)
      var widths: [Int] = []
      simulator.run { effects in
        simulator.follow(schedule)
        let isReady = Shared(false)
        let spinners = (0..<2).map { number in
          effects.background.start("spins \(number)") {
            var attempt = 0
            while !isReady.value && attempt < 1000 {
              effects.waits.yield(attempt: attempt)
              attempt += 1
            }
            #expect(isReady.value)
          }
        }
        let setter = effects.background.start("sets") {
          _ = effects.time.monotonic()
          isReady.value = true
        }
        for thread in spinners + [setter] { thread.join() }
        widths = simulator.choiceWidths
        simulator.follow(nil)
      }
      return Array(widths.prefix(40))
    }
    #expect(levels.count == 3)
  }
}
