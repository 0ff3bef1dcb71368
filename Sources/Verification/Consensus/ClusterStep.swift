package import Simulation

/// One thing that is done to the world of a run, at a moment of the phase of safety. Machines are
/// given by their number.
package enum ClusterStep: Sendable, Hashable {
  // For a while.
  case slowLink(from: Int, to: Int, factor: UInt64, seconds: UInt64)
  case cutOneWay(from: Int, to: Int, milliseconds: UInt64)
  case cutBothWays(Int, Int, milliseconds: UInt64)
  case cutOff([Int], milliseconds: UInt64)
  case slowMachine(Int, factor: UInt64, milliseconds: UInt64)
  case freeze(Int, Machine.Freeze, milliseconds: UInt64)
  case stallDisk(Int, milliseconds: UInt64)
  /// Ends the process, and starts another after a while.
  case stop(Int, Machine.Ending, downForMilliseconds: UInt64)
  /// Ends all processes at once.
  case stopAll(Machine.Ending, downForMilliseconds: UInt64)
  case stopInWrite(Int, Machine.Ending, afterChanges: Int, downForMilliseconds: UInt64)

  // Once.
  case setClockRate(Int, partsPerMillion: Int64)
  case jumpWallClock(Int, nanoseconds: Int64)
  case failSync(Int)
  /// Stops the machine and damages what stands on its disk.
  case damage(Int, ClusterDamage, seed: UInt64)
  case transferLeadership(to: Int)
  /// Of two machines the one that takes no part takes the place of the one that does.
  case changeMembers(Int, Int)
}

/// What is done to a disk while its machine is down.
package enum ClusterDamage: String, Sendable, Hashable, CaseIterable {
  case flipsBitsOfLog, flipsBitsOfHardState, flipsBitsOfData, wipes

  package var fault: ClusterFault {
    switch self {
    case .flipsBitsOfLog: .logDamaged
    case .flipsBitsOfHardState: .hardStateDamaged
    case .flipsBitsOfData: .dataDamaged
    case .wipes: .diskWiped
    }
  }
}
