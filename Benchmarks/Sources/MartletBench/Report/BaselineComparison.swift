import Foundation

/// The figures of a run beside those of an earlier one: what a change cost, or won.
///
/// Machines drift: each engine's change stands beside that of LMDB at the same work, whose code did
/// not change. A change counts as one when the ranges of the rounds do not overlap.
struct BaselineComparison: Sendable {
  private let before: [Key: Measurement]
  private let now: [Measurement]
  private let name: String

  private struct Key: Hashable {
    let workload: String
    let records: Int
    let threads: Int
    let engine: String
    let metric: String

    init(_ measurement: Measurement, engine: String? = nil) {
      workload = measurement.workload
      records = measurement.records
      threads = measurement.threads
      self.engine = engine ?? measurement.engine
      metric = measurement.metric
    }
  }

  /// - Parameter path: a file written by `--json` or `--baseline`.
  init(path: String, now: [Measurement]) throws {
    let list = try JSONDecoder().decode(
      [Measurement].self, from: Data(contentsOf: URL(filePath: path)))
    before = Dictionary(list.map { (Key($0), $0) }, uniquingKeysWith: { first, _ in first })
    self.now = now
    name = path
  }

  var lines: [String] {
    let nowByKey = Dictionary(now.map { (Key($0), $0) }, uniquingKeysWith: { first, _ in first })
    var table = TextTable(header: [
      "against \(name)", "threads", "engine", "before", "now", "better by", "lmdb by", "",
    ])
    var isEmpty = true
    for measurement in now {
      guard let metric = Metric(rawValue: measurement.metric),
        let earlier = before[Key(measurement)]
      else { continue }
      isEmpty = false
      let change = change(metric, from: earlier.spread, to: measurement.spread)
      let lmdb = Key(measurement, engine: EngineKind.lmdb.rawValue)
      let drift = before[lmdb].flatMap { earlier in
        nowByKey[lmdb].map { metric.advantage($0.spread.median, over: earlier.spread.median) }
      }
      table.add([
        measurement.workload, String(measurement.threads), measurement.engine,
        metric.text(earlier.spread.median), metric.text(measurement.spread.median),
        Figures.ratios(change),
        measurement.engine == EngineKind.lmdb.rawValue
          ? "" : drift.map { Figures.significant($0) + "x" } ?? "",
        verdict(change),
      ])
    }
    guard !isEmpty else { return ["nothing in \(name) can be compared with this run"] }
    return table.lines + [
      "better by: the quotient of the medians, and the least and the greatest that the rounds allow;",
      "a verdict stands where even these agree", "",
    ]
  }

  private func change(_ metric: Metric, from earlier: Spread, to later: Spread) -> Spread {
    let bounds = [
      metric.advantage(later.minimum, over: earlier.maximum),
      metric.advantage(later.maximum, over: earlier.minimum),
      metric.advantage(later.minimum, over: earlier.minimum),
      metric.advantage(later.maximum, over: earlier.maximum),
    ]
    return Spread(
      median: metric.advantage(later.median, over: earlier.median),
      minimum: bounds.min() ?? 0, maximum: bounds.max() ?? 0,
      rounds: max(2, earlier.rounds + later.rounds - 1))
  }

  private func verdict(_ change: Spread) -> String {
    change.minimum > 1 ? "better" : change.maximum < 1 ? "WORSE" : "within the spread"
  }
}
