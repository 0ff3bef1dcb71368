/// A peer whose workloads stand in unusual proportion to each other is badly configured.
///
/// Absolute figures depend on the machine, so each is taken relative to the peer's own point reads
/// with one thread and compared with the same quotient of an independent harness in C
/// (1 million records of 16 and 100 bytes, idle machine, medians). More than a quarter below is a
/// warning: fix the benchmark before believing the comparison.
enum PeerCheck {
  /// Operations a second of LMDB 0.9.24 in the independent harness. Its random load and single puts
  /// depend on the device and the file system as well.
  private static func expectation(_ workload: Workload) -> Double? {
    switch (workload.kind, workload.threads) {
    case (.sortedLoad, 1): 4_300_000
    case (.randomLoad, 1): 312_000
    case (.randomRead, 1): 990_000
    case (.randomRead, 2): 2_090_000
    case (.randomReadTransaction, 1): 960_000
    case (.randomReadTransaction, 2): 1_940_000
    case (.fullScan, 1): 23_500_000
    case (.putRelaxed, 1): 44_000
    case (.putFull, 1): 2_900
    case (.putFull, 8): 2_800
    default: nil
    }
  }

  /// Transfers a second in the independent harness (8 threads, 100 records), for each peer.
  private static let transfers: [EngineKind: Double] = [
    .lmdb: 33_000, .berkeleyDB: 101_000, .wiredTiger: 372_000, .sqlite: 34_000,
    .rocksDBLocking: 42_000, .rocksDBOptimistic: 38_000,
  ]

  /// Lines of warning; none when all is well or when the run cannot tell.
  static func warnings(_ results: Results) -> [String] {
    lmdbWarnings(results) + transferWarnings(results)
  }

  /// Transfers of each peer in proportion to LMDB's.
  ///
  /// Only an idle machine can tell: LMDB's threads hand one lock to each other at every transaction,
  /// which costs most when all of them run, and nothing when other work lets one run at a time.
  private static func transferWarnings(_ results: Results) -> [String] {
    let workload = Workload(kind: .transfer, threads: 8)
    guard let base = results.throughput(.lmdb, workload)?.median, let lmdb = transfers[.lmdb]
    else { return [] }
    return EngineKind.peers.compactMap { peer in
      guard peer != .lmdb, let figure = results.throughput(peer, workload)?.median,
        let expectation = transfers[peer], figure / base < 0.75 * expectation / lmdb
      else { return nil }
      return "\(peer.rawValue) at \(workload): \(digits(figure / base)) of LMDB's, where an"
        + " independent harness found \(digits(expectation / lmdb)) on an idle machine: more than a"
        + " quarter below, check its settings, unless other work kept threads from meeting"
    }
  }

  private static func lmdbWarnings(_ results: Results) -> [String] {
    let base = Workload(kind: .randomRead, threads: 1)
    guard results.records == Scale.standardRecords,
      let baseFigure = results.throughput(.lmdb, base)?.median,
      let baseExpectation = expectation(base)
    else { return [] }
    return results.workloads.compactMap { workload in
      guard workload != base, let expectation = expectation(workload),
        let figure = results.throughput(.lmdb, workload)?.median
      else { return nil }
      let expected = expectation / baseExpectation
      let found = figure / baseFigure
      guard found < 0.75 * expected else { return nil }
      return "lmdb at \(workload): \(digits(found)) of its point reads, where an independent"
        + " harness found \(digits(expected)): more than a quarter below, check its settings"
    }
  }

  private static func digits(_ value: Double) -> String {
    String((value * 10_000).rounded() / 10_000)
  }
}
