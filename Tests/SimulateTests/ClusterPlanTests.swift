import Consensus
import Testing
import Verification

@Suite struct `A plan for a group` {
  @Test func `loses kinds of faults and seconds to a limit, and nothing else (CP1)`() {
    for seed in 1...100 as ClosedRange<UInt64> {
      let whole = ClusterPlan(seed: seed)
      var limits = ClusterLimits()
      limits.seconds = 10
      let removed = whole.faults.min { $0.rawValue < $1.rawValue }
      limits.only = whole.faults.filter { $0 != removed }
      let part = ClusterPlan(seed: seed, limits: limits)
      let kept = whole.moments.filter { $0.fault != removed && $0.nanoseconds < 10_000_000_000 }
      #expect(part.moments.map(\.step) == kept.map(\.step), "seed \(seed)")
      #expect(part.moments.map(\.nanoseconds) == kept.map(\.nanoseconds))
      #expect(part.settings == whole.settings)
      #expect(part.weak == whole.weak && part.nodeCount == whole.nodeCount)
    }
  }

  @Test func `damages no more disks than a group tolerates (CP2)`() {
    for seed in 1...500 as ClosedRange<UInt64> {
      let plan = ClusterPlan(seed: seed)
      #expect(plan.weak.count == plan.nodeCount / 2)
      for moment in plan.moments {
        if case .damage(let machine, _, _) = moment.step { #expect(plan.weak.contains(machine)) }
      }
    }
  }

  @Test func `has no leases where clocks break their bound (CP3)`() {
    var leaseCount = 0
    for seed in 1...500 as ClosedRange<UInt64> {
      let plan = ClusterPlan(seed: seed)
      let isWild = plan.faults.contains(.clockRunsWild) || plan.faults.contains(.machinePaused)
      if plan.settings.usesLease { leaseCount += 1 }
      #expect(!(isWild && plan.settings.usesLease), "seed \(seed)")
      for rate in plan.setup.clockRates {
        #expect(rate.magnitude < plan.settings.clockRateBound)
      }
    }
    #expect(leaseCount > 100)
  }

  @Test func `enables each kind of fault in some seeds, alone and with others`() {
    var counts: [ClusterFault: Int] = [:]
    var kindCounts: Set<Int> = []
    for seed in 0..<1_000 as Range<UInt64> {
      let plan = ClusterPlan(seed: seed)
      for fault in plan.faults { counts[fault, default: 0] += 1 }
      kindCounts.insert(plan.faults.count)
    }
    for fault in ClusterFault.allCases {
      #expect((30..<900).contains(counts[fault] ?? 0), "\(fault)")
    }
    #expect(kindCounts.contains(1) || kindCounts.contains(2))
    #expect(kindCounts.contains { $0 > 12 })
  }
}
