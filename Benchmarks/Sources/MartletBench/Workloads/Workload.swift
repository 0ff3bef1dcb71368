/// A workload with its number of threads.
struct Workload: Hashable, Sendable, CustomStringConvertible {
  let kind: Kind
  let threads: Int

  var description: String { "\(kind.name) \(threads)" }

  /// Every workload, in the order of the report.
  static let all = Kind.allCases.flatMap { kind in
    kind.threadCounts.map { Workload(kind: kind, threads: $0) }
  }

  /// The workload whose trials yield the figures of this one.
  var source: Workload { Workload(kind: kind.source, threads: threads) }

  /// Whether a quick run takes it: of the numbers of threads the extremes tell whether it works.
  var isQuick: Bool {
    switch kind {
    case .putRelaxed, .putFull: threads == 1 || threads == 8
    case .mixed: threads == 2
    default: true
    }
  }

  /// How many records there are before anything is inserted: transfers have few, so that they meet.
  func recordCount(_ scale: Scale) -> Int {
    switch kind {
    case .transfer, .orderedTransfer: Scale.contendedRecords
    case .randomReadMany: scale.manyRecords
    case .largerThanMemory: scale.coldRecords
    default: scale.records
    }
  }

  /// The memory an engine may spend.
  func memoryBudget(_ scale: Scale) -> Int {
    kind.isCold ? scale.coldBudget : Scale(records: recordCount(scale)).cacheByteCount
  }

  /// The records the work deals with, those that are inserted included.
  func makeDataset(_ scale: Scale, seed: UInt64) -> Dataset {
    var count = recordCount(scale)
    if case .mixed(let mixture) = kind {
      count += MixedRequests.insertCount(
        mixture, requests: scale.mixedRequests(mixture), threads: threads)
    }
    return Dataset(recordCount: count, seed: seed)
  }

  func makeWork(_ dataset: Dataset, _ scale: Scale) -> any Work {
    switch kind {
    case .sortedLoad: LoadWork(dataset, sorted: true)
    case .sortedLoadCold: LoadWork(dataset, sorted: true, startsAtRest: false)
    case .randomLoad, .sizeOnDisk, .peakMemory: LoadWork(dataset, sorted: false)
    case .bulkBuild: BulkBuildWork(dataset)
    case .randomRead, .randomReadMany:
      ReadWork(dataset, scale, threads: threads, readsPerSnapshot: 1_000)
    case .randomReadTransaction: ReadWork(dataset, scale, threads: threads, readsPerSnapshot: 1)
    case .fullScan: ScanWork(dataset, passes: scale.scanPasses)
    case .rangeScan: RangeScanWork(dataset, count: scale.rangeScans)
    case .putRelaxed: PutWork(dataset, threads: threads, count: scale.relaxedPuts)
    case .putFull: PutWork(dataset, threads: threads, count: scale.fullPuts(threads: threads))
    case .deviceWrite: DeviceWriteWork(dataset, count: scale.fullPuts(threads: 1))
    case .mixed(let mixture):
      MixedWork(
        mixture, dataset, requests: scale.mixedRequests(mixture), threads: threads)
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
    case .largerThanMemory: ReadWork.largerThanMemory(dataset, scale, threads: threads)
    case .reopen: PutWork(dataset, threads: 1, count: scale.records)
    }
  }
}
