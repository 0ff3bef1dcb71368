import Environment
import Primitives
import Seeds
import Simulation
import Testing

/// What befalls machines: their clocks, threads and disks.
@Suite struct MachineTests {
  private static let second = Letters.second

  private func world(_ count: Int = 2) -> World {
    World(seed: Seed.take(for: #function), machineCount: count)
  }

  @Test func `each machine has files, clocks and chance of its own`() throws {
    let world = world()
    try world.run { _ in
      let lives = world.machines.map { $0.start() }
      _ = try lives[0].effects.files.open("/a", FileMode(creation: .always))
      #expect(try lives[0].effects.files.list("/") == ["a"])
      #expect(try lives[1].effects.files.list("/") == [])
      #expect(lives[0].effects.entropy.next() != lives[1].effects.entropy.next())
      let boots = lives.map { $0.effects.time.continuous() }
      #expect(boots[0] / Self.second != boots[1] / Self.second)
      #expect(lives[0].effects.time.continuous() != lives[0].effects.time.monotonic())
    }
  }

  @Test func `a clock runs at its rate, and parks follow it`() {
    let world = world()
    world.run { _ in
      let machine = world.machines[0]
      let life = machine.start()
      for rate in [0, 10_000, -10_000, 400_000, -400_000] as [Int64] {
        machine.setClockRate(rate)
        let (truth, steady) = (world.now, life.effects.time.monotonic())
        let boot = life.effects.time.continuous()
        let ticket = life.effects.waits.makeTicket()
        let outcome = machine.visit {
          life.effects.waits.park(ticket, until: steady + 100 * Self.second)
        }
        #expect(outcome == .timedOut)
        let shown = life.effects.time.monotonic() - steady
        #expect(shown >= 100 * Self.second && shown < 100 * Self.second + 100_000)
        #expect(life.effects.time.continuous() - boot < 100 * Self.second + 100_000)
        let passed = Double(world.now - truth) / Double(Self.second)
        #expect(abs(passed - 100 / (1 + Double(rate) / 1e6)) < 0.001, "rate \(rate)")
      }
      #expect(world.counters[.clockDrifts] > 0)
    }
  }

  @Test func `the wall clock jumps, and a jump counts when somebody looks`() {
    let world = world(1)
    world.run { _ in
      let life = world.machines[0].start(wallError: -5_000_000_000)
      let first = life.effects.time.wallClock()
      let steady = life.effects.time.monotonic()
      #expect(first < world.outside.time.wallClock())
      world.machines[0].jumpWallClock(byNanoseconds: 288 * Int64(Self.second))
      #expect(world.counters[.wallClockJumpsForward] == 0)
      #expect(
        (288 * Self.second..<289 * Self.second).contains(life.effects.time.wallClock() - first))
      world.machines[0].jumpWallClock(byNanoseconds: -400 * Int64(Self.second))
      #expect(life.effects.time.wallClock() < first)
      #expect(life.effects.time.monotonic() - steady < Self.second)
      #expect(world.counters[.wallClockJumpsForward] == 1)
      #expect(world.counters[.wallClockJumpsBack] == 1)
    }
  }

  @Test(arguments: Machine.Freeze.allCases)
  func `threads of a frozen machine stand still, and clocks as its kind says`(
    _ freeze: Machine.Freeze
  ) {
    let world = world()
    let turns = Shared<[[UInt64]]>([[], []])
    world.run { outside in
      for machine in world.machines {
        let life = machine.start()
        _ = life.effects.background.start("ticks") {
          for _ in 0..<100 {
            let next = life.effects.time.monotonic() + Self.second
            _ = life.effects.waits.park(life.effects.waits.makeTicket(), until: next)
            turns.value[machine.number].append(world.now)
          }
        }
      }
      world.sleep(forNanoseconds: 10 * Self.second)
      let life = world.machines[0].life
      let before = (
        life?.effects.time.monotonic() ?? 0, life?.effects.time.continuous() ?? 0, world.now
      )
      world.machines[0].freeze(freeze, forNanoseconds: 30 * Self.second)
      #expect(world.machines[0].isFrozen)
      let after = world.machines[0].visit {
        (life?.effects.time.monotonic() ?? 0, life?.effects.time.continuous() ?? 0, world.now)
      }
      #expect(!world.machines[0].isFrozen)
      #expect(after.2 - before.2 >= 30 * Self.second)
      let (steady, boot) = (after.0 - before.0, after.1 - before.1)
      #expect((steady > 29 * Self.second) == (freeze == .process))
      #expect((boot > 29 * Self.second) == (freeze != .pause))
      #expect(min(steady, boot) > 29 * Self.second || steady < Self.second / 10)
    }
    let gaps = turns.value.map { turns in zip(turns.dropFirst(), turns).map { $0 - $1 }.max() ?? 0 }
    #expect(gaps[0] > 29 * Self.second && gaps[0] < 32 * Self.second)
    #expect(gaps[1] < 2 * Self.second)
    #expect(turns.value.map(\.count) == [100, 100])
    #expect(world.counters[freeze.fault] > 0)
  }

  @Test func `a freeze may end before its time`() {
    let world = world(1)
    world.run { _ in
      let life = world.machines[0].start()
      let boot = life.effects.time.continuous()
      world.machines[0].freeze(.pause, forNanoseconds: 60 * Self.second)
      world.sleep(forNanoseconds: Self.second)
      world.machines[0].thaw()
      let start = world.now
      world.machines[0].visit {}
      #expect(world.now == start)
      world.sleep(forNanoseconds: Self.second)
      let passed = life.effects.time.continuous() - boot
      #expect(passed >= Self.second && passed < Self.second + Self.second / 10)
    }
  }

  @Test func `who was woken while frozen learns of it afterwards`() {
    let world = world(1)
    world.run { outside in
      let life = world.machines[0].start()
      let ticket = life.effects.waits.makeTicket()
      let outcome = Shared<[WaitOutcome]>([])
      let thread = life.effects.background.start("parks") {
        let end = life.effects.time.monotonic() + 20 * Self.second
        outcome.value.append(life.effects.waits.park(ticket, until: end))
      }
      world.sleep(forNanoseconds: Self.second)
      world.machines[0].freeze(.process, forNanoseconds: 10 * Self.second)
      life.effects.waits.wake(ticket)
      world.sleep(forNanoseconds: Self.second)
      #expect(outcome.value == [])
      thread.join()
      #expect(outcome.value == [.woken])
      #expect(world.counters[.machineFrozen] == 1)
    }
  }

  @Test func `a slow machine takes longer for everything, and holds no other up`() throws {
    let world = world()
    world.run { outside in
      let lives = world.machines.map { $0.start() }
      world.machines[0].slowness = 100
      let ends = Shared<[UInt64]>([0, 0])
      let start = world.now
      let threads = (0..<2).map { number in
        lives[number].effects.background.start("works") {
          for _ in 0..<1_000 { _ = lives[number].effects.entropy.next() }
          ends.value[number] = world.now - start
        }
      }
      for thread in threads { thread.join() }
      #expect(ends.value[0] > 50 * ends.value[1])
      #expect(world.counters[.machineSlow] >= 1_000)
    }
  }

  @Test func `a stalled disk holds its calls, and nothing else`() throws {
    let world = world()
    try world.run { outside in
      let life = world.machines[0].start()
      let file = try life.effects.files.open("/a", FileMode(creation: .always))
      world.machines[0].stallDisk(forNanoseconds: 20 * Self.second)
      let start = world.now
      let ticks = Shared(0)
      let other = life.effects.background.start("ticks") {
        for _ in 0..<10 {
          let next = life.effects.time.monotonic() + Self.second
          _ = life.effects.waits.park(life.effects.waits.makeTicket(), until: next)
          ticks.value += 1
        }
      }
      try file.write([1], at: 0)
      #expect(world.now - start >= 20 * Self.second)
      #expect(ticks.value == 10)
      try file.sync(.full)
      #expect(world.now - start < 21 * Self.second)
      other.join()
      #expect(world.counters[.diskStalls] == 1)
    }
  }

  @Test(arguments: LossModel.allCases)
  func `a power cut ends stalls and freezes, fails every call and leaves what the model says`(
    _ model: LossModel
  ) throws {
    let world = world()
    try world.run { outside in
      let machine = world.machines[0]
      let life = machine.start()
      let file = try life.disk.makeFile("/a")
      try file.write([1], at: 0)
      try file.sync(.full)
      try file.write([2], at: 0)
      machine.stallDisk(forNanoseconds: 60 * Self.second)
      let failed = Shared<Int32?>(nil)
      let thread = life.effects.background.start("writes") {
        failed.value = number { try file.write([3], at: 0) }
      }
      world.sleep(forNanoseconds: Self.second)
      machine.freeze(.process, forNanoseconds: 60 * Self.second)
      let start = world.now
      machine.stop(.powerCut(model))
      thread.join()
      #expect(failed.value == SimulatedDisk.powerCutNumber)
      #expect(world.now - start < Self.second)
      #expect(life.isOver)
      #expect(number { _ = try life.effects.files.list("/") } == SimulatedDisk.powerCutNumber)
      machine.finish(seed: 3)
      let left = machine.image.contents(of: "/a")
      switch model {
      case .keepAll: #expect(left == [2])
      case .loseAll: #expect(left == [1])
      case .random: #expect(left == [1] || left == [2])
      }
      let counters = world.counters
      #expect(
        counters[.crashKeepsAll] + counters[.crashLosesAll] + counters[.crashTearsWrites] == 1)
      let next = machine.start()
      #expect(try next.effects.files.list("/") == ["a"])
      #expect(next.effects.time.continuous() < Self.second, "a boot clock begins with the boot")
    }
  }

