internal import Verification

/// What a campaign of simulated groups found, for people and for scripts.
struct SimulateReport {
  let campaign: ClusterCampaign
  let tally: ClusterCampaign.Tally
  /// The limits of failing runs that were made smaller.
  let shrunk: [UInt64: ClusterLimits]
  let elapsed: Duration

  var verdict: CampaignVerdict {
    CampaignVerdict(
      failures: tally.failures.compactMap { failure in
        guard let violation = failure.violation else { return nil }
        return CampaignVerdict.Failure(
          seed: failure.seed, kind: violation.kind.rawValue, detail: violation.detail,
          command: command(for: failure.seed))
      },
      missing: campaign.missing(in: tally).map(\.rawValue))
  }

  private var seconds: Double { max(Figures.seconds(elapsed), 0.000_001) }

  private var runsPerSecond: Double { Double(tally.runCount) / seconds }

  private var virtualSeconds: Double { Double(tally.virtual) / 1e9 }

  /// How much faster than real the simulated time went: on all processors together.
  private var speed: Double { virtualSeconds / seconds }

  private var traceHash: String {
    let digits = String(tally.traceHash, radix: 16)
    return String(repeating: "0", count: 16 - digits.count) + digits
  }

  func print(to output: inout Output) throws {
    try output.line(
      "\(Figures.count(tally.runCount, "run")) from seed \(campaign.firstSeed) in "
        + "\(Figures.time(elapsed)), \(Figures.fixed(runsPerSecond, digits: 1)) runs/s; "
        + "\(Figures.count(Int(virtualSeconds))) s of virtual time, "
        + "\(Figures.fixed(speed, digits: 0))x real time on \(campaign.width) at once")
    let figures: [(Int, String)] = [
      (tally.answerCount, "operations of clients answered, all of them checked"),
      (tally.unknownCount, "operations whose outcome no client learned"),
      (tally.slotCount, "slots applied by somebody"),
      (tally.comparisonCount, "slots compared with what another replica had"),
      (tally.lifeCount, "processes started"),
      (tally.callCount, "calls into the simulated world"),
      (tally.handOverCount, "changes of thread"),
    ]
    for (count, what) in figures { try output.line(CampaignVerdict.row(count, what)) }
    try output.line(
      "a healed group answered again after "
        + "\(Figures.fixed(Double(tally.slowestRecovery) / 1e9, digits: 2)) s at most")
    try output.line("faults by kind:")
    for fault in ClusterFault.allCases
    where campaign.limits.only?.contains(fault) ?? true || tally.faults[fault] > 0 {
      try output.line(CampaignVerdict.row(tally.faults[fault], fault.rawValue))
    }
    try output.line("trace hash \(traceHash)")
    try verdict.print(to: &output)
  }

  /// The one command that repeats a run.
  func command(for seed: UInt64) -> String {
    let limits = shrunk[seed] ?? campaign.limits
    let standard = ClusterLimits()
    var words = ["martlet simulate --seed \(seed) --runs 1"]
    if let nodes = limits.nodes { words.append("--nodes \(nodes)") }
    if limits.seconds != standard.seconds { words.append("--seconds \(limits.seconds)") }
    if limits.clients != standard.clients { words.append("--clients \(limits.clients)") }
    if let only = limits.only {
      let names = ClusterFault.allCases.filter(only.contains).map(\.rawValue)
      words.append("--faults \(names.isEmpty ? "none" : names.joined(separator: ","))")
    }
    if let lie = limits.lie { words.append("--lie \(lie.rawValue)") }
    return words.joined(separator: " ")
  }

  var json: JSON {
    let faults = ClusterFault.allCases.map { JSON.Member($0.rawValue, JSON(tally.faults[$0])) }
    let members: [JSON.Member] = [
      .init("isClean", .bool(verdict.isClean)), .init("firstSeed", JSON(campaign.firstSeed)),
      .init("runs", JSON(tally.runCount)),
      .init("seconds", .number(Figures.fixed(seconds, digits: 3))),
      .init("runsPerSecond", .number(Figures.fixed(runsPerSecond, digits: 1))),
      .init("virtualSeconds", .number(Figures.fixed(virtualSeconds, digits: 3))),
      .init("timesRealTime", .number(Figures.fixed(speed, digits: 1))),
      .init("answers", JSON(tally.answerCount)), .init("unknown", JSON(tally.unknownCount)),
      .init("slots", JSON(tally.slotCount)), .init("comparedSlots", JSON(tally.comparisonCount)),
      .init("processes", JSON(tally.lifeCount)), .init("calls", JSON(tally.callCount)),
      .init("threadChanges", JSON(tally.handOverCount)),
      .init(
        "slowestRecoverySeconds",
        .number(Figures.fixed(Double(tally.slowestRecovery) / 1e9, digits: 3))),
      .init("traceHash", .string(traceHash)), .init("faults", .object(faults)),
    ]
    return .object(members + verdict.members)
  }
}
