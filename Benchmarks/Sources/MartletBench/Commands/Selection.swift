import ArgumentParser

/// What to run: workloads, engines, amounts.
struct Selection: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Workloads, by name, separated by commas; all by default.",
      discussion: Workload.Kind.allCases.map(\.name).joined(separator: ", ")))
  var workloads: String?

  @Option(
    help: ArgumentHelp(
      "Engines, by name, separated by commas; each workload's own by default.",
      discussion: EngineKind.allCases.map(\.rawValue).joined(separator: ", ")))
  var engines: String?

  @Option(help: "Numbers of threads, separated by commas; each workload's own by default.")
  var threads: String?

  @Option(help: "The number of records.")
  var records: Int?

  @Flag(help: "Few records and one round: to see that everything works, not how fast.")
  var quick = false

  @Option(help: "How often every engine takes its turn at every workload.")
  var rounds: Int?

  @Option(help: "The seed of keys, values and orders.")
  var seed: UInt64 = 1

  func plan() throws -> TrialPlan {
    let records = records ?? (quick ? Scale.quickRecords : Scale.standardRecords)
    let rounds = rounds ?? (quick ? 1 : 3)
    guard records >= Scale.contendedRecords, rounds > 0 else {
      throw ValidationError(
        "--records must be at least \(Scale.contendedRecords) and --rounds positive")
    }
    return TrialPlan(
      workloads: try selectedWorkloads(), named: try namedEngines(),
      scale: Scale(records: records), rounds: rounds)
  }

  private func namedEngines() throws -> [EngineKind]? {
    guard let engines else { return nil }
    return try engines.split(separator: ",").map { name in
      guard let engine = EngineKind(rawValue: String(name)) else {
        throw ValidationError("no engine is called '\(name)'")
      }
      guard engine.isInstalled else {
        throw ValidationError("\(name) takes part only when its library is installed")
      }
      return engine
    }
  }

  private func selectedWorkloads() throws -> [Workload] {
    let counts = try threads?.split(separator: ",").map { text in
      guard let count = Int(text), count > 0 else {
        throw ValidationError("'\(text)' is no number of threads")
      }
      return count
    }
    let kinds = try workloads?.split(separator: ",").map { name in
      guard let kind = Workload.Kind(name: String(name)) else {
        let known = Workload.Kind.allCases.map(\.name).joined(separator: ", ")
        throw ValidationError("no workload is called '\(name)'; there are \(known)")
      }
      return kind
    }
    let selected = Workload.all.filter { workload in
      (kinds?.contains(workload.kind) ?? true)
        && (counts.map { $0.contains(workload.threads) } ?? (!quick || workload.isQuick))
    }
    guard !selected.isEmpty else {
      throw ValidationError("no workload runs with so many threads")
    }
    return selected
  }
}
