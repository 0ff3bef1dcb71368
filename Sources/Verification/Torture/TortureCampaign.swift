/// Many runs, side by side on all processors, summed up.
///
/// Runs are numbered by their seeds: run n has the first seed plus n. Memory is bounded by what
/// the runs under way need: of a run that kept its promises only numbers remain.
package struct TortureCampaign: Sendable {
  package var firstSeed: UInt64
  package var runCount: Int
  package var limits: TortureLimits
  /// Runs at the same time.
  package var width: Int
  /// A planted bug of the disk, which must be found.
  package var lie: TortureLie?
  /// No further run begins after so many failed.
  package var failureLimit = 10

  package init(
    firstSeed: UInt64, runCount: Int, limits: TortureLimits = TortureLimits(), width: Int
  ) {
    self.firstSeed = firstSeed
    self.runCount = runCount
    self.limits = limits
    self.width = width
  }

  /// What was done so far.
  package struct Tally: RunTally {
    package var runCount = 0
    package var operationCount = 0
    package var commitCount = 0
    package var lostRelaxedCount = 0
    package var viewCount = 0
    package var counts = TortureCounts()
    package var crashCount = 0
    package var recoveryCount = 0
    package var callCount = 0
    package var damagedCount = 0
    package var faults = FaultCounts()
    /// The failed runs, by seed.
    package var failures: [TortureResult] = []

    var failureCount: Int { failures.count }

    mutating func add(_ result: TortureResult) {
      runCount += 1
      operationCount += result.operationCount
      commitCount += result.commitCount
      lostRelaxedCount += result.lostRelaxedCount
      viewCount += result.viewCount
      counts.add(result.counts)
      crashCount += result.crashCount
      recoveryCount += result.recoveryCount
      callCount += result.callCount
      damagedCount += result.endedByDamage ? 1 : 0
      faults.add(result.faults)
      if result.violation != nil {
        failures.append(result)
        failures.sort { $0.seed < $1.seed }
      }
    }
  }

  /// Fewer runs than this need not meet every kind of fault.
  package static let completeRunCount = 1_000

  /// Kinds that are declared and did not fire, in a campaign that is long enough to meet them all.
  package func missing(in tally: Tally) -> [TortureFault] {
    guard tally.runCount >= Self.completeRunCount else { return [] }
    return tally.faults.missing.filter { !limits.without.contains($0) }
  }

  /// Runs the campaign. `beginning` hears of each run before it begins, on its worker's thread:
  /// for a crash handler that is to name it. `progress` is called after each run, by one worker at
  /// a time.
  package func run(
    beginning: @Sendable (_ worker: Int, _ seed: UInt64) -> Void = { _, _ in },
    progress: @Sendable (Tally) -> Void = { _ in }
  ) -> Tally {
    SeededRuns(firstSeed: firstSeed, count: runCount, width: width, failureLimit: failureLimit)
      .perform(beginning: beginning, progress: progress) { seed in
        TortureRun.run(TorturePlan(seed: seed, limits: limits), lie: lie)
      }
  }
}
