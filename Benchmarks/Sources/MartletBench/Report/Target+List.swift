extension Target {
  /// Every target, in the order of the report.
  static func all(_ scale: Scale) -> [Target] {
    loads + reads + scans + puts + mixtures + transfers + uncontended + besideWriters + cold
      + sizes + [peakMemory(scale)]
  }

  private init(
    _ kind: Workload.Kind, _ threads: Int, _ subjects: [EngineKind], _ bound: Double,
    of rivals: [EngineKind], at rivalKind: Workload.Kind? = nil
  ) {
    self.init(
      workload: Workload(kind: kind, threads: threads), subjects: subjects,
      yardstick: .rivals(rivals, at: Workload(kind: rivalKind ?? kind, threads: threads)),
      bound: bound)
  }

  /// Against LMDB, and against the best of the other peers.
  private static func pair(
    _ kind: Workload.Kind, _ threads: Int = 1, lmdb: Double, others: Double
  ) -> [Target] {
    [
      Target(kind, threads, [.martlet], lmdb, of: [.lmdb]),
      Target(kind, threads, [.martlet], others, of: EngineKind.otherPeers),
    ]
  }

  /// As LMDB loads by `MDB_APPEND`. Of the cold load the figure is reported alone.
  private static let loads =
    pair(.sortedLoad, lmdb: 0.8, others: 3) + pair(.randomLoad, lmdb: 3.5, others: 4)
    + pair(.bulkBuild, lmdb: 1.1, others: 3)

  private static let reads =
    [1, 2].flatMap { pair(.randomRead, $0, lmdb: 1.8, others: 2) }
    + [growth(.randomRead)]
    + [1, 2].flatMap { pair(.randomReadTransaction, $0, lmdb: 1.5, others: 1.8) }
    + [growth(.randomReadTransaction)]
    + pair(.randomReadMany, lmdb: 1.6, others: 5)

  /// Two threads scale about as well as LMDB's, which share nothing.
  private static func growth(_ kind: Workload.Kind) -> Target {
    Target(
      workload: Workload(kind: kind, threads: 2), subjects: [.martlet],
      yardstick: .scaling(of: .lmdb, from: Workload(kind: kind, threads: 1)), bound: 0.95)
  }

  private static let scans =
    pair(.fullScan, lmdb: 1.5, others: 1.5) + pair(.rangeScan, lmdb: 1.3, others: 1.5)

  private static let puts =
    pair(.putRelaxed, 1, lmdb: 10, others: 4) + pair(.putRelaxed, 2, lmdb: 10, others: 3)
    + [
      Target(
        workload: Workload(kind: .putRelaxed, threads: 2), subjects: [.martlet],
        yardstick: .itself(at: Workload(kind: .putRelaxed, threads: 1)), bound: 1.5)
    ]
    + pair(.putFull, 1, lmdb: 2, others: 1.1)
    + [
      Target(.putFull, 1, [.martlet], 0.9, of: [.device], at: .deviceWrite),
      Target(.putFull, 8, [.martlet], 6, of: [.lmdb]),
      Target(.putFull, 8, [.martlet], 1, of: [.berkeleyDB]),
      Target(.putFull, 8, [.martlet], 1.6, of: EngineKind.rocksDB),
    ]
    + pair(.putFull, 32, lmdb: 15, others: 1.5)

  private static let mixtures = [1, 2].flatMap { threads in
    pair(.mixed(.a), threads, lmdb: 2, others: 1.5)
      + pair(.mixed(.b), threads, lmdb: 2, others: 1.5)
      + pair(.mixed(.c), threads, lmdb: 1.5, others: 1.5)
      + pair(.mixed(.e), threads, lmdb: 1.5, others: 1.5)
      + pair(.mixed(.f), threads, lmdb: 4, others: threads == 1 ? 1.5 : 1.2)
  }

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
  private static let besideWriters = EngineKind.martletProtocols.map {
    Target(.readBesideWriter, 1, [$0], 0.9, of: [.martlet])
  }

  private static let cold = [1, 8].flatMap { threads in
    [
      Target(.largerThanMemory, threads, [.martlet], 1, of: [.lmdbNoReadAhead]),
      Target(.largerThanMemory, threads, [.martlet], 1, of: EngineKind.otherPeers),
    ]
  }

  private static let sizes = [
    Target(.sizeOnDisk, 1, [.martlet], 1.2, of: EngineKind.compressingPeers),
    Target(
      workload: Workload(kind: .sizeOnDisk, threads: 1), subjects: [.martlet],
      yardstick: .absolute(.logMebibytes), bound: 64),
    Target(.reopen, 1, [.martlet], 1, of: EngineKind.rocksDB),
    Target(
      workload: Workload(kind: .reopen, threads: 1), subjects: [.martlet],
      yardstick: .absolute(.commitsPerSecondOfOpening), bound: 1_000_000),
  ]

  /// The cache, the version budget, the write set of a batch, 24 bytes a page of data, and 64 MiB.
  private static func peakMemory(_ scale: Scale) -> Target {
    let workload = Workload(kind: .peakMemory, threads: 1)
    let pages = 2 * scale.records * RecordShape.byteCount / (16 << 10)
    let byteCount =
      workload.memoryBudget(scale) + 64 << 20 + 2 * Scale.batchRecords * RecordShape.byteCount
      + 24 * pages + 64 << 20
    return Target(
      workload: workload, subjects: [.martlet], yardstick: .absolute(.peakMebibytes),
      bound: (Double(byteCount) / Double(1 << 20)).rounded())
  }
}
