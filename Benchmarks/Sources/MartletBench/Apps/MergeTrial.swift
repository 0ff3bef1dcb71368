import Martlet

/// One counter that everybody wants: added to by merges, which never conflict, and by reading and
/// writing it, which does.
struct MergeTrial: AppTrial {
  let setting: AppSetting

  private static let hot = "hot"
  private static let threadCounts = [1, 8]
  /// Nobody gives up: what is measured is how long it takes until all have added.
  private static let patience = RetryPolicy(attemptLimit: .max, timeLimit: .seconds(3600))

  /// How the counter is added to.
  enum Way: String, CaseIterable, Sendable {
    case merge = "merge"
    case readForUpdate = "read for update, write"
    case readAndWrite = "read, write"
  }

  func run() throws -> [AppMeasurement] {
    let database = try setting.open()
    var found: [AppMeasurement] = []
    for threads in Self.threadCounts {
      for way in Way.allCases {
        found += try measure(way, threads, database)
      }
    }
    try database.close()
    return found
  }

  private func measure(_ way: Way, _ threads: Int, _ database: Database) throws
    -> [AppMeasurement]
  {
    let keyspace = try database.keyspace("\(way.rawValue) \(threads)")
    let commits = max(min(setting.records, 200_000) / threads, 1)
    let before = database.statistics.aborts.values.reduce(0, +)
    let work = try Team.run(threads: threads, prepare: { _ in }) { _, _ in
      for _ in 0..<commits { try Self.add(way, database, keyspace) }
    }
    let aborts = database.statistics.aborts.values.reduce(0, +) - before
    let total = try database.read { try $0.value(for: Self.hot, in: keyspace, as: Int.self) }
    try AppSetting.require(
      total == commits * threads, "the counter is \(total ?? 0), not \(commits * threads)")
    let name = "\(way.rawValue), \(threads) thread\(threads == 1 ? "" : "s")"
    let count = Double(commits * threads)
    return [
      AppMeasurement(name, "commits/s", count * 1e9 / Double(work.nanoseconds)),
      AppMeasurement("aborts: " + name, "each 1,000 commits", Double(aborts) * 1_000 / count),
    ]
  }

  private static func add(_ way: Way, _ database: Database, _ keyspace: Keyspace) throws {
    try database.write(retry: patience) { transaction in
      switch way {
      case .merge: try transaction.merge(.add(1), for: hot, in: keyspace)
      case .readForUpdate:
        let count = try transaction.valueForUpdate(for: hot, in: keyspace, as: Int.self) ?? 0
        try transaction.set(count + 1, for: hot, in: keyspace)
      case .readAndWrite:
        let count = try transaction.value(for: hot, in: keyspace, as: Int.self) ?? 0
        try transaction.set(count + 1, for: hot, in: keyspace)
      }
    }
  }
}
