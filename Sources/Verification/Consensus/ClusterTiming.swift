internal import Simulation

/// When which steps of a kind of fault come about.
struct ClusterTiming {
  let machineCount: Int
  let weak: [Int]
  /// The more kinds of faults there are, the rarer each is: a group that never works proves little.
  let kindCount: Int
  /// Of the phase of safety, in nanoseconds.
  let duration: UInt64

  func moments(
    of fault: ClusterFault, _ chance: inout SeededGenerator
  ) -> [ClusterPlan.Moment] {
    let gap = UInt64([2_000, 5_000, 12_000][chance.below(3)] * (4 + kindCount) / 4) * 1_000_000
    var moments: [ClusterPlan.Moment] = []
    var now = UInt64(chance.below(Int(min(gap, duration / 2))))
    while now < duration {
      guard let step = step(of: fault, &chance) else { return [] }
      moments.append(ClusterPlan.Moment(nanoseconds: now, fault: fault, step: step))
      now += gap / 2 + UInt64(chance.below(Int(gap)))
    }
    // What takes promises away is rare: the group has to recover in between.
    return fault.takesPromises ? Array(moments.prefix(2)) : moments
  }

  /// One machine after the other is paused for longer than a lease lasts.
  func pauses() -> [ClusterPlan.Moment] {
    (1..<max(duration / 6_000_000_000, 1)).map { number in
      ClusterPlan.Moment(
        nanoseconds: number * 6_000_000_000, fault: .machinePaused,
        step: .freeze(Int(number) % machineCount, .pause, milliseconds: 4_500))
    }
  }

  /// A step of a kind; nil for one that is in force all the time.
  private func step(of fault: ClusterFault, _ chance: inout SeededGenerator) -> ClusterStep? {
    let (machine, other) = pair(&chance)
    let seed = chance.next()
    let brief = UInt64([50, 300, 1_500, 5_000][chance.below(4)] + chance.below(500))
    let long = UInt64([500, 2_000, 10_000, 60_000][chance.below(4)] + chance.below(1_000))
    switch fault {
    case .linkSlow:
      return .slowLink(
        from: machine, to: other, factor: [10, 100][chance.below(2)],
        seconds: UInt64(1 + chance.below(10)))
    case .linkCutOneWay: return .cutOneWay(from: machine, to: other, milliseconds: brief * 2)
    case .linkCutBothWays: return .cutBothWays(machine, other, milliseconds: brief * 2)
    case .machinesCutOff:
      var machines = Array(0..<machineCount)
      machines.shuffle(using: &chance)
      let count = 1 + chance.below(machineCount / 2)
      return .cutOff(Array(machines.prefix(count)).sorted(), milliseconds: brief * 2)
    case .machineSlow:
      return .slowMachine(machine, factor: [10, 100][chance.below(2)], milliseconds: brief)
    case .machineFrozen: return .freeze(machine, .process, milliseconds: long)
    case .machineSuspended: return .freeze(machine, .sleep, milliseconds: long)
    case .machinePaused: return .freeze(machine, .pause, milliseconds: long)
    case .diskStalls: return .stallDisk(machine, milliseconds: max(long, 1_000))
    case .crashKeepsAll: return .stop(machine, .powerCut(.keepAll), downForMilliseconds: brief)
    case .crashLosesAll: return .stop(machine, .powerCut(.loseAll), downForMilliseconds: brief)
    case .crashTearsWrites: return .stop(machine, .powerCut(.random), downForMilliseconds: brief)
    case .processKilled: return .stop(machine, .kill, downForMilliseconds: brief)
    case .crashInWrite:
      return .stopInWrite(
        machine, .powerCut(LossModel.allCases[chance.below(3)]), afterChanges: 1 + chance.below(60),
        downForMilliseconds: brief)
    case .powerFailsEverywhere:
      return .stopAll(
        .powerCut(LossModel.allCases[chance.below(3)]), downForMilliseconds: brief)
    case .clockRunsWild:
      return .setClockRate(machine, partsPerMillion: Int64(chance.below(600_000)) - 300_000)
    case .wallClockJumpsForward:
      return .jumpWallClock(machine, nanoseconds: Int64(1 + chance.below(288_000)) * 1_000_000)
    case .wallClockJumpsBack:
      return .jumpWallClock(machine, nanoseconds: -Int64(1 + chance.below(288_000)) * 1_000_000)
    case .syncFails: return .failSync(machine)
    case .logDamaged: return .damage(weakOne(&chance), .flipsBitsOfLog, seed: seed)
    case .hardStateDamaged: return .damage(weakOne(&chance), .flipsBitsOfHardState, seed: seed)
    case .dataDamaged: return .damage(weakOne(&chance), .flipsBitsOfData, seed: seed)
    case .diskWiped: return .damage(weakOne(&chance), .wipes, seed: seed)
    case .leadershipTransferred: return .transferLeadership(to: machine)
    case .membersChanged: return .changeMembers(machine, other)
    case .threadStalls, .frameLost, .frameLate, .frameOvertakes, .frameDoubled, .frameDamaged,
      .cutLasts,
      .machineStaysDown, .clockDrifts, .answerLost, .leaderMissed, .replicaReplaced,
      .imageInstalled:
      return nil
    }
  }

  private func pair(_ chance: inout SeededGenerator) -> (Int, Int) {
    let first = chance.below(machineCount)
    return (first, (first + 1 + chance.below(machineCount - 1)) % machineCount)
  }

  private func weakOne(_ chance: inout SeededGenerator) -> Int { weak[chance.below(weak.count)] }
}
