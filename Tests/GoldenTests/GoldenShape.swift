import Environment
import Martlet
import RedoLog
import Simulation

/// One golden folder: what is in the database and how it was left.
struct GoldenShape: Sendable, CustomStringConvertible {
  var name: String
  var pageSize = 4096
  var compression = ImageCompression.lz4
  /// Whether it was closed in order. Else the machine lost its power behind the last commit, and
  /// the log holds what the last checkpoint does not.
  var isClosed = false

  var description: String { name }

  static let all = [
    GoldenShape(name: "closed", isClosed: true),
    GoldenShape(name: "crashed"),
    GoldenShape(name: "uncompressed", compression: .none),
    GoldenShape(name: "pages-8-KiB", pageSize: 8192),
    GoldenShape(name: "pages-16-KiB", pageSize: 16384),
    GoldenShape(name: "pages-64-KiB", pageSize: 65536),
  ]

  /// The database is here in its world.
  static let directory = "/golden"

  /// The disk of a world in which the database was made. The same every time: there, clocks and
  /// chance come from a seed.
  func disk() throws -> DiskImage {
    let simulator = Simulator(seed: 1)
    try simulator.run { effects in
      let database = try Database(
        at: Self.directory, configuration: configuration, effects: effects)
      try fill(database)
      if !isClosed { simulator.disk.cutPower() }
      do { try database.close() } catch { if isClosed { throw error } }
    }
    return isClosed ? simulator.disk.snapshot : simulator.disk.afterPowerCut(.loseAll, seed: 1)
  }

  private var configuration: Configuration {
    var configuration = Configuration(
      pageSize: pageSize, cacheSize: 64 * pageSize, compression: compression,
      checkpointLogBytes: 1 << 30, checkpointInterval: .seconds(3600))
    configuration.log = .init(
      firstSegmentByteCount: 64 << 10, largestSegmentByteCount: 64 << 10, spareByteCount: 0)
    return configuration
  }

  /// Several keyspaces, one of them dropped; small values, none, and large ones; removals, with and
  /// without a tombstone that outlives the end; bytes that need escapes; all of it partly in a
  /// checkpoint and partly behind it.
  private func fill(_ database: Database) throws {
    let main = try database.keyspace("main")
    let strict = try database.keyspace(
      "naïve ✓", options: KeyspaceOptions(leastWriteIsolation: .serializable))
    let passing = try database.keyspace("passing")
    try database.write { transaction in
      for number in 0..<40 {
        try transaction.set(Self.value(number), for: "key \(number)", in: main)
      }
      try transaction.set("gone", for: "soon", in: passing)
      try transaction.set(
        [UInt8](repeating: 5, count: 3 * pageSize / 2), for: "large", in: main)
      try transaction.set([UInt8](repeating: 6, count: pageSize / 2), for: "replaced", in: main)
    }
    try database.write(isolation: .serializable) { transaction in
      try transaction.set([0, 9, 10, 13, 92, 255], for: [0, 9, 10, 13, 92, 255], in: strict)
      try transaction.set([UInt8](), for: [UInt8](), in: strict)
    }
    try database.write { transaction in
      for number in stride(from: 0, to: 40, by: 3) {
        try transaction.remove("key \(number)", in: main)
      }
    }
    try database.checkpoint()
    try database.dropKeyspace("passing")
    try database.write { transaction in
      for number in stride(from: 1, to: 40, by: 3) {
        try transaction.set("behind the checkpoint", for: "key \(number)", in: main)
      }
      try transaction.remove("key 2", in: main)
      try transaction.set([UInt8](repeating: 7, count: 2 * pageSize), for: "replaced", in: main)
    }
    let late = try database.keyspace("late")
    try database.write(durability: .relaxed) { try $0.set(1, for: "relaxed", in: late) }
    try database.write { try $0.set(2, for: "full", in: late) }
  }

  private static func value(_ number: Int) -> [UInt8] {
    (0..<number * 3).map { UInt8(truncatingIfNeeded: number * $0) }
  }
}