  @Test func `a power cut in the middle of a write stops the machine there`() throws {
    let world = world()
    try world.run { outside in
      let machine = world.machines[0]
      let life = machine.start()
      let file = try life.disk.makeFile("/a")
      machine.stop(.powerCut(.keepAll), afterChanges: 2)
      try file.write([1], at: 0)
      #expect(!life.isOver)
      #expect(number { try file.write([2], at: 1) } == SimulatedDisk.powerCutNumber)
      #expect(life.isOver)
      machine.finish(seed: 1)
      #expect(machine.image.contents(of: "/a") == [1, 2])
      #expect(world.counters[.crashKeepsAll] == 1)
    }
  }

  @Test func `a killed process leaves everything, and its machine's clocks go on`() throws {
    let world = world()
    try world.run { outside in
      let machine = world.machines[0]
      let life = machine.start()
      let file = try life.effects.files.open("/a", FileMode(creation: .always))
      try file.write([1], at: 0)
      let boot = life.effects.time.continuous()
      machine.stop(.kill)
      machine.finish(seed: 1)
      #expect(machine.image.contents(of: "/a") == [1])
      let next = machine.start()
      #expect(next.effects.time.continuous() >= boot)
      #expect(world.counters[.processKilled] == 1)
    }
  }

  @Test func `what a process sends after its machine stopped reaches nobody`() {
    let letters = Letters(seed: Seed.take(for: #function))
    letters.run {
      letters.world.machines[0].stop(.powerCut(.random))
      letters.send(1, from: 0, to: 1)
    }
    #expect(letters.arrivals.value.isEmpty)
  }
}
