internal import RawBytes

/// Many runs, side by side on all processors, summed up.
///
/// Runs are numbered by their seeds: run n has the first seed plus n. Memory is bounded by what
/// the runs under way need: of a run that kept its promises only numbers remain.
package struct ClusterCampaign: Sendable {
  package var firstSeed: UInt64
  package var runCount: Int
  package var limits: ClusterLimits
  /// Runs at the same time.
  package var width: Int
  /// No further run begins after so many failed.
  package var failureLimit = 10

  package init(
    firstSeed: UInt64, runCount: Int, limits: ClusterLimits = ClusterLimits(), width: Int
  ) {
    self.firstSeed = firstSeed
    self.runCount = runCount
    self.limits = limits
    self.width = width
  }

  /// What was done so far.
  package struct Tally: RunTally {
    package var runCount = 0
    package var answerCount = 0
    package var unknownCount = 0
    package var slotCount = 0
    package var comparisonCount = 0
    package var lifeCount = 0
    package var callCount = 0
    package var handOverCount = 0
    /// Virtual nanoseconds of all runs.
    package var virtual: UInt64 = 0
    /// The longest that a healed group took to answer again; nanoseconds.
    package var slowestRecovery: UInt64 = 0
    package var faults = ClusterFaultCounts()
    /// All trace hashes, mixed so that their order does not matter.
    package var traceHash: UInt64 = 0
    /// The failed runs, by seed.
    package var failures: [ClusterResult] = []

    var failureCount: Int { failures.count }

    mutating func add(_ result: ClusterResult) {
      runCount += 1
      answerCount += result.answerCount
      unknownCount += result.unknownCount
      slotCount += result.slotCount
      comparisonCount += result.comparisonCount
      lifeCount += result.lifeCount
      callCount += result.callCount
      handOverCount += result.handOverCount
      virtual += result.virtual
      slowestRecovery = max(slowestRecovery, result.recovery)
      faults.add(result.faults)
      traceHash ^= Hash64.fold(
        result.traceHash ^ 0x9e37_79b9_7f4a_7c15, result.seed ^ 0xc2b2_ae3d_27d4_eb4f)
      if result.violation != nil {
        failures.append(result)
        failures.sort { $0.seed < $1.seed }
      }
    }
  }

  /// Fewer runs than this need not meet every kind of fault.
  package static let completeRunCount = 1_000

  /// Kinds that are declared and did not fire, in a campaign that is long enough to meet them all.
  /// A campaign of chosen kinds has only those declared, without what they lead to.
  package func missing(in tally: Tally) -> [ClusterFault] {
    guard tally.runCount >= Self.completeRunCount else { return [] }
    return tally.faults.missing.filter { limits.only?.contains($0) ?? true }
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
        ClusterRun.run(ClusterPlan(seed: seed, limits: limits))
      }
  }
}
