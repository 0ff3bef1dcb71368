/// A workload with its number of threads.
struct Workload: Hashable, Sendable, CustomStringConvertible {
  enum Kind: String, CaseIterable, Codable, Sendable {
    case sortedLoad = "sorted-load"
    case randomLoad = "random-load"
    case randomRead = "random-read"
    case randomReadTransaction = "random-read-tx"
    case fullScan = "full-scan"
    case putRelaxed = "put-relaxed"
    case putFull = "put-full"
    case changeOne = "read-modify-write"
    case changeFour = "read-modify-write-4"
    case transfer = "transfer"
    case orderedTransfer = "transfer-ordered"
    case readAlone = "read-alone"
    case readBesideWriter = "read-beside-writer"

    /// What is done, for the report.
    var detail: String {
      switch self {
      case .sortedLoad: "ascending keys, 10,000 a transaction, no sync a batch"
      case .randomLoad: "shuffled keys, 10,000 a transaction, no sync a batch"
      case .randomRead: "random existing keys, one snapshot per 1,000 reads"
      case .randomReadTransaction: "random existing keys, one snapshot per single read"
      case .fullScan: "every record in key order, one snapshot per pass"
      case .putRelaxed: "one existing key replaced a transaction, no sync"
      case .putFull: "one existing key replaced a transaction, durable when it returns"
      case .changeOne: "one key read and written back a transaction, no two the same, no sync"
      case .changeFour: "the same with four keys a transaction"
      case .transfer:
        "an amount moved between 2 of 100 keys a transaction, retried until it commits, no sync;"
          + " keys are read for update in random order"
      case .orderedTransfer: "the same, the lower key first"
      case .readAlone: "random existing keys, one snapshot per 100 reads; times of the reader alone"
      case .readBesideWriter:
        "the same beside one thread that moves amounts between random keys"
      }
    }

    var threadCounts: [Int] {
      switch self {
      case .sortedLoad, .randomLoad, .fullScan: [1]
      case .randomRead, .randomReadTransaction: [1, 2]
      case .putRelaxed, .putFull: [1, 8]
      case .changeOne, .changeFour: [1, 2]
      case .transfer, .orderedTransfer: [8]
      case .readAlone, .readBesideWriter: [1]
      }
    }

    /// Who takes part in a run that names no engines.
    var standardEngines: [EngineKind] {
      switch self {
      case .sortedLoad, .randomLoad, .randomRead, .randomReadTransaction, .fullScan, .putRelaxed,
        .putFull:
        [.martlet, .lmdb]
      case .changeOne, .changeFour: EngineKind.martletLevels + [.lmdb]
      case .transfer, .orderedTransfer: EngineKind.martletLevels + EngineKind.installedPeers
      case .readAlone: [.martlet]
      case .readBesideWriter: EngineKind.martletLevels
      }
    }

    var durability: EngineOptions.Durability {
      self == .putFull ? .full : .relaxed
    }
  }

  let kind: Kind
  let threads: Int

  var description: String { "\(kind.rawValue) \(threads)" }

  /// Every workload, in the order of the report.
  static let all = Kind.allCases.flatMap { kind in
    kind.threadCounts.map { Workload(kind: kind, threads: $0) }
  }

  /// How many records there are: transfers have few, so that they meet.
  func recordCount(_ scale: Scale) -> Int {
    switch kind {
    case .transfer, .orderedTransfer: Scale.contendedRecords
    default: scale.records
    }
  }

  func makeWork(_ dataset: Dataset, _ scale: Scale) -> any Work {
    switch kind {
    case .sortedLoad: LoadWork(dataset, sorted: true)
    case .randomLoad: LoadWork(dataset, sorted: false)
    case .randomRead: ReadWork(dataset, scale, threads: threads, readsPerSnapshot: 1_000)
    case .randomReadTransaction: ReadWork(dataset, scale, threads: threads, readsPerSnapshot: 1)
    case .fullScan: ScanWork(dataset, passes: scale.scanPasses)
    case .putRelaxed: PutWork(dataset, threads: threads, count: scale.relaxedPuts)
    case .putFull: PutWork(dataset, threads: threads, count: scale.fullPuts(threads: threads))
    case .changeOne:
      BalanceWork.uncontended(
        dataset, threads: threads, count: scale.changes, keysPerTransaction: 1)
    case .changeFour:
      BalanceWork.uncontended(
        dataset, threads: threads, count: scale.changes / 2, keysPerTransaction: 4)
    case .transfer, .orderedTransfer:
      BalanceWork.transfers(
        dataset, threads: threads, count: scale.transfers, inKeyOrder: kind == .orderedTransfer)
    case .readAlone, .readBesideWriter:
      BesideWriterWork(dataset, scale, hasWriter: kind == .readBesideWriter)
    }
  }
}
