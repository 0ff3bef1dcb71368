/// Which engines take turns at which workloads, how often.
struct TrialPlan: Sendable {
  struct Turn: Sendable {
    let workload: Workload
    let engines: [EngineKind]
  }

  /// What is reported.
  let workloads: [Workload]
  /// What is run: some figures come from the trials of another workload.
  let turns: [Turn]
  let scale: Scale
  let rounds: Int

  /// - Parameter named: the engines to take wherever they can; nil for each workload's own.
  init(workloads: [Workload], named: [EngineKind]?, scale: Scale, rounds: Int) {
    self.workloads = workloads
    self.scale = scale
    self.rounds = rounds
    var sources: [Workload] = []
    for workload in workloads where !sources.contains(workload.source) {
      sources.append(workload.source)
    }
    turns = sources.map { source in
      let kind = source.kind
      let engines = kind == .deviceWrite ? [.device] : named ?? kind.standardEngines
      return Turn(workload: source, engines: engines.filter(kind.admits))
    }
  }

  var engines: [EngineKind] {
    let takingPart = Set(turns.flatMap(\.engines))
    return EngineKind.allCases.filter(takingPart.contains)
  }
}
