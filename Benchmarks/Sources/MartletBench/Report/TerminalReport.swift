/// The report of a run as lines of text.
struct TerminalReport: Sendable {
  let run: RunDescription
  let results: Results

  var lines: [String] {
    head + [""] + figures + [""] + targets + latencies + loads
  }

  private var head: [String] {
    var lines = run.facts(results).map { fact in
      fact.name + String(repeating: " ", count: 10 - fact.name.count) + fact.text
    }
    lines.append("")
    for engine in results.engines {
      lines.append("\(engine.rawValue): \(engine.version)")
      for setting in engine.settings {
        lines.append("  - \(setting.text)")
        if let source = setting.source { lines.append("      \(source)") }
      }
    }
    for engine in EngineKind.peers where !engine.isInstalled {
      lines.append("\(engine.rawValue): skipped, its library is not installed")
    }
    lines.append("")
    for kind in Workload.Kind.allCases where results.workloads.contains(where: { $0.kind == kind })
    {
      lines.append("\(kind.name): \(kind.detail)")
    }
    return lines
  }

  /// The figure of each engine that counts, by the clock and by processor time.
  private var figures: [String] {
    var table = TextTable(header: [
      "workload", "threads", "engine", "figure", "martlet is better by", "per CPU second",
      "attempts",
    ])
    for workload in results.workloads {
      for engine in results.engines(at: workload) {
        guard let figure = results.headline(engine, workload) else { continue }
        let metric = workload.kind.metric
        let hasRate = metric == .operationsPerSecond
        let rate = results.spread(engine, workload, \.operationsPerProcessorSecond)
        let attempts = results.spread(engine, workload, \.attempts)
        let advantage =
          engine.isMartlet ? nil : results.advantage(.martlet, over: engine, workload)
        table.add([
          workload.kind.name, String(workload.threads), engine.rawValue,
          metric.text(figure) + (hasRate ? "/s" : ""),
          advantage.map(Figures.ratios) ?? "",
          hasRate ? rate.map(Figures.counts) ?? "" : "",
          hasRate ? attempts.map { Figures.significant($0.median) } ?? "" : "",
        ])
      }
    }
    return table.lines + [
      "median (minimum – maximum) of the rounds; ratios are taken round by round; processor time is",
      "that of all threads of the process, those in the background too, and tells more on a machine",
      "with other work; attempts: how often a transaction ran until it had committed",
    ]
  }

  /// Ratios beside their targets.
  private var targets: [String] {
    var table = TextTable(header: [
      "target", "threads", "who", "against", "wanted", "found", "", "by CPU time", "",
    ])
    let verdicts = TargetVerdict.all(results)
    for verdict in verdicts {
      let target = verdict.target
      table.add([
        target.workload.kind.name, String(target.workload.threads), verdict.subject,
        verdict.yardstick, target.wanted, target.text(verdict.found),
        verdict.isMet ? "met" : "MISSED", verdict.byProcessorTime.map(target.text) ?? "",
        verdict.byProcessorTime.map { target.isMet(by: $0) ? "met" : "MISSED" } ?? "",
      ])
    }
    guard !verdicts.isEmpty else { return [] }
    let met = verdicts.count { $0.isMet }
    return table.lines + ["\(met) of \(verdicts.count) targets met by the clock", ""]
  }

  private var latencies: [String] {
    var table = TextTable(header: [
      "latency of transactions, µs", "threads", "engine", "p50", "p99", "p99.9",
    ])
    var isEmpty = true
    for workload in results.workloads {
      for engine in results.engines(at: workload) {
        guard let p50 = results.spread(engine, workload, { $0.latency?.p50 }),
          let p99 = results.spread(engine, workload, { $0.latency?.p99 }),
          let p999 = results.spread(engine, workload, { $0.latency?.p999 })
        else { continue }
        isEmpty = false
        table.add(
          [workload.kind.name, String(workload.threads), engine.rawValue]
            + [p50, p99, p999].map { Figures.significant($0.median) })
      }
    }
    return isEmpty ? [] : table.lines + ["medians of the rounds", ""]
  }

  /// What loading leaves behind: time to settle and close, space on the device, memory.
  private var loads: [String] {
    var table = TextTable(
      header: ["after loading", "engine", "settle s", "close s", "data", "log", "peak memory"])
    var isEmpty = true
    for workload in results.workloads where workload.kind.isLoad {
      for engine in results.engines(at: workload) {
        guard let settle = results.spread(engine, workload, \.settleSeconds),
          let close = results.spread(engine, workload, \.closeSeconds),
          let data = results.spread(engine, workload, { Double($0.dataByteCount) }),
          let log = results.spread(engine, workload, { Double($0.logByteCount) }),
          let peak = results.spread(engine, workload, { Double($0.peakMemoryByteCount) })
        else { continue }
        isEmpty = false
        table.add([
          workload.kind.name, engine.rawValue, Figures.seconds(settle), Figures.seconds(close),
          Figures.mebibytes(data), Figures.mebibytes(log), Figures.mebibytes(peak),
        ])
      }
    }
    guard !isEmpty else { return [] }
    return table.lines + [
      "settle: final sync or checkpoint, not part of the figures above but of bulk builds; data and",
      "log: allocated blocks after it; peak memory: resident set above what the harness holds, which",
      "counts the pages of a file an engine has mapped and not the kernel's cache of files it reads",
      "by calls", "",
    ]
  }
}
