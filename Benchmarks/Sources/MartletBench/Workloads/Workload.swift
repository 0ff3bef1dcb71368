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
      }
    }

    var threadCounts: [Int] {
      switch self {
      case .sortedLoad, .randomLoad, .fullScan: [1]
      case .randomRead, .randomReadTransaction: [1, 2]
      case .putRelaxed, .putFull: [1, 8]
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

  func makeWork(_ dataset: Dataset, _ scale: Scale) -> any Work {
    switch kind {
    case .sortedLoad: LoadWork(dataset, sorted: true)
    case .randomLoad: LoadWork(dataset, sorted: false)
    case .randomRead: ReadWork(dataset, scale, threads: threads, readsPerSnapshot: 1_000)
    case .randomReadTransaction: ReadWork(dataset, scale, threads: threads, readsPerSnapshot: 1)
    case .fullScan: ScanWork(dataset, passes: scale.scanPasses)
    case .putRelaxed: PutWork(dataset, threads: threads, count: scale.relaxedPuts)
    case .putFull: PutWork(dataset, threads: threads, count: scale.fullPuts(threads: threads))
    }
  }
}
