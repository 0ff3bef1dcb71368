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
    head + [""] + throughput + [""] + processorTimes + latencies + loads + warnings
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
    lines.append("")
    for kind in Workload.Kind.allCases where results.workloads.contains(where: { $0.kind == kind })
    {
      lines.append("\(kind.rawValue): \(kind.detail)")
    }
    return lines
  }

  private var peers: [EngineKind] {
    results.engines.contains(.martlet) ? results.engines.filter { $0 != .martlet } : []
  }

  /// Operations a second of each engine, and Martlet's ratio to each other beside the floor target.
  private var throughput: [String] {
    var header = ["workload", "threads"]
    header += results.engines.map { "\($0.rawValue) ops/s" }
    header += peers.map { "martlet/\($0.rawValue)" }
    header.append("floor")
    var table = TextTable(header: header)
    for workload in results.workloads {
      var row = [workload.kind.rawValue, String(workload.threads)]
      row += results.engines.map { engine in
        results.throughput(engine, workload).map(Figures.counts) ?? "-"
      }
      row += peers.map { peer in
        results.ratio(of: .martlet, to: peer, workload).map(Figures.ratios) ?? "-"
      }
      row.append(floor(workload))
      table.add(row)
    }
    return table.lines + [
      "median (minimum – maximum) of the rounds; ratios are taken round by round"
    ]
  }

  private func floor(_ workload: Workload) -> String {
    guard let target = FloorTarget.ratio(workload) else { return "-" }
    let text = "≥ \(target.formatted())x"
    guard peers.contains(FloorTarget.peer),
      let found = results.ratio(of: .martlet, to: FloorTarget.peer, workload)
    else { return text + "     " }
    return text + (found.median >= target ? "  met " : " below")
  }

  /// Unlike the figures above they hold on a machine that is busy with other work as well.
  private var processorTimes: [String] {
    var table = TextTable(
      header: ["CPU µs an operation", "threads"] + results.engines.map(\.rawValue))
    for workload in results.workloads {
      table.add(
        [workload.kind.rawValue, String(workload.threads)]
          + results.engines.map { engine in
            results.spread(engine, workload, \.processorMicroseconds)
              .map { Figures.significant($0.median) } ?? "-"
          })
    }
    return table.lines + ["all threads of the process, those in the background too", ""]
  }

  private var latencies: [String] {
    var table = TextTable(header: [
      "latency of puts, µs", "threads", "engine", "p50", "p99", "p99.9",
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
