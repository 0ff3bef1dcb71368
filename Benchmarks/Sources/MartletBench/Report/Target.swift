/// A promise about a workload: how some engines' best figure relates to a yardstick.
///
/// Which of two figures counts: with all of a machine to itself the throughput, on one that is busy
/// with other work the operations per second of processor time. Both are reported.
struct Target: Sendable {
  /// What a figure is held against.
  enum Yardstick: Sendable {
    /// The best of these engines at a workload, in the same round.
    case rivals([EngineKind], at: Workload)
    /// The engine itself with fewer threads.
    case itself(at: Workload)
    /// How another engine's figure grows from a workload with fewer threads to this one.
    case scaling(of: EngineKind, from: Workload)
    /// A number of some unit.
    case absolute(Absolute)
  }

  /// A figure that needs no other engine.
  enum Absolute: Sendable {
    case logMebibytes
    case peakMebibytes
    case commitsPerSecondOfOpening
  }

  /// Which figure of an outcome counts.
  enum Figure: Sendable {
    case clock
    case processorTime
  }

  let workload: Workload
  let subjects: [EngineKind]
  let yardstick: Yardstick
  let bound: Double

  private var metric: Metric { workload.kind.metric }

  /// Whether the bound is the least that is wanted, and not the most.
  var isFloor: Bool {
    switch yardstick {
    case .rivals: metric.isBetterWhenLarger
    case .itself, .scaling, .absolute(.commitsPerSecondOfOpening): true
    case .absolute: false
    }
  }

  func isMet(by spread: Spread) -> Bool {
    isFloor ? spread.median >= bound : spread.median <= bound
  }

  /// Where the target stands in a run, by one figure; nil where that cannot be told.
  ///
  /// Engines took turns, so ratios are of one round each, and the verdict is on their median.
  func spread(_ results: Results, _ figure: Figure) -> Spread? {
    if figure == .processorTime, !countsProcessorTime { return nil }
    let mine = best(subjects, workload, results, figure)
    switch yardstick {
    case .rivals(let rivals, let other):
      return ratio(mine, best(rivals, other, results, figure))
    case .itself(let other):
      return ratio(mine, best(subjects, other, results, figure))
    case .scaling(let engine, let other):
      let growth = quotients(mine, best(subjects, other, results, figure))
      let theirs = quotients(
        best([engine], workload, results, figure), best([engine], other, results, figure))
      return ratio(growth, theirs)
    case .absolute(let absolute):
      return Spread(subjects.flatMap { results.outcomes($0, workload).map(absolute.value) })
    }
  }

  /// How threads get on with each other, what the device does and what takes space has nothing to do
  /// with processor time.
  private var countsProcessorTime: Bool {
    guard metric == .operationsPerSecond, case .rivals(_, let other) = yardstick else {
      return false
    }
    return other.kind != .deviceWrite
  }

  private func quotients(_ mine: [Double], _ theirs: [Double]) -> [Double] {
    zip(mine, theirs).map { $0 / $1 }
  }

  private func ratio(_ mine: [Double], _ theirs: [Double]) -> Spread? {
    Spread(quotients(mine, theirs))
  }

  private func value(_ outcome: Outcome, _ figure: Figure) -> Double {
    figure == .processorTime ? outcome.operationsPerProcessorSecond : metric.value(outcome)
  }

  /// The best figure of some engines in each round that all of those present finished.
  private func best(
    _ engines: [EngineKind], _ workload: Workload, _ results: Results, _ figure: Figure
  ) -> [Double] {
    let figures = engines.map { results.outcomes($0, workload).map { value($0, figure) } }
      .filter { !$0.isEmpty }
    guard let rounds = figures.map(\.count).min() else { return [] }
    return (0..<rounds).compactMap { round in
      let values = figures.map { $0[round] }
      return metric.isBetterWhenLarger ? values.max() : values.min()
    }
  }

  /// The engine with the best median, by name, for the report.
  func name(_ engines: [EngineKind], at workload: Workload, in results: Results) -> String {
    let medians = engines.compactMap { engine in
      results.headline(engine, workload).map { (engine, $0.median) }
    }
    let best = medians.max { first, second in
      metric.isBetterWhenLarger ? first.1 < second.1 : first.1 > second.1
    }
    guard let best else { return "–" }
    return medians.count > 1 ? "best of \(medians.count): \(best.0.rawValue)" : best.0.rawValue
  }

  /// What the figure is held against, for the report.
  func yardstickName(in results: Results) -> String {
    switch yardstick {
    case .rivals(let rivals, let other):
      name(rivals, at: other, in: results)
        + (other.kind == workload.kind ? "" : " at \(other.kind.name)")
    case .itself(let other): "itself with \(other.threads) thread\(other.threads == 1 ? "" : "s")"
    case .scaling(let engine, let other):
      "growth of \(engine.rawValue) from \(other.threads) thread\(other.threads == 1 ? "" : "s")"
    case .absolute(let absolute): absolute.name
    }
  }

  func text(_ spread: Spread) -> String {
    if case .absolute(let absolute) = yardstick { return absolute.text(spread.median) }
    return Figures.ratios(spread)
  }

  var wanted: String {
    let sign = isFloor ? "≥" : "≤"
    if case .absolute(let absolute) = yardstick { return "\(sign) \(absolute.text(bound))" }
    return "\(sign) \(Figures.significant(bound))x"
  }
}

extension Target.Absolute {
  func value(_ outcome: Outcome) -> Double {
    switch self {
    case .logMebibytes: Double(outcome.logByteCount) / Double(1 << 20)
    case .peakMebibytes: Double(outcome.peakMemoryByteCount) / Double(1 << 20)
    case .commitsPerSecondOfOpening: outcome.operationsPerSecond
    }
  }

  var name: String {
    switch self {
    case .logMebibytes: "its log"
    case .peakMebibytes: "its budgets"
    case .commitsPerSecondOfOpening: "commits replayed a second"
    }
  }

  func text(_ value: Double) -> String {
    switch self {
    case .logMebibytes, .peakMebibytes: Figures.significant(value) + " MiB"
    case .commitsPerSecondOfOpening: Figures.count(value) + "/s"
    }
  }
}
