/// Every outcome of a run, by engine and workload, in the order of rounds.
struct Results: Sendable {
  struct Cell: Hashable, Sendable {
    let engine: EngineKind
    let workload: Workload
  }

  let engines: [EngineKind]
  let workloads: [Workload]
  let records: Int
  private(set) var outcomes: [Cell: [Outcome]] = [:]
  private(set) var failures: [String] = []

  init(engines: [EngineKind], workloads: [Workload], records: Int) {
    self.engines = engines
    self.workloads = workloads
    self.records = records
  }

  /// Keeps an outcome, and notes a failure if its checksum differs from those at the workload so far.
  mutating func add(_ outcome: Outcome, _ engine: EngineKind, _ workload: Workload) {
    for other in engines {
      guard let known = outcomes[Cell(engine: other, workload: workload)]?.first else { continue }
      if known.checksum != outcome.checksum {
        failures.append(
          "\(workload): the checksum of \(engine.rawValue) differs from that of \(other.rawValue)")
      }
      break
    }
    outcomes[Cell(engine: engine, workload: workload), default: []].append(outcome)
  }

  mutating func addFailure(_ message: String) {
    failures.append(message)
  }

  func spread(
    _ engine: EngineKind, _ workload: Workload, _ value: (Outcome) -> Double?
  ) -> Spread? {
    Spread(outcomes[Cell(engine: engine, workload: workload), default: []].compactMap(value))
  }

  func throughput(_ engine: EngineKind, _ workload: Workload) -> Spread? {
    spread(engine, workload, \.operationsPerSecond)
  }

  /// Every figure of the run.
  var measurements: [Measurement] {
    var list: [Measurement] = []
    for workload in workloads {
      for engine in engines {
        func add(_ name: String, _ metric: String, _ value: (Outcome) -> Double?) {
          guard let spread = spread(engine, workload, value) else { return }
          list.append(
            Measurement(
              workload: name, records: workload.recordCount(Scale(records: records)),
              threads: workload.threads, engine: engine,
              metric: metric, spread: spread))
        }
        let name = workload.kind.rawValue
        add(name, "ops/s", \.operationsPerSecond)
        add(name, "cpu-us/op", \.processorMicroseconds)
        add(name, "attempts", \.attempts)
        add(name, "p50-us") { $0.latency?.p50 }
        add(name, "p99-us") { $0.latency?.p99 }
        add(name, "p99.9-us") { $0.latency?.p999 }
        if workload.kind == .sortedLoad || workload.kind == .randomLoad {
          add(name, "settle-s", \.settleSeconds)
          add(name, "close-s", \.closeSeconds)
        }
        if workload.kind == .randomLoad {
          add("size-on-disk", "bytes") { Double($0.dataByteCount) }
          add("size-on-disk", "log-bytes") { Double($0.logByteCount) }
          add("peak-memory", "bytes") { Double($0.peakMemoryByteCount) }
        }
      }
    }
    return list
  }
}
