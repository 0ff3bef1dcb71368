internal import Verification

/// What a campaign found, for people and for scripts.
struct TortureReport {
  let campaign: TortureCampaign
  let tally: TortureCampaign.Tally
  /// The limits of failing runs that were made smaller.
  let shrunk: [UInt64: TortureLimits]
  let elapsed: Duration
  let isVerbose: Bool

  private var missing: [TortureFault] { campaign.missing(in: tally) }

  var isClean: Bool { tally.failures.isEmpty && missing.isEmpty }

  private var runsPerSecond: Double {
    Double(tally.runCount) / max(Figures.seconds(elapsed), 0.000_001)
  }

  /// One line for the end.
  var conclusion: String {
    if let first = tally.failures.first {
      let count = Figures.count(tally.failures.count, "run")
      return "\(count) broke a promise; repeat the first with: \(command(for: first.seed))"
    }
    return "kinds of fault that never occurred: "
      + missing.map(\.rawValue).joined(separator: ", ")
  }

  func print(to output: inout Output) throws {
    let figures: [(Int, String)] = [
      (tally.operationCount, "steps of sessions"),
      (tally.commitCount, "commits checked"),
      (tally.viewCount, "views checked, each at its timestamp"),
      (tally.lostRelaxedCount, "relaxed commits that a crash took, always a suffix"),
      (tally.crashCount, "crashes"),
      (tally.recoveryCount, "recoveries, each done twice and compared"),
      (tally.damagedCount, "runs that ended because declared damage was found"),
      (tally.callCount, "calls of the simulated file system"),
    ]
    try output.line(
      "\(Figures.count(tally.runCount, "run")) from seed \(campaign.firstSeed) in "
        + "\(Figures.time(elapsed)), \(Figures.fixed(runsPerSecond, digits: 1)) runs/s")
    for (count, what) in figures { try output.line("\(padded(count))  \(what)") }
    try output.line("faults by kind:")
    for fault in TortureFault.allCases where !campaign.limits.without.contains(fault) {
      try output.line("\(padded(tally.faults[fault]))  \(fault.rawValue)")
    }
    for failure in tally.failures {
      guard let violation = failure.violation else { continue }
      try output.line("")
      try output.line("run \(failure.seed) broke a promise: \(violation)")
      try output.line("  repeat it: \(command(for: failure.seed))")
      if isVerbose {
        let limits = shrunk[failure.seed] ?? campaign.limits
        try output.line("\(TorturePlan(seed: failure.seed, limits: limits))")
      }
    }
    if isClean { try output.line("every promise was kept") }
  }

  private func padded(_ count: Int) -> String {
    let text = Figures.count(count)
    return String(repeating: " ", count: max(0, 12 - text.count)) + text
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
    let failures = tally.failures.map { failure -> JSON in
      [
        "seed": JSON(failure.seed),
        "kind": .string(failure.violation?.kind.rawValue ?? ""),
        "detail": .string(failure.violation?.detail ?? ""),
        "command": .string(command(for: failure.seed)),
      ]
    }
    let faults = TortureFault.allCases.map { JSON.Member($0.rawValue, JSON(tally.faults[$0])) }
    return [
      "isClean": .bool(isClean), "firstSeed": JSON(campaign.firstSeed),
      "runs": JSON(tally.runCount),
      "seconds": .number(Figures.fixed(Figures.seconds(elapsed), digits: 3)),
      "runsPerSecond": .number(Figures.fixed(runsPerSecond, digits: 1)),
      "steps": JSON(tally.operationCount), "commits": JSON(tally.commitCount),
      "views": JSON(tally.viewCount), "lostRelaxedCommits": JSON(tally.lostRelaxedCount),
      "crashes": JSON(tally.crashCount), "recoveries": JSON(tally.recoveryCount),
      "endedByDamage": JSON(tally.damagedCount), "calls": JSON(tally.callCount),
      "faults": .object(faults),
      "missing": .array(missing.map { .string($0.rawValue) }), "failures": .array(failures),
    ]
  }
}
