/// Makes a failing run smaller, as long as it breaks the same promise.
///
/// A limit takes away and changes nothing else that was planned (CP1), so each smaller run is one
/// that can be run by naming its limits. Greedy: seconds by halves, then kinds of faults, then
/// clients.
package struct ClusterShrinker: Sendable {
  package let seed: UInt64
  private let kind: ClusterViolation.Kind
  package private(set) var limits: ClusterLimits
  package private(set) var attemptCount = 0
  private let attemptLimit: Int

  /// Begins with limits under which the run broke a promise.
  package init(
    seed: UInt64, kind: ClusterViolation.Kind, limits: ClusterLimits, attemptLimit: Int = 60
  ) {
    self.seed = seed
    self.kind = kind
    self.limits = limits
    self.attemptLimit = attemptLimit
  }

  /// The smallest run that was found.
  package mutating func shrink() -> ClusterResult {
    let plan = ClusterPlan(seed: seed, limits: limits)
    limits.seconds = min(limits.seconds, plan.safetySeconds)
    limits.clients = min(limits.clients, plan.setup.clientCount)
    shorten()
    limits.only = plan.faults
    for fault in ClusterFault.allCases where plan.faults.contains(fault) {
      _ = attempt { $0.only?.remove(fault) }
    }
    while limits.clients > 1, attempt({ $0.clients -= 1 }) {}
    shorten()
    return ClusterRun.run(ClusterPlan(seed: seed, limits: limits))
  }

  private mutating func shorten() {
    var stride = limits.seconds / 2
    while stride > 0 {
      while limits.seconds > stride, attempt({ $0.seconds -= stride }) {}
      stride /= 2
    }
  }

  /// Tries smaller limits; keeps them when the run still breaks the promise.
  private mutating func attempt(_ change: (inout ClusterLimits) -> Void) -> Bool {
    guard attemptCount < attemptLimit else { return false }
    attemptCount += 1
    var smaller = limits
    change(&smaller)
    let result = ClusterRun.run(ClusterPlan(seed: seed, limits: smaller))
    guard result.violation?.kind == kind else { return false }
    limits = smaller
    return true
  }
}
