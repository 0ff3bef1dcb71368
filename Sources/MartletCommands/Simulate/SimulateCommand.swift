package import ArgumentParser
internal import Foundation
internal import Synchronization
package import Verification

/// `martlet simulate`: replicas in simulated worlds, from seeds, until something breaks or nothing
/// does.
package struct SimulateCommand: ParsableCommand {
  package static let configuration = CommandConfiguration(
    commandName: "simulate",
    abstract: "Break a replicated group on purpose: faults from seeds, every answer checked.",
    discussion: """
      Each run is one group of three or five replicas, of the kind that programs use, in a \
      simulated world: frames are late, lost, doubled, out of order or damaged, links are cut one \
      way or both, machines freeze, slow down, lose their power at any write and come back, disks \
      stall, decay or are lost, clocks run wrong. Clients read and write all the while, leadership \
      is handed over and members are exchanged. Then all but a minority is healed: the group has \
      to answer again within \(ClusterPlan.progressSeconds) s of virtual time. In the end each slot \
      must hold one value everywhere, equal slots have led to equal states, and the answers that \
      clients got must be possible one after the other.
      The same seed is the same run. A failing run is made smaller, and printed as the command \
      that repeats it.

      Examples:
        martlet simulate                       2,000 runs
        martlet simulate --runs 100000 --seed 7
        martlet simulate --seed 1234 --runs 1 --trace
        martlet simulate --faults frameLost,crashInWrite --nodes 5
        martlet simulate --list-faults

      Ends with 0 when every promise was kept and every declared kind of fault occurred, else \
      with 1. Fewer than \(ClusterCampaign.completeRunCount) runs need not meet every kind.
      """)

  @Option(help: "How many runs.")
  package var runs = 2_000

  @Option(help: "The seed of the first run; run n has this seed plus n.")
  package var seed: UInt64 = 1

  @Option(help: "Voters of the group, 3 or 5 (default: as the seed says).")
  package var nodes: Int?

  @Option(
    help: ArgumentHelp(
      "Exactly these kinds of faults, or none (default: as the seed says).",
      valueName: "kind,kind"))
  package var faults: String?

  @Option(help: "Seconds of virtual time in which faults come, at most.")
  package var seconds: Int?

  @Option(help: "Clients that work at the same time, at most.")
  package var clients: Int?

  @Option(help: "Runs at the same time (default: twice as many as there are processors).")
  package var threads: Int?

  @Option(
    help: ArgumentHelp("A lie of the simulated world, that must be caught.", visibility: .hidden))
  package var lie: ClusterLie?

  @Flag(help: "Print everything that happens in the first run.")
  package var trace = false

  @Flag(help: "Leave failing runs as large as they are.")
  package var noShrinking = false

  @Flag(help: "Print the kinds of faults and end.")
  package var listFaults = false

  @Flag(help: "Report in JSON.")
  package var json = false

  package init() {}

  package func validate() throws {
    for (name, value) in [
      ("--runs", runs), ("--seconds", seconds), ("--clients", clients), ("--threads", threads),
    ] where (value ?? 1) < 1 {
      throw ValidationError("\(name) is at least 1")
    }
    guard nodes == nil || nodes == 3 || nodes == 5 else {
      throw ValidationError("--nodes is 3 or 5")
    }
    for name in faultNames where ClusterFault(rawValue: name) == nil {
      throw ValidationError("there is no fault \"\(name)\"; see martlet simulate --list-faults")
    }
  }

  package func run() throws {
    if listFaults {
      var output = Output()
      for fault in ClusterFault.allCases { try output.line(fault.rawValue) }
      return try output.flush()
    }
    if trace { try printRun() }
    let campaign = ClusterCampaign(
      firstSeed: seed, runCount: runs, limits: limits,
      width: threads ?? CampaignDisplay.standardWidth)
    let clock = ContinuousClock()
    let start = clock.now
    let tally = runWithProgress(campaign)
    let elapsed = clock.now - start
    let shrunk = noShrinking ? [:] : shrink(tally.failures)
    let report = SimulateReport(
      campaign: campaign, tally: tally, shrunk: shrunk, elapsed: elapsed)
    var output = Output()
    if json { try output.line(report.json.text) } else { try report.print(to: &output) }
    try output.flush()
    if !report.verdict.isClean { throw ToolError(report.verdict.conclusion) }
  }

  private var faultNames: [String] {
    guard let faults, faults != "none" else { return [] }
    return faults.split(separator: ",").map(String.init)
  }

  private var limits: ClusterLimits {
    var limits = ClusterLimits()
    limits.nodes = nodes
    limits.lie = lie
    if let seconds { limits.seconds = seconds }
    if let clients { limits.clients = clients }
    if faults != nil { limits.only = Set(faultNames.compactMap(ClusterFault.init(rawValue:))) }
    return limits
  }

  /// The first run, event by event.
  private func printRun() throws {
    let output = Mutex(Output())
    let plan = ClusterPlan(seed: seed, limits: limits)
    try output.withLock { output in
      for line in plan.description { try output.line(line) }
    }
    let start = Mutex<UInt64?>(nil)
    _ = ClusterRun.run(plan) { now, text in
      let first = start.withLock { start in
        if start == nil { start = now }
        return start ?? now
      }
      let seconds = Figures.fixed(Double(now - first) / 1e9, digits: 6)
      output.withLock { try? $0.line("\(seconds)  \(text)") }
    }
    try output.withLock { try $0.flush() }
  }

  private func runWithProgress(_ campaign: ClusterCampaign) -> ClusterCampaign.Tally {
    let display = CampaignDisplay(total: campaign.runCount, isQuiet: json)
    TrapNotice.install(width: campaign.width, command: "martlet simulate --runs 1 --seed ")
    defer { TrapNotice.remove() }
    return campaign.run { worker, seed in
      TrapNotice.begin(worker: worker, seed: seed)
    } progress: { tally in
      display.show(tally.runCount) { elapsed in
        let kinds = ClusterFault.allCases.count - tally.faults.missing.count
        let speed = Double(tally.virtual) / 1e9 / elapsed
        return "\(Figures.fixed(speed, digits: 0))x real time, \(Figures.count(tally.answerCount)) "
          + "answers, faults of \(kinds) kinds, \(Figures.count(tally.failures.count, "failure"))"
      }
    }
  }

  /// The first failures, made smaller.
  private func shrink(_ failures: [ClusterResult]) -> [UInt64: ClusterLimits] {
    var shrunk: [UInt64: ClusterLimits] = [:]
    for failure in failures.prefix(3) {
      guard let violation = failure.violation else { continue }
      var shrinker = ClusterShrinker(seed: failure.seed, kind: violation.kind, limits: limits)
      _ = shrinker.shrink()
      shrunk[failure.seed] = shrinker.limits
    }
    return shrunk
  }
}

extension ClusterLie: ExpressibleByArgument {}
