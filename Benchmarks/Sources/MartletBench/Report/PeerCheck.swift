/// A peer whose figures stand far below what is known of it is badly configured, and a comparison
/// with it worth nothing.
///
/// What is known comes from an independent harness in C (1 million records of 16 and 100 bytes, idle
/// machine, medians). Absolute figures depend on the machine, so ratios are compared: those of work
/// for the processor to LMDB's point reads with one thread in the same run, those of durable puts and
/// of transfers, which depend on the device and on how threads meet, to LMDB's at the same work. More
/// than a quarter below, by the clock and by processor time, fails a full run.
///
/// Only an idle machine can tell how threads meet: LMDB's hand one lock to each other at every
/// transaction, which costs most when all of them run.
enum PeerCheck {
  private static let tolerance = 0.75
  private static let base = Workload(kind: .randomRead, threads: 1)

  /// Peers that are too slow to be true, each with its figures; none when all is well or when the run
  /// cannot tell.
  static func findings(_ results: Results) -> [String] {
    guard results.scale.records == Scale.standardRecords else { return [] }
    return expectations.flatMap { expectation in
      results.workloads.contains(expectation.workload)
        ? EngineKind.peers.compactMap { finding($0, expectation, results) } : []
    }
  }

  private static func finding(
    _ peer: EngineKind, _ expectation: Expectation, _ results: Results
  ) -> String? {
    let workload = expectation.workload
    let isSameWork = workload.kind == .putFull || workload.kind == .transfer
    let yardstick = isSameWork ? workload : base
    guard peer != .lmdb || yardstick != workload, let expected = expectation.figures[peer],
      let baseExpectation = expectations.first(where: { $0.workload == yardstick })?.figures[.lmdb],
      let clock = quotient(peer, workload, yardstick, results, \.operationsPerSecond)
    else { return nil }
    let wanted = expected / baseExpectation
    // The processor time of several threads says nothing about how they run beside each other.
    let found =
      workload.threads > 1
      ? clock
      : max(
        clock, quotient(peer, workload, yardstick, results, \.operationsPerProcessorSecond) ?? 0)
    guard found < tolerance * wanted else { return nil }
    return "\(peer.rawValue) at \(workload): \(Figures.significant(found)) of lmdb at"
      + " \(yardstick), where an independent harness in C found \(Figures.significant(wanted)):"
      + " more than a quarter below, check its settings"
  }

  /// The peer's figure in proportion to LMDB's.
  private static func quotient(
    _ peer: EngineKind, _ workload: Workload, _ yardstick: Workload, _ results: Results,
    _ figure: (Outcome) -> Double
  ) -> Double? {
    guard let mine = results.spread(peer, workload, figure),
      let base = results.spread(.lmdb, yardstick, figure)
    else { return nil }
    return mine.median / base.median
  }
}
