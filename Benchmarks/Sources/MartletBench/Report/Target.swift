/// A promise about a workload: the best of some engines reaches a share of the best of others.
///
/// Which of two figures counts: with all of a machine to itself the throughput, on one that is busy
/// with other work the operations per second of processor time. Both are reported.
struct Target: Sendable {
  let workload: Workload
  let subjects: [EngineKind]
  let rivals: [EngineKind]
  /// The workload of the rivals, when it is another one.
  var rivalWorkload: Workload
  let ratio: Double

  init(
    _ kind: Workload.Kind, _ threads: Int, _ subjects: [EngineKind], _ ratio: Double,
    of rivals: [EngineKind], at rivalKind: Workload.Kind? = nil
  ) {
    workload = Workload(kind: kind, threads: threads)
    self.subjects = subjects
    self.rivals = rivals
    rivalWorkload = Workload(kind: rivalKind ?? kind, threads: threads)
    self.ratio = ratio
  }

  /// Every target, in the order of the report.
  static let all = floor + transfers + uncontended + reading

  /// What the engine without isolation above snapshots promises against LMDB.
  private static let floor = [
    Target(.sortedLoad, 1, [.martlet], 0.5, of: [.lmdb]),
    Target(.randomLoad, 1, [.martlet], 2, of: [.lmdb]),
    Target(.randomRead, 1, [.martlet], 1, of: [.lmdb]),
    Target(.randomRead, 2, [.martlet], 1, of: [.lmdb]),
    Target(.randomReadTransaction, 1, [.martlet], 1, of: [.lmdb]),
    Target(.randomReadTransaction, 2, [.martlet], 1, of: [.lmdb]),
    Target(.fullScan, 1, [.martlet], 1, of: [.lmdb]),
    Target(.putRelaxed, 1, [.martlet], 4, of: [.lmdb]),
    Target(.putRelaxed, 8, [.martlet], 4, of: [.lmdb]),
    Target(.putFull, 1, [.martlet], 1, of: [.lmdb]),
    Target(.putFull, 8, [.martlet], 4, of: [.lmdb]),
  ]

  private static let transfers = [Workload.Kind.transfer, .orderedTransfer].flatMap { kind in
    [
      Target(kind, 8, EngineKind.martletProtocols, 10, of: [.lmdb]),
      Target(kind, 8, EngineKind.martletProtocols, 1.2, of: EngineKind.peers),
    ]
      + EngineKind.martletProtocols.map {
        Target(kind, 8, [$0], 2, of: EngineKind.serializablePeers)
      }
  }

  /// What serializability may cost when nobody is in the way.
  private static let uncontended = [Workload.Kind.changeOne, .changeFour].flatMap { kind in
    [1, 2].flatMap { threads in
      [
        Target(kind, threads, [.martletSSI], 0.75, of: [.martlet]),
        Target(kind, threads, [.martletOptimistic], 0.75, of: [.martlet]),
        Target(kind, threads, [.martletLocking], 0.6, of: [.martlet]),
      ]
    }
  }

  /// What a serializable writer may cost a reader more than one at `.snapshot` does.
  private static let reading = EngineKind.martletProtocols.map {
    Target(.readBesideWriter, 1, [$0], 0.9, of: [.martlet])
  }

  /// Where a target stands in a run, by one figure.
  ///
  /// Engines took turns, so ratios are of one round each, and the verdict is on their median.
  func spread(_ results: Results, _ figure: (Outcome) -> Double) -> Spread? {
    let mine = best(subjects, workload, results, figure)
    let theirs = best(rivals, rivalWorkload, results, figure)
    return Spread(zip(mine, theirs).map { $0 / $1 })
  }

  /// The best figure of some engines in each round that all of those present finished.
  private func best(
    _ engines: [EngineKind], _ workload: Workload, _ results: Results,
    _ figure: (Outcome) -> Double
  ) -> [Double] {
    let figures = engines.compactMap { engine -> [Double]? in
      results.outcomes[Results.Cell(engine: engine, workload: workload)]?.map(figure)
    }
    guard let rounds = figures.map(\.count).min() else { return [] }
    return (0..<rounds).map { round in figures.map { $0[round] }.max() ?? 0 }
  }

  /// The engines with the best figure, by name, for the report.
  func name(_ engines: [EngineKind], in results: Results) -> String {
    let present = engines.filter {
      results.outcomes[Results.Cell(engine: $0, workload: workload)] != nil
    }
    let names = present.map(\.rawValue)
    return names.count > 1 ? "best of " + names.joined(separator: ", ") : names.first ?? "-"
  }
}
