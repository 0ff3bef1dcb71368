/// Makes a failing run smaller, as long as it breaks the same promise.
///
/// A limit takes away and changes nothing else (TP1), so each smaller run is one that can be run by
/// naming its limits. Greedy: lives, then sessions, then steps by halves, then kinds of faults.
package struct TortureShrinker: Sendable {
  package let seed: UInt64
  private let kind: TortureViolation.Kind
  package private(set) var limits: TortureLimits
  package private(set) var attemptCount = 0
  private let attemptLimit: Int
  private let lie: TortureLie?

  /// Begins with limits under which the run broke a promise.
  package init(
    seed: UInt64, kind: TortureViolation.Kind, limits: TortureLimits, attemptLimit: Int = 80,
    lie: TortureLie? = nil
  ) {
    self.lie = lie
    self.seed = seed
    self.kind = kind
    self.limits = limits
    self.attemptLimit = attemptLimit
  }

  /// Shrinks as far as the attempts go. Returns what the smallest run found.
  package mutating func shrink() -> TortureResult {
    let plan = TorturePlan(seed: seed, limits: limits)
    limits.lives = min(limits.lives, plan.lives.count)
    let longest = plan.lives.flatMap { $0.sessions.map(\.count) }.max() ?? 1
    limits.steps = min(limits.steps, longest)
    limits.sessions = min(limits.sessions, plan.lives.map(\.sessions.count).max() ?? 1)
    for lives in stride(from: 1, to: limits.lives, by: 1) {
      if attempt({ $0.lives = lives }) { break }
    }
    for sessions in stride(from: 1, to: limits.sessions, by: 1) {
      if attempt({ $0.sessions = sessions }) { break }
    }
    var stride = limits.steps / 2
    while stride > 0 {
      while limits.steps > stride, attempt({ $0.steps -= stride }) {}
      stride /= 2
    }
    for fault in TortureFault.allCases where occurs(fault) {
      _ = attempt { $0.without.insert(fault) }
    }
    return TortureRun.run(TorturePlan(seed: seed, limits: limits), lie: lie)
  }

  /// Whether leaving the kind out can change anything.
  private func occurs(_ fault: TortureFault) -> Bool {
    TorturePlan(seed: seed, limits: limits).lives.contains { $0.mayMeet(fault) }
  }

  /// Tries smaller limits; keeps them when the run still breaks the promise.
  private mutating func attempt(_ change: (inout TortureLimits) -> Void) -> Bool {
    guard attemptCount < attemptLimit else { return false }
    attemptCount += 1
    var smaller = limits
    change(&smaller)
    let result = TortureRun.run(TorturePlan(seed: seed, limits: smaller), lie: lie)
    guard result.violation?.kind == kind else { return false }
    limits = smaller
    return true
  }
}

extension TorturePlan.Life {
  /// Whether the plan of the life brings a kind of fault about by itself.
  fileprivate func mayMeet(_ fault: TortureFault) -> Bool {
    if faults.contains(where: { $0.kind == fault }) { return true }
    switch fault {
    case .powerCutInRecovery: return recoveryCuts.count > 0
    case .powerCutInSecondRecovery: return recoveryCuts.count > 1
    case .powerCutInThirdRecovery: return recoveryCuts.count > 2
    case .processIsKilled: if case .kill = ending { return true } else { return false }
    default:
      return sessions.joined().contains { step in
        switch step {
        case .jumpWallClock(let nanoseconds):
          fault == (nanoseconds < 0 ? .wallClockJumpsBack : .wallClockJumpsForward)
        case .fillDisk: fault == .diskRunsFull
        case .exceedWriteSet: fault == .writeSetLimitIsReached
        default: false
        }
      }
    }
  }
}
