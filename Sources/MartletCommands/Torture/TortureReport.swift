internal import Verification

/// What a campaign found, for people and for scripts.
struct TortureReport {
  let campaign: TortureCampaign
  let tally: TortureCampaign.Tally
  /// The limits of failing runs that were made smaller.
  let shrunk: [UInt64: TortureLimits]
  let elapsed: Duration
  let isVerbose: Bool

  var verdict: CampaignVerdict {
    CampaignVerdict(
      failures: tally.failures.compactMap { failure in
        guard let violation = failure.violation else { return nil }
        let limits = shrunk[failure.seed] ?? campaign.limits
        return CampaignVerdict.Failure(
          seed: failure.seed, kind: violation.kind.rawValue, detail: violation.detail,
          command: command(for: failure.seed),
          plan: isVerbose ? "\(TorturePlan(seed: failure.seed, limits: limits))" : nil)
      },
      missing: campaign.missing(in: tally).map(\.rawValue))
  }

  private var runsPerSecond: Double {
    Double(tally.runCount) / max(Figures.seconds(elapsed), 0.000_001)
  }

  func print(to output: inout Output) throws {
    let figures: [(Int, String)] = [
      (tally.operationCount, "steps of sessions"),
      (tally.commitCount, "commits checked"),
      (tally.viewCount, "views checked, each at its timestamp"),
      (tally.counts.mergeCount, "merges, each counted once"),
      (tally.counts.expiringWriteCount, "writes of what expires"),
      (tally.counts.sweptCount, "expired entries that the sweeper removed"),
      (tally.lostRelaxedCount, "relaxed commits that a crash took, always a suffix"),
      (tally.crashCount, "crashes"),
      (tally.recoveryCount, "recoveries, each done twice and compared"),
      (tally.damagedCount, "runs that ended because declared damage was found"),
      (tally.callCount, "calls of the simulated file system"),
    ]
    try output.line(
      "\(Figures.count(tally.runCount, "run")) from seed \(campaign.firstSeed) in "
        + "\(Figures.time(elapsed)), \(Figures.fixed(runsPerSecond, digits: 1)) runs/s")
    for (count, what) in figures { try output.line(CampaignVerdict.row(count, what)) }
    try output.line("faults by kind:")
    for fault in TortureFault.allCases where !campaign.limits.without.contains(fault) {
      try output.line(CampaignVerdict.row(tally.faults[fault], fault.rawValue))
    }
    try verdict.print(to: &output)
  }

  /// The one command that repeats a run.
  func command(for seed: UInt64) -> String {
    let limits = shrunk[seed] ?? campaign.limits
    let standard = TortureLimits()
    var words = ["martlet torture --seed \(seed) --runs 1"]
    if limits.lives != standard.lives { words.append("--lives \(limits.lives)") }
    if limits.sessions != standard.sessions { words.append("--sessions \(limits.sessions)") }
    if limits.steps != standard.steps { words.append("--steps \(limits.steps)") }
    for fault in TortureFault.allCases where limits.without.contains(fault) {
      words.append("--without \(fault.rawValue)")
    }
    if let lie = campaign.lie { words.append("--disk-lie \(lie.rawValue)") }
    return words.joined(separator: " ")
  }

  var json: JSON {
    let faults = TortureFault.allCases.map { JSON.Member($0.rawValue, JSON(tally.faults[$0])) }
    let members: [JSON.Member] = [
      .init("isClean", .bool(verdict.isClean)), .init("firstSeed", JSON(campaign.firstSeed)),
      .init("runs", JSON(tally.runCount)),
      .init("seconds", .number(Figures.fixed(Figures.seconds(elapsed), digits: 3))),
      .init("runsPerSecond", .number(Figures.fixed(runsPerSecond, digits: 1))),
      .init("steps", JSON(tally.operationCount)), .init("commits", JSON(tally.commitCount)),
      .init("views", JSON(tally.viewCount)),
      .init("merges", JSON(tally.counts.mergeCount)),
      .init("expiringWrites", JSON(tally.counts.expiringWriteCount)),
      .init("sweptEntries", JSON(tally.counts.sweptCount)),
      .init("lostRelaxedCommits", JSON(tally.lostRelaxedCount)),
      .init("crashes", JSON(tally.crashCount)), .init("recoveries", JSON(tally.recoveryCount)),
      .init("endedByDamage", JSON(tally.damagedCount)), .init("calls", JSON(tally.callCount)),
      .init("faults", .object(faults)),
    ]
    return .object(members + verdict.members)
  }
}
