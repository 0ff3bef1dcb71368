/// Every outcome of a run, by engine and workload, in the order of rounds.
struct Results: Sendable {
  struct Cell: Hashable, Sendable {
    let engine: EngineKind
    let workload: Workload
  }

  let engines: [EngineKind]
  let workloads: [Workload]
  let scale: Scale
  private var outcomes: [Cell: [Outcome]] = [:]
  private(set) var failures: [String] = []

  init(engines: [EngineKind], workloads: [Workload], scale: Scale) {
    self.engines = engines
    self.workloads = workloads
    self.scale = scale
  }

  /// Keeps an outcome, and notes a failure if its checksum differs from those at the workload so far.
  mutating func add(_ outcome: Outcome, _ engine: EngineKind, _ workload: Workload) {
    for other in engines {
      let known = outcomes[Cell(engine: other, workload: workload), default: []]
      guard let expected = known.lazy.compactMap(\.checksum).first, let found = outcome.checksum
      else { continue }
      if found != expected {
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

  /// What an engine did at a workload, round by round, or at the one that yields its figures.
  func outcomes(_ engine: EngineKind, _ workload: Workload) -> [Outcome] {
    outcomes[Cell(engine: engine, workload: workload.source), default: []]
  }

  /// The engines that took part in a workload.
  func engines(at workload: Workload) -> [EngineKind] {
    engines.filter { !outcomes($0, workload).isEmpty && workload.kind.admits($0) }
  }

  func spread(
    _ engine: EngineKind, _ workload: Workload, _ value: (Outcome) -> Double?
  ) -> Spread? {
    Spread(outcomes(engine, workload).compactMap(value))
  }

  /// The figure of the workload that counts.
  func headline(_ engine: EngineKind, _ workload: Workload) -> Spread? {
    spread(engine, workload, workload.kind.metric.value)
  }

  /// How many times better one engine is than another, round by round.
  func advantage(
    _ engine: EngineKind, over other: EngineKind, _ workload: Workload
  ) -> Spread? {
    let metric = workload.kind.metric
    return Spread(
      zip(outcomes(engine, workload), outcomes(other, workload)).map {
        metric.advantage(metric.value($0), over: metric.value($1))
      })
  }

  /// Every figure of the run.
  var measurements: [Measurement] {
    workloads.flatMap { workload in
      engines(at: workload).flatMap { measurements($0, workload) }
    }
  }

  private func measurements(_ engine: EngineKind, _ workload: Workload) -> [Measurement] {
    let kind = workload.kind
    var list: [Measurement] = []
    func add(_ metric: String, _ value: (Outcome) -> Double?) {
      guard let spread = spread(engine, workload, value) else { return }
      list.append(
        Measurement(
          workload: kind.name, records: workload.recordCount(scale), threads: workload.threads,
          engine: engine.rawValue, metric: metric, spread: spread))
    }
    add(kind.metric.rawValue, kind.metric.value)
    switch kind.metric {
    case .operationsPerSecond:
      add("cpu-us/op", \.processorMicroseconds)
      add("attempts", \.attempts)
      add("p50-us") { $0.latency?.p50 }
      add("p99-us") { $0.latency?.p99 }
      add("p99.9-us") { $0.latency?.p999 }
    case .dataBytes: add("log-bytes") { Double($0.logByteCount) }
    case .openSeconds, .memoryBytes: break
    }
    if kind.isCold { add("cached-bytes") { $0.cachedByteCount.map(Double.init) } }
    if kind.isLoad {
      add("settle-s", \.settleSeconds)
      add("close-s", \.closeSeconds)
    }
    return list
  }
}
