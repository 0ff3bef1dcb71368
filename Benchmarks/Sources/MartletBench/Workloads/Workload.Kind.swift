extension Workload {
  /// What is done, whatever the number of threads.
  enum Kind: Hashable, CaseIterable, Sendable {
    case sortedLoad
    case sortedLoadCold
    case randomLoad
    case bulkBuild
    case randomRead
    case randomReadTransaction
    case randomReadMany
    case fullScan
    case rangeScan
    case putRelaxed
    case putFull
    case deviceWrite
    case mixed(MixedRequests.Mixture)
    case changeOne
    case changeFour
    case transfer
    case orderedTransfer
    case readAlone
    case readBesideWriter
    case largerThanMemory
    case sizeOnDisk
    case peakMemory
    case reopen

    static let allCases: [Kind] =
      [
        .sortedLoad, .sortedLoadCold, .randomLoad, .bulkBuild, .randomRead,
        .randomReadTransaction, .randomReadMany, .fullScan, .rangeScan, .putRelaxed, .putFull,
        .deviceWrite,
      ] + MixedRequests.Mixture.allCases.map { .mixed($0) } + [
        .changeOne, .changeFour, .transfer, .orderedTransfer, .readAlone, .readBesideWriter,
        .largerThanMemory, .sizeOnDisk, .peakMemory, .reopen,
      ]

    init?(name: String) {
      guard let kind = Self.allCases.first(where: { $0.name == name }) else { return nil }
      self = kind
    }

    /// As the command line and the report call it.
    var name: String {
      switch self {
      case .sortedLoad: "sorted-load"
      case .sortedLoadCold: "sorted-load-cold"
      case .randomLoad: "random-load"
      case .bulkBuild: "bulk-build"
      case .randomRead: "random-read"
      case .randomReadTransaction: "random-read-tx"
      case .randomReadMany: "random-read-10x"
      case .fullScan: "full-scan"
      case .rangeScan: "scan-100"
      case .putRelaxed: "put-relaxed"
      case .putFull: "put-full"
      case .deviceWrite: "device-write"
      case .mixed(let mixture): "ycsb-\(mixture.rawValue)"
      case .changeOne: "read-modify-write"
      case .changeFour: "read-modify-write-4"
      case .transfer: "transfer"
      case .orderedTransfer: "transfer-ordered"
      case .readAlone: "read-alone"
      case .readBesideWriter: "read-beside-writer"
      case .largerThanMemory: "larger-than-memory"
      case .sizeOnDisk: "size-on-disk"
      case .peakMemory: "peak-memory"
      case .reopen: "reopen"
      }
    }

    /// What is done, for the report.
    var detail: String {
      switch self {
      case .sortedLoad: "ascending keys, 10,000 a transaction, no sync a batch"
      case .sortedLoadCold:
        "the same, the moment the engine is open: its cache is not yet faulted in"
      case .randomLoad: "shuffled keys, 10,000 a transaction, no sync a batch"
      case .bulkBuild: "ascending keys by the engine's best way, until all is durable"
      case .randomRead: "random existing keys, one snapshot per 1,000 reads"
      case .randomReadTransaction: "random existing keys, one snapshot per single read"
      case .randomReadMany: "as random-read, of ten times the records"
      case .fullScan: "every record in key order, one snapshot per pass"
      case .rangeScan: "100 records from a random key on, one snapshot each; scans a second"
      case .putRelaxed: "one existing key replaced a transaction, no sync"
      case .putFull: "one existing key replaced a transaction, durable when it returns"
      case .deviceWrite:
        "a 4 KiB block written to a zeroed file past the page cache, durable when it returns"
      case .mixed(let mixture): mixture.detail + ", zipfian 0.99, one a transaction, no sync"
      case .changeOne: "one key read and written back a transaction, no two the same, no sync"
      case .changeFour: "the same with four keys a transaction"
      case .transfer:
        "an amount moved between 2 of 100 keys a transaction, retried until it commits, no sync;"
          + " keys are read for update in random order"
      case .orderedTransfer: "the same, the lower key first"
      case .readAlone: "random existing keys, one snapshot per 100 reads; times of the reader alone"
      case .readBesideWriter:
        "the same beside one thread that moves amounts between random keys"
      case .largerThanMemory:
        "random existing keys, one snapshot per read, of data 8 times the memory budget"
      case .sizeOnDisk:
        "allocated blocks of the data after random-load and a checkpoint, no compaction asked for"
      case .peakMemory: "resident memory at its peak during random-load and a checkpoint"
      case .reopen:
        "seconds to open and read a key after a kill, twice as many relaxed commits as records"
      }
    }

    var threadCounts: [Int] {
      switch self {
      case .sortedLoad, .sortedLoadCold, .randomLoad, .bulkBuild, .randomReadMany, .fullScan,
        .rangeScan,
        .deviceWrite, .readAlone, .readBesideWriter, .sizeOnDisk, .peakMemory, .reopen:
        [1]
      case .randomRead, .randomReadTransaction, .mixed, .changeOne, .changeFour: [1, 2]
      case .putRelaxed, .putFull: [1, 2, 8, 32]
      case .transfer, .orderedTransfer: [8]
      case .largerThanMemory: [1, 8]
      }
    }

    /// The kind whose trials yield the figures of this one.
    var source: Kind {
      switch self {
      case .sizeOnDisk, .peakMemory: .randomLoad
      default: self
      }
    }

    /// The figure that counts.
    var metric: Metric {
      switch self {
      case .sizeOnDisk: .dataBytes
      case .peakMemory: .memoryBytes
      case .reopen: .openSeconds
      default: .operationsPerSecond
      }
    }

    var durability: EngineOptions.Durability {
      self == .putFull || self == .deviceWrite ? .full : .relaxed
    }

    /// Whether it ends with a state that the report says more about: time to settle and to close.
    var isLoad: Bool {
      switch self {
      case .sortedLoad, .sortedLoadCold, .randomLoad, .bulkBuild: true
      default: false
      }
    }

    /// Whether the data does not fit in memory, nor in what the system caches of it.
    var isCold: Bool { self == .largerThanMemory }

    /// Whether the engine is opened on what an earlier one left.
    var needsPersistence: Bool { isCold || self == .reopen }

    /// Who takes part in a run that names no engines.
    var standardEngines: [EngineKind] {
      switch self {
      case .deviceWrite: [.device]
      case .changeOne, .changeFour: EngineKind.martletLevels + [.lmdb]
      case .transfer, .orderedTransfer: EngineKind.martletLevels + EngineKind.installedPeers
      case .readAlone: [.martlet]
      case .readBesideWriter: EngineKind.martletLevels
      case .largerThanMemory: EngineKind.comparison + [.lmdbNoReadAhead]
      default: EngineKind.comparison
      }
    }

    /// Whether an engine can do it.
    func admits(_ engine: EngineKind) -> Bool {
      switch engine {
      case .device: self == .deviceWrite
      case .reference: self != .deviceWrite && !needsPersistence && metric == .operationsPerSecond
      default: self != .deviceWrite
      }
    }
  }
}

extension MixedRequests.Mixture {
  /// Of what it is mixed.
  var detail: String {
    switch self {
    case .a: "half reads, half updates"
    case .b: "95 % reads, 5 % updates"
    case .c: "reads"
    case .d: "95 % reads of the latest, 5 % inserts"
    case .e: "95 % scans of 1 to 100 records, 5 % inserts"
    case .f: "half reads, half read-modify-writes"
    }
  }
}
