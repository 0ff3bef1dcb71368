internal import Simulation

/// Does what the plan says to a world, and ends what lasts only for a while.
struct ClusterNemesis {
  private let run: ClusterRun
  private let operators: ClusterOperator
  private var ends: [(moment: UInt64, end: () -> Void)] = []

  init(run: ClusterRun, operators: ClusterOperator) {
    self.run = run
    self.operators = operators
  }

  private var world: World { run.world }

  /// Works through the phase of safety, and heals at its end.
  mutating func work(until safetyEnd: UInt64) {
    let start = world.now
    for machine in 0..<world.machines.count {
      if machine < run.plan.setup.clockRates.count {
        run.members[machine].clockRate = run.plan.setup.clockRates[machine]
      }
    }
    for moment in run.plan.moments where run.oracle.violation == nil {
      wait(until: min(start + moment.nanoseconds, safetyEnd))
      run.note("\(moment.fault.rawValue): \(moment.step)")
      perform(moment)
    }
    begin()
    if run.oracle.violation == nil { wait(until: safetyEnd) }
    heal()
  }

  /// Lets time pass, and ends what is due.
  private mutating func wait(until moment: UInt64) {
    while true {
      let next = ends.indices.min { ends[$0].moment < ends[$1].moment }
      guard let next, ends[next].moment <= moment else { break }
      sleep(until: ends[next].moment)
      ends.remove(at: next).end()
    }
    sleep(until: moment)
  }

  private func sleep(until moment: UInt64) {
    if moment > world.now { world.sleep(forNanoseconds: moment - world.now) }
  }

  private mutating func end(inMilliseconds milliseconds: UInt64, _ end: @escaping () -> Void) {
    ends.append((world.now + milliseconds * 1_000_000, end))
  }

  private mutating func perform(_ moment: ClusterPlan.Moment) {
    let network = world.network
    switch moment.step {
    case .slowLink(let from, let to, let factor, let seconds):
      network[from, to].slowness = factor
      end(inMilliseconds: seconds * 1_000) { network[from, to].slowness = 1 }
    case .cutOneWay(let from, let to, let milliseconds):
      heal(network.cutOneWay(from: from, to: to), inMilliseconds: milliseconds)
    case .cutBothWays(let one, let other, let milliseconds):
      heal(network.cutBothWays(one, other), inMilliseconds: milliseconds)
    case .cutOff(let machines, let milliseconds):
      heal(network.cutOff(machines), inMilliseconds: milliseconds)
    case .slowMachine(let number, let factor, let milliseconds):
      let machine = world.machines[number]
      machine.slowness = factor
      end(inMilliseconds: milliseconds) { machine.slowness = 1 }
    case .freeze(let number, let freeze, let milliseconds):
      world.machines[number].freeze(freeze, forNanoseconds: milliseconds * 1_000_000)
    case .stallDisk(let number, let milliseconds):
      world.machines[number].stallDisk(forNanoseconds: milliseconds * 1_000_000)
    case .stop(let number, let ending, let milliseconds):
      run.members[number].stop(ending, downFor: milliseconds * 1_000_000)
    case .stopAll(let ending, let milliseconds):
      run.counts.add(.powerFailsEverywhere)
      for member in run.members { member.stop(ending, downFor: milliseconds * 1_000_000) }
    case .stopInWrite(let number, let ending, let changes, let milliseconds):
      run.members[number].stop(ending, afterChanges: changes, downFor: milliseconds * 1_000_000)
    case .setClockRate(let number, let rate):
      run.members[number].clockRate = rate
      if !run.members[number].isIdle { run.counts.add(.clockRunsWild) }
    case .jumpWallClock(let number, let jump):
      world.machines[number].jumpWallClock(byNanoseconds: jump)
    case .failSync(let number): run.members[number].failNextSync()
    case .damage(let number, let damage, let seed): run.members[number].damage(damage, seed: seed)
    case .transferLeadership(let machine): operators.ask(.transfer(toMachine: machine))
    case .changeMembers(let one, let other): operators.ask(.exchange(one, other))
    }
  }

  private mutating func heal(_ cut: SimulatedNetwork.Cut, inMilliseconds milliseconds: UInt64) {
    end(inMilliseconds: milliseconds) { [world] in world.network.heal(cut) }
  }

  /// What lasts: only machines that may stay away.
  private func begin() {
    for machine in run.plan.weak {
      if run.plan.faults.contains(.machineStaysDown) { run.members[machine].stayDown() }
      if run.plan.faults.contains(.cutLasts) { run.members[machine].isKeptAway = true }
    }
  }

  /// Cuts the weak machines off: in both directions, or so that they hear and are not heard, or the
  /// other way round, as no group may mind for long (pitfall 30).
  private func cutForGood() {
    run.counts.add(.cutLasts)
    let kind = run.plan.seed / 7 % 3
    guard kind > 0 else { return _ = world.network.cutOff(run.plan.weak) }
    for weak in run.plan.weak {
      for other in world.machines.indices where !run.plan.weak.contains(other) {
        _ =
          kind == 1
          ? world.network.cutOneWay(from: weak, to: other)
          : world.network.cutOneWay(from: other, to: weak)
      }
    }
  }

  /// Ends every fault but what lasts.
  private mutating func heal() {
    ends = []
    world.endStalls()
    world.network.healAll()
    world.network.changeAll { link in
      let healed = NetworkLink()
      (link.delay, link.jitter) = (healed.delay, healed.jitter)
      link.slowness = 1
      link.keepsOrder = true
      (link.lateOneIn, link.loseOneIn, link.doubleOneIn, link.damageOneIn) = (nil, nil, nil, nil)
    }
    if run.plan.faults.contains(.cutLasts) { cutForGood() }
    for machine in world.machines {
      machine.slowness = 1
      machine.thaw()
      machine.endStall()
    }
    for member in run.members {
      member.heal()
      if run.plan.faults.contains(.clockRunsWild) { member.clockRate = 0 }
    }
  }
}
