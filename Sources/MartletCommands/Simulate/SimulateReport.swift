internal import Verification

/// What a campaign of simulated groups found, for people and for scripts.
struct SimulateReport {
  let campaign: ClusterCampaign
  let tally: ClusterCampaign.Tally
  /// The limits of failing runs that were made smaller.
  let shrunk: [UInt64: ClusterLimits]
  let elapsed: Duration

  private var missing: [ClusterFault] { campaign.missing(in: tally) }

  var isClean: Bool { tally.failures.isEmpty && missing.isEmpty }

  private var seconds: Double { max(Figures.seconds(elapsed), 0.000_001) }

  private var runsPerSecond: Double { Double(tally.runCount) / seconds }

  private var virtualSeconds: Double { Double(tally.virtual) / 1e9 }

  /// How much faster than real the simulated time went: on all processors together.
  private var speed: Double { virtualSeconds / seconds }

  private var traceHash: String {
    let digits = String(tally.traceHash, radix: 16)
    return String(repeating: "0", count: 16 - digits.count) + digits
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
    for (count, what) in figures { try output.line("\(padded(count))  \(what)") }
    try output.line(
      "a healed group answered again after "
        + "\(Figures.fixed(Double(tally.slowestRecovery) / 1e9, digits: 2)) s at most")
    try output.line("faults by kind:")
    for fault in ClusterFault.allCases
    where campaign.limits.only?.contains(fault) ?? true || tally.faults[fault] > 0 {
      try output.line("\(padded(tally.faults[fault]))  \(fault.rawValue)")
    }
    try output.line("trace hash \(traceHash)")
    for failure in tally.failures {
      guard let violation = failure.violation else { continue }
      try output.line("")
      try output.line("run \(failure.seed) broke a promise: \(violation)")
      try output.line("  repeat it: \(command(for: failure.seed))")
    }
    if isClean { try output.line("every promise was kept") }
  }

  private func padded(_ count: Int) -> String {
    let text = Figures.count(count)
    return String(repeating: " ", count: max(0, 14 - text.count)) + text
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
    let failures = tally.failures.map { failure -> JSON in
      [
        "seed": JSON(failure.seed),
        "kind": .string(failure.violation?.kind.rawValue ?? ""),
        "detail": .string(failure.violation?.detail ?? ""),
        "command": .string(command(for: failure.seed)),
      ]
    }
    let faults = ClusterFault.allCases.map { JSON.Member($0.rawValue, JSON(tally.faults[$0])) }
    return [
      "isClean": .bool(isClean), "firstSeed": JSON(campaign.firstSeed),
      "runs": JSON(tally.runCount),
      "seconds": .number(Figures.fixed(seconds, digits: 3)),
      "runsPerSecond": .number(Figures.fixed(runsPerSecond, digits: 1)),
      "virtualSeconds": .number(Figures.fixed(virtualSeconds, digits: 3)),
      "timesRealTime": .number(Figures.fixed(speed, digits: 1)),
      "answers": JSON(tally.answerCount), "unknown": JSON(tally.unknownCount),
      "slots": JSON(tally.slotCount), "comparedSlots": JSON(tally.comparisonCount),
      "processes": JSON(tally.lifeCount), "calls": JSON(tally.callCount),
      "threadChanges": JSON(tally.handOverCount),
      "slowestRecoverySeconds": .number(
        Figures.fixed(Double(tally.slowestRecovery) / 1e9, digits: 3)),
      "traceHash": .string(traceHash), "faults": .object(faults),
      "missing": .array(missing.map { .string($0.rawValue) }), "failures": .array(failures),
    ]
  }
}
