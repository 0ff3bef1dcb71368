import Foundation
import Martlet
import Synchronization

/// A backup to a folder: alone, and beside a thread that commits without pause. How often that one
/// commits is compared with as long a time just before.
struct BackupTrial: AppTrial {
  let setting: AppSetting

  func run() throws -> [AppMeasurement] {
    let database = try setting.open()
    let keyspace = try database.keyspace("records")
    try setting.load(database, keyspace)
    let alone = try database.backup(to: "\(setting.directory)/alone")
    let committer = Committer(database, keyspace, setting.dataset)
    let thread = JoinableThread { committer.run() }
    // Warm; then as long as the copy is going to take, about.
    Thread.sleep(forTimeInterval: 0.2)
    let without = committer.rate {
      Thread.sleep(forTimeInterval: max(0.2, Double(alone.elapsed.components.seconds) + 0.2))
    }
    let copy = "\(setting.directory)/beside"
    var beside: BackupSummary?
    var failure: (any Error)?
    let during = committer.rate {
      do { beside = try database.backup(to: copy) } catch { failure = error }
    }
    committer.end()
    thread.join()
    if let failure { throw failure }
    try database.close()
    try check(copy)
    guard let beside else { throw BenchmarkError.trial("a backup without a summary") }
    return [
      AppMeasurement("backup alone", "MB/s", Self.rate(alone)),
      AppMeasurement("backup beside commits", "MB/s", Self.rate(beside)),
      AppMeasurement("bytes copied", "bytes", Double(beside.byteCount)),
      AppMeasurement("commits without a backup", "commits/s", without),
      AppMeasurement("commits beside a backup", "commits/s", during),
      AppMeasurement("commits left beside a backup", "of 1", during / without),
    ]
  }

  private static func rate(_ summary: BackupSummary) -> Double {
    let (seconds, attoseconds) = summary.elapsed.components
    return Double(summary.byteCount) / 1e6 / (Double(seconds) + Double(attoseconds) / 1e18)
  }

  /// The copy opens and has every record.
  private func check(_ copy: String) throws {
    let database = try Database(at: copy)
    let keyspace = try database.keyspace("records")
    var count = 0
    try database.read { snapshot in
      try snapshot.forEach(in: keyspace) { _, _ in
        count += 1
        return .continue
      }
    }
    try AppSetting.require(
      count == setting.records, "the copy has \(count) records, not \(setting.records)")
    try database.close()
  }

  /// Replaces random values, a key a transaction, without pause.
  private final class Committer: Sendable {
    private let database: Database
    private let keyspace: Keyspace
    private let keys: [UInt8]
    private let count = Atomic<Int>(0)
    private let isOver = Atomic<Bool>(false)

    init(_ database: Database, _ keyspace: Keyspace, _ dataset: Dataset) {
      self.database = database
      self.keyspace = keyspace
      keys = dataset.keys(of: dataset.randomRecords(count: 10_000, stream: 1))
    }

    func end() { isOver.store(true, ordering: .releasing) }

    /// Commits a second while a body runs.
    func rate(_ body: () -> Void) -> Double {
      let (first, begin) = (count.load(ordering: .acquiring), MonotonicClock.nanoseconds)
      body()
      let commits = count.load(ordering: .acquiring) - first
      return Double(commits) * 1e9 / Double(MonotonicClock.nanoseconds - begin)
    }

    func run() {
      let value = [UInt8](repeating: 7, count: RecordShape.valueByteCount)
      var next = 0
      while !isOver.load(ordering: .acquiring) {
        let key = Array(keys[next..<next + RecordShape.keyByteCount])
        next = (next + RecordShape.keyByteCount) % keys.count
        do {
          try database.write { try $0.set(value, for: key, in: keyspace) }
        } catch {
          preconditionFailure("a commit failed: \(error)")
        }
        count.wrappingAdd(1, ordering: .releasing)
      }
    }
  }
}
