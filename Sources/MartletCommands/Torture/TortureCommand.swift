package import ArgumentParser
internal import Foundation
internal import Synchronization
package import Verification

/// `martlet torture`: crashes and faults, from seeds, until something breaks or nothing does.
package struct TortureCommand: ParsableCommand {
  package static let configuration = CommandConfiguration(
    commandName: "torture",
    abstract: "Break the engine on purpose: crashes and faults from seeds, every answer checked.",
    discussion: """
      Each run is one database in a simulated world: several sessions work on it at once, set, \
      remove, merge and let expire, calls \
      fail, bytes lie, clocks jump, the power fails at a random write and again inside the \
      recoveries that follow. What is found afterwards is held against everything that was \
      acknowledged: nothing lost, nothing half, nothing wrong, at every timestamp that was seen and \
      by every clock. \
      The same seed is the same run. A failing run is made smaller, and printed as the command \
      that repeats it.

      With --real, writer processes on the real file system are killed instead.

      Examples:
        martlet torture                       2,000 runs
        martlet torture --runs 100000 --seed 7
        martlet torture --seed 1234 --runs 1 --verbose
        martlet torture --list-faults
        martlet torture --real --runs 300

      Ends with 0 when every promise was kept and every declared kind of fault occurred, else \
      with 1. Fewer than \(TortureCampaign.completeRunCount) runs need not meet every kind.
      """)

  @Option(help: "How many runs; with --real, how many lives that end by chance (default 300).")
  package var runs: Int?

  @Option(help: "The seed of the first run; run n has this seed plus n.")
  package var seed: UInt64 = 1

  @Option(help: "Lives of a database in a run, at most.")
  package var lives: Int?

  @Option(help: "Sessions that work at the same time, at most.")
  package var sessions: Int?

  @Option(help: "Steps of a session in a life, at most.")
  package var steps: Int?

  @Option(help: ArgumentHelp("Leave a kind of fault out; may be repeated.", valueName: "kind"))
  package var without: [String] = []

  @Option(help: "Runs at the same time (default: twice as many as there are processors).")
  package var threads: Int?

  @Flag(help: "Kill real processes on the real file system instead.")
  package var real = false

  @OptionGroup package var realOptions: RealTortureArguments

  @Option(
    help: ArgumentHelp("A lie of the simulated disk, that must be caught.", visibility: .hidden))
  package var diskLie: TortureLie?

  @Flag(help: "Leave failing runs as large as they are.")
  package var noShrinking = false

  @Flag(help: "Print the kinds of faults and end.")
  package var listFaults = false

  @Flag(help: "Print the plan of each run that failed, and of a single run in any case.")
  package var verbose = false

  @Flag(help: "Report in JSON.")
  package var json = false

  package init() {}

  package func validate() throws {
    for (name, value) in [
      ("--runs", runs), ("--lives", lives), ("--sessions", sessions), ("--steps", steps),
      ("--threads", threads),
    ] where (value ?? 1) < 1 {
      throw ValidationError("\(name) is at least 1")
    }
    for name in without where TortureFault(rawValue: name) == nil {
      throw ValidationError("there is no fault \"\(name)\"; see martlet torture --list-faults")
    }
  }

  package func run() throws {
    if listFaults {
      var output = Output()
      for fault in TortureFault.allCases { try output.line(fault.rawValue) }
      return try output.flush()
    }
    if real { return try realOptions.torture(runs: runs, seed: seed, json: json).run() }
    var campaign = TortureCampaign(
      firstSeed: seed, runCount: runs ?? 2_000, limits: limits,
      width: threads ?? CampaignDisplay.standardWidth)
    campaign.lie = diskLie
    if verbose, campaign.runCount == 1 {
      try Descriptor.standardOutput.write("\(TorturePlan(seed: seed, limits: limits))\n")
    }
    let clock = ContinuousClock()
    let start = clock.now
    let tally = runWithProgress(campaign)
    let elapsed = clock.now - start
    let shrunk = noShrinking ? [:] : shrink(tally.failures)
    let report = TortureReport(
      campaign: campaign, tally: tally, shrunk: shrunk, elapsed: elapsed, isVerbose: verbose)
    var output = Output()
    if json { try output.line(report.json.text) } else { try report.print(to: &output) }
    try output.flush()
    if !report.verdict.isClean { throw ToolError(report.verdict.conclusion) }
  }

  private var limits: TortureLimits {
    var limits = TortureLimits()
    if let lives { limits.lives = lives }
    if let sessions { limits.sessions = sessions }
    if let steps { limits.steps = steps }
    limits.without = Set(without.compactMap(TortureFault.init(rawValue:)))
    return limits
  }

  private func runWithProgress(_ campaign: TortureCampaign) -> TortureCampaign.Tally {
    let display = CampaignDisplay(total: campaign.runCount, isQuiet: json)
    TrapNotice.install(width: campaign.width, command: "martlet torture --runs 1 --seed ")
    defer { TrapNotice.remove() }
    return campaign.run { worker, seed in
      TrapNotice.begin(worker: worker, seed: seed)
    } progress: { tally in
      display.show(tally.runCount) { _ in
        let kinds = TortureFault.allCases.count - tally.faults.missing.count
        return
          "\(Figures.count(tally.operationCount)) steps, \(Figures.count(tally.counts.mergeCount)) merges, "
          + "\(Figures.count(tally.counts.sweptCount)) swept, \(Figures.count(tally.crashCount)) crashes, "
          + "\(Figures.count(tally.faults.total)) faults of \(kinds) kinds, "
          + "\(Figures.count(tally.failures.count, "failure"))"
      }
    }
  }

  /// The first failures, made smaller.
  private func shrink(_ failures: [TortureResult]) -> [UInt64: TortureLimits] {
    var shrunk: [UInt64: TortureLimits] = [:]
    for failure in failures.prefix(3) {
      guard let violation = failure.violation else { continue }
      var shrinker = TortureShrinker(
        seed: failure.seed, kind: violation.kind, limits: limits, lie: diskLie)
      _ = shrinker.shrink()
      shrunk[failure.seed] = shrinker.limits
    }
    return shrunk
  }
}

extension TortureLie: ExpressibleByArgument {}
