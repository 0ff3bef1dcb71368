import Foundation

/// The report of a run as lines of text.
struct TerminalReport: Sendable {
  let results: Results
  let machine: Machine
  let command: String
  let directory: String
  let rounds: Int
  let seed: UInt64

  var lines: [String] {
    head + [""] + throughput + [""] + targets + latencies + loads + warnings
  }

  private var head: [String] {
    var lines = [
      "command   \(command)",
      "machine   \(machine.summary)",
      "compiler  Swift \(Self.compiler), \(Self.build) build",
      "folder    \(directory) (\(Device.fileSystem(of: directory) ?? "unknown file system"))",
      "data      \(results.records) records of \(RecordShape.keyByteCount) B keys and "
        + "\(RecordShape.valueByteCount) B values, seed \(seed)",
      "rounds    \(rounds), engines in turns, each trial in a process and a folder of its own",
      "warm-up   reads: sorted load, checkpoint or sync, one full scan, then a tenth of the reads;",
      "          puts: the same without the reads; loads: none, the engine is just opened",
      "",
    ]
    for engine in results.engines {
      lines.append("\(engine.rawValue): \(engine.version)")
      lines += engine.settings.map { "  - \($0)" }
    }
    for engine in EngineKind.peers where !engine.isInstalled {
      lines.append("\(engine.rawValue): skipped, its library is not installed")
    }
    lines.append("")
    for kind in Workload.Kind.allCases where results.workloads.contains(where: { $0.kind == kind })
    {
      lines.append("\(kind.rawValue): \(kind.detail)")
    }
    return lines
  }

  /// The engines that took part in a workload.
  private func engines(at workload: Workload) -> [EngineKind] {
    results.engines.filter { results.throughput($0, workload) != nil }
  }

  /// Operations a second of each engine, by the clock and by processor time.
  private var throughput: [String] {
    var table = TextTable(header: [
      "workload", "threads", "engine", "ops/s", "ops per CPU second", "attempts",
    ])
    for workload in results.workloads {
      for engine in engines(at: workload) {
        guard let wall = results.throughput(engine, workload),
          let processor = results.spread(engine, workload, \.operationsPerProcessorSecond),
          let attempts = results.spread(engine, workload, \.attempts)
        else { continue }
        table.add([
          workload.kind.rawValue, String(workload.threads), engine.rawValue,
          Figures.counts(wall), Figures.counts(processor), Figures.significant(attempts.median),
        ])
      }
    }
    return table.lines + [
      "median (minimum – maximum) of the rounds; processor time is that of all threads of the",
      "process, those in the background too, and tells more on a machine with other work;",
      "attempts: how often a transaction ran until it had committed",
    ]
  }

  /// Ratios beside their targets.
  private var targets: [String] {
    var table = TextTable(header: [
      "target", "threads", "ratio", "of", "wanted", "by the clock", "", "by CPU time", "",
    ])
    var isEmpty = true
    for target in Target.all where results.workloads.contains(target.workload) {
      guard let wall = target.spread(results, \.operationsPerSecond),
        let processor = target.spread(results, \.operationsPerProcessorSecond)
      else { continue }
      isEmpty = false
      func verdict(_ spread: Spread) -> String { spread.median >= target.ratio ? "met" : "below" }
      table.add([
        target.workload.kind.rawValue, String(target.workload.threads),
        target.name(target.subjects, in: results), target.name(target.rivals, in: results),
        "≥ \(Figures.significant(target.ratio))x", Figures.ratios(wall), verdict(wall),
        Figures.ratios(processor), verdict(processor),
      ])
    }
    guard !isEmpty else { return [] }
    return table.lines + ["ratios are taken round by round", ""]
  }

  private var latencies: [String] {
    var table = TextTable(header: [
      "latency of transactions, µs", "threads", "engine", "p50", "p99", "p99.9",
    ])
    var isEmpty = true
    for workload in results.workloads {
      for engine in results.engines {
        guard let p50 = results.spread(engine, workload, { $0.latency?.p50 }),
          let p99 = results.spread(engine, workload, { $0.latency?.p99 }),
          let p999 = results.spread(engine, workload, { $0.latency?.p999 })
        else { continue }
        isEmpty = false
        table.add(
          [workload.kind.rawValue, String(workload.threads), engine.rawValue]
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
    for workload in results.workloads
    where workload.kind == .sortedLoad || workload.kind == .randomLoad {
      for engine in results.engines {
        guard let settle = results.spread(engine, workload, \.settleSeconds),
          let close = results.spread(engine, workload, \.closeSeconds),
          let data = results.spread(engine, workload, { Double($0.dataByteCount) }),
          let log = results.spread(engine, workload, { Double($0.logByteCount) }),
          let peak = results.spread(engine, workload, { Double($0.peakMemoryByteCount) })
        else { continue }
        isEmpty = false
        table.add([
          workload.kind.rawValue, engine.rawValue, Figures.seconds(settle), Figures.seconds(close),
          Figures.mebibytes(data), Figures.mebibytes(log),
          Figures.mebibytes(peak),
        ])
      }
    }
    guard !isEmpty else { return [] }
    return table.lines + [
      "settle: final sync or checkpoint, not part of the figures above; data and log: allocated",
      "blocks after it; peak memory: resident set above what the harness holds, which counts the",
      "pages of a file an engine has mapped and not the kernel's cache of files it reads by calls",
      "",
    ]
  }

  private var warnings: [String] {
    PeerCheck.warnings(results).map { "warning: \($0)" }
      + results.failures.map { "FAILED: \($0)" }
  }

  private static var compiler: String {
    #if compiler(>=6.4)
      "6.4 or newer"
    #elseif compiler(>=6.3)
      "6.3"
    #else
      "6.2"
    #endif
  }

  private static var build: String {
    #if DEBUG
      "DEBUG (figures mean nothing)"
    #else
      "release"
    #endif
  }
}
