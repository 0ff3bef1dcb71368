package import Simulation

/// What a campaign declares that it does to a group of replicas. A kind that never fired in a
/// campaign makes the campaign fail: what is not exercised is not claimed.
package enum ClusterFault: String, Sendable, Hashable, CaseIterable {
  // Frames.
  case frameLost, frameLate, frameOvertakes, frameDoubled, frameDamaged
  case linkSlow, linkCutOneWay, linkCutBothWays, machinesCutOff
  /// A cut around one machine that is not healed for the phase of liveness either.
  case cutLasts

  // Machines.
  /// Single threads are kept waiting, as by a busy system, at any call.
  case threadStalls
  case machineSlow, machineFrozen, machineSuspended, machinePaused, diskStalls
  case crashKeepsAll, crashLosesAll, crashTearsWrites, processKilled
  /// The power fails at a certain write.
  case crashInWrite
  /// A machine is down for good when the phase of liveness begins.
  case machineStaysDown

  // Clocks.
  /// All run at rates within the bound that the group was told.
  case clockDrifts
  /// Some run at rates far beyond it: there are no leases then (rule L5).
  case clockRunsWild
  case wallClockJumpsForward, wallClockJumpsBack

  // Disks. The last four take away what a replica has acknowledged: see `ClusterPlan.weak`.
  case syncFails
  case logDamaged, hardStateDamaged, dataDamaged, diskWiped

  // Clients and operators.
  /// A client does not hear an answer, and sends the command again.
  case answerLost
  /// A client asks whoever comes next instead of the leader.
  case leaderMissed
  case leadershipTransferred
  case membersChanged
  /// A replica that lost its promises is replaced by one of a new number.
  case replicaReplaced
  /// A replica was too far behind for the log and took an image.
  case imageInstalled

  /// The power fails for all machines at once: what was acknowledged and is on no medium is gone.
  case powerFailsEverywhere
}

extension ClusterFault {
  /// Of these the simulated world does and counts the thing itself.
  package var simulated: World.Fault? {
    switch self {
    case .clockRunsWild: nil
    default: World.Fault(rawValue: rawValue)
    }
  }

  /// Whether a boot clock may be further from the true time than leases allow for.
  package var breaksClocks: Bool { self == .clockRunsWild || self == .machinePaused }

  /// Whether a replica may have lost what it has acknowledged.
  package var takesPromises: Bool {
    switch self {
    case .logDamaged, .hardStateDamaged, .dataDamaged, .diskWiped: true
    default: false
    }
  }
}

/// How often each kind really befell somebody.
package struct ClusterFaultCounts: Sendable, Equatable {
  private var counts: [ClusterFault: Int] = [:]

  package init() {}

  package subscript(fault: ClusterFault) -> Int { counts[fault, default: 0] }

  package mutating func add(_ fault: ClusterFault, _ count: Int = 1) {
    if count > 0 { counts[fault, default: 0] += count }
  }

  package mutating func add(_ other: ClusterFaultCounts) {
    for (fault, count) in other.counts { add(fault, count) }
  }

  package var total: Int { counts.values.reduce(0, +) }

  /// Kinds that did not fire, in their order.
  package var missing: [ClusterFault] { ClusterFault.allCases.filter { self[$0] == 0 } }
}
