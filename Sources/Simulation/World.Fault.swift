extension World {
  /// What a world can do to its machines and to the frames between them. The faults of single
  /// calls of a disk are `Fault`s.
  package enum Fault: String, Sendable, Hashable, CaseIterable {
    // Frames.
    case frameLost, frameLate, frameOvertakes, frameDoubled, frameDamaged
    /// A link takes many times as long.
    case linkSlow
    /// A frame met a cut of one direction between two machines.
    case linkCutOneWay
    /// A frame met a cut of both directions between two machines that others still reach.
    case linkCutBothWays
    /// A frame met a cut between two sets of machines.
    case machinesCutOff
    /// There were more frames under way to a machine than are kept.
    case inboxFull

    // Machines.

    /// Every call takes many times as long.
    case machineSlow
    /// No thread goes on for a while, as when a debugger or a swap storm holds a process.
    case machineFrozen
    /// As frozen, and the steady clock stands still, as in a machine that sleeps.
    case machineSuspended
    /// As frozen, and all clocks stand still, as in a paused virtual machine that nobody told.
    case machinePaused
    /// Calls of the disk do not return for a while.
    case diskStalls
    case crashKeepsAll, crashLosesAll, crashTearsWrites
    /// The process ends and the machine goes on: nothing that was written is lost.
    case processKilled

    // Clocks.
    case clockDrifts, wallClockJumpsForward, wallClockJumpsBack
  }

  /// How often each fault really befell somebody.
  package struct Counters: Sendable {
    package private(set) var fired: [Fault: Int] = [:]

    package subscript(fault: Fault) -> Int { fired[fault, default: 0] }

    package mutating func add(_ fault: Fault, _ count: Int = 1) {
      if count > 0 { fired[fault, default: 0] += count }
    }

    package mutating func add(_ other: Counters) {
      fired.merge(other.fired) { $0 + $1 }
    }
  }
}
