/// A target and where it stands in a run.
struct TargetVerdict: Sendable {
  let target: Target
  let subject: String
  let yardstick: String
  let found: Spread
  let byProcessorTime: Spread?

  var isMet: Bool { target.isMet(by: found) }

  /// Every target that the run can judge, in the order of the report.
  static func all(_ results: Results) -> [TargetVerdict] {
    Target.all(results.scale).compactMap { target in
      guard results.workloads.contains(target.workload),
        let found = target.spread(results, .clock)
      else { return nil }
      return TargetVerdict(
        target: target,
        subject: target.name(target.subjects, at: target.workload, in: results),
        yardstick: target.yardstickName(in: results), found: found,
        byProcessorTime: target.spread(results, .processorTime))
    }
  }
}
