import Martlet

/// A part of the benchmark of features.
enum AppPart: String, CaseIterable, Encodable, Sendable {
  case merge, backup, compaction, hooks

  func trial(_ setting: AppSetting) -> any AppTrial {
    switch self {
    case .merge: MergeTrial(setting: setting)
    case .backup: BackupTrial(setting: setting)
    case .compaction: CompactionTrial(setting: setting)
    case .hooks: HookTrial(setting: setting)
    }
  }
}

/// One round of a part, in a folder of its own.
protocol AppTrial {
  /// - Throws: what the database throws, and when something is not as it should be.
  func run() throws -> [AppMeasurement]
}

/// One figure of one round.
struct AppMeasurement: Sendable {
  let name: String
  let unit: String
  let value: Double

  init(_ name: String, _ unit: String, _ value: Double) {
    (self.name, self.unit, self.value) = (name, unit, value)
  }
}

/// Where a part runs, and how much it does.
struct AppSetting: Sendable {
  let directory: String
  let records: Int
  let listeners: [HookTrial.Listener]

  /// The memory that the database may spend: half of the smallest machine that is measured on.
  static let cacheByteCount = 256 << 20

  func open() throws -> Database {
    var configuration = Configuration()
    configuration.cacheSize = Self.cacheByteCount
    configuration.durability = .relaxed
    return try Database(at: "\(directory)/database", configuration: configuration)
  }

  var dataset: Dataset { Dataset(recordCount: records, seed: 1) }

  /// Puts all records, in ascending order.
  func load(_ database: Database, _ keyspace: Keyspace) throws {
    let dataset = dataset
    for first in stride(from: 0, to: records, by: Scale.batchRecords) {
      let packed = dataset.records(of: first..<min(first + Scale.batchRecords, records))
      try database.write { transaction in
        for offset in stride(from: 0, to: packed.count, by: RecordShape.byteCount) {
          let split = offset + RecordShape.keyByteCount
          try transaction.set(
            Array(packed[split..<offset + RecordShape.byteCount]),
            for: Array(packed[offset..<split]), in: keyspace)
        }
      }
    }
    try database.checkpoint()
  }

  static func require(_ condition: Bool, _ what: String) throws {
    guard condition else { throw BenchmarkError.trial(what) }
  }
}
