internal import Primitives
internal import BTreeIndex
internal import Environment
internal import Paging
internal import RedoLog
internal import Synchronization
internal import VersionStore

/// What a database has done since it was opened, and how large it is now.
public struct Statistics: Sendable, Codable, Hashable {
  /// Acknowledged commits.
  public var commits: UInt64 = 0
  /// Aborted attempts by cause: the code's name and a count.
  public var aborts: [String: UInt64] = [:]
  /// Aborted attempts by `AbortExplanation.Cause`, as far as another transaction was in the way;
  /// those that rest on a summary end in `.coarse`.
  public var abortCauses: [String: UInt64] = [:]
  /// Attempts made again after an abort.
  public var retries: UInt64 = 0
  /// Times a transaction had to wait for a lock, those that wait now included.
  public var lockWaits: UInt64 = 0
  /// How long the waits for locks took that are over.
  public var lockWaitLatency = LatencyHistogram()
  /// How long commits took that wait for the device, from the begin of their transaction. Relaxed
  /// ones are not timed: two looks at a clock would be a good part of them.
  public var commitLatency = LatencyHistogram()
  /// How long waits for the device took.
  public var flushLatency = LatencyHistogram()
  /// Transactions above `Configuration.slowTransactionThreshold`.
  public var slowTransactionCount: UInt64 = 0
  /// The slowest of them in the last five to ten minutes, at most 32, the slowest first.
  public var slowTransactions: [SlowTransaction] = []
  /// Times the locks of a transaction became a lock of their keyspace, for want of memory.
  public var lockEscalations: UInt64 = 0
  /// Victims of certification that went on under two-phase locking.
  public var protocolEscalations: UInt64 = 0
  /// Checkpoints completed.
  public var checkpoints: UInt64 = 0
  /// Checkpoints that failed; each time the one before stayed in force.
  public var failedCheckpoints: UInt64 = 0
  /// Time since the last checkpoint, or since the database was opened.
  public var checkpointAge = Duration.zero
  /// How long the last checkpoint took, to about ten milliseconds.
  public var lastCheckpointDuration = Duration.zero
  /// Bytes of log that recovery would replay now.
  public var logBytesSinceCheckpoint: UInt64 = 0
  /// Batches written to the log: one flush each.
  public var logBatches: UInt64 = 0
  /// Bytes written to the log.
  public var logBytes: UInt64 = 0
  /// Log segments used again after a checkpoint.
  public var logSegmentsReused: UInt64 = 0
  /// Bytes of log segments that are kept for change feeds only (`Configuration.changeRetention`).
  public var logBytesRetained = 0
  /// Bytes of the data file.
  public var fileBytes: UInt64 = 0
  /// Bytes of the data file that hold images.
  public var usedBytes: UInt64 = 0
  /// Pages with an image in the data file.
  public var mappedPages: UInt64 = 0
  /// Pages in memory whose image in the data file is older.
  public var dirtyBytes: UInt64 = 0
  /// Keys looked up, on behalf of reads.
  public var keyLookups: UInt64 = 0
  /// Key look-ups that found their pages in memory: an estimate, for which every page read from
  /// the data file counts as the miss of one look-up.
  public var cacheHits: UInt64 { keyLookups - min(keyLookups, pageReads) }
  /// Pages that were not in memory when somebody asked for them: the same as ``pageReads``.
  public var cacheMisses: UInt64 { pageReads }
  /// Bytes of memory for pages.
  public var cacheBytes: UInt64 = 0
  /// Bytes of it that hold nothing now.
  public var freeCacheBytes: UInt64 = 0
  /// Pages read from the data file.
  public var pageReads: UInt64 = 0
  /// Page images written to the data file.
  public var pageWrites: UInt64 = 0
  /// Pages that left memory.
  public var evictions: UInt64 = 0
  /// Pages that had to be written to leave memory.
  public var dirtyEvictions: UInt64 = 0
  /// Old images handed to a running checkpoint by a writer about to change the page.
  public var handOvers: UInt64 = 0
  /// Times the data file was cut behind its last image.
  public var truncations: UInt64 = 0
  /// Times a hole was punched into the data file.
  public var holePunches: UInt64 = 0
  /// Backups that are running.
  public var runningBackups: UInt64 = 0
  /// Bytes of the data file that would be free if no backup were running.
  public var backupHeldBytes: UInt64 = 0
  /// Nodes split in two.
  public var splits: UInt64 = 0
  /// Nodes merged with a neighbour.
  public var merges: UInt64 = 0
  /// Bytes of older versions held for snapshots.
  public var versionBytes: UInt64 = 0
  /// Older versions held for snapshots.
  public var versions: UInt64 = 0
  /// Bytes of those that hang on open snapshots; the others wait for an acknowledgement.
  public var pinnedVersionBytes: UInt64 = 0
  /// Snapshots that are open, transactions included.
  public var openSnapshots: UInt64 = 0
  /// The open snapshots that pin most, and the oldest one, at most 16: who keeps older versions in
  /// memory.
  public var pinningSnapshots: [OpenSnapshot] = []
  /// Snapshots that expired for the version budget.
  public var expiredSnapshots: UInt64 = 0
  /// Entries that had expired and were removed.
  public var expiredEntriesRemoved: UInt64 = 0
  /// Bytes of a page.
  public var pageSize: UInt64 = 0
  /// The newest acknowledged commit.
  public var newestTimestamp: UInt64 = 0

  /// All zero.
  public init() {}
}

/// A snapshot or a transaction that is open, and what it keeps in memory.
public struct OpenSnapshot: Sendable, Codable, Hashable {
  /// The moment it shows.
  public var timestamp: UInt64
  /// The number of its transaction; zero for a reader, which has none.
  public var transaction: UInt64
  /// What the program calls it.
  public var label: String?
  /// How long it has been open, to about ten milliseconds; of a reader without a label how long it
  /// has pinned something.
  public var age: Duration
  /// Bytes of older versions that hang on it: it is the newest snapshot that sees them.
  public var pinnedBytes: UInt64

  init(_ report: SnapshotReport) {
    timestamp = report.timestamp.rawValue
    transaction = report.transaction.rawValue
    label = report.label
    age = report.age ?? .zero
    pinnedBytes = UInt64(report.pinnedByteCount)
  }
}

extension Database {
  /// What the database has done since it was opened, and how large it is now.
  ///
  /// Each number is right; those that change meanwhile may be of slightly different moments.
  /// - Complexity: O(open snapshots); takes no lock that a transaction waits for.
  public var statistics: Statistics {
    var result = Statistics()
    engine.countTransactions(into: &result)
    engine.countStorage(into: &result)
    engine.countVersions(into: &result)
    return result
  }
}

extension Engine {
  fileprivate func countTransactions(into result: inout Statistics) {
    result.commits = pipeline.counters.commits.load(ordering: .relaxed)
    result.aborts = counters.aborts
    result.abortCauses = counters.abortCauses
    result.retries = counters.retries.load(ordering: .relaxed)
    result.lockWaits = locks.counters.waits.load(ordering: .relaxed)
    result.lockWaitLatency = locks.counters.waitTimes
    result.lockEscalations = locks.counters.escalations.load(ordering: .relaxed)
    result.protocolEscalations = counters.escalations.load(ordering: .relaxed)
    result.commitLatency = counters.commitLatency
    result.flushLatency = pipeline.counters.flushLatency
    let slow = counters.slowTransactions(at: effects.time.coarse())
    result.slowTransactionCount = slow.count
    result.slowTransactions = slow.slowest
    result.newestTimestamp = store.acknowledgedTimestamp.rawValue
  }

  fileprivate func countStorage(into result: inout Statistics) {
    let store = store.statistics
    let paging = store.paging
    let log = log.statistics
    let checkpoints = checkpointer.counters
    let pageSize = self.store.pageSize
    result.checkpoints = checkpoints.completedCount
    result.failedCheckpoints = checkpoints.failedCount
    result.checkpointAge = checkpoints.age(at: effects.time.coarse())
    result.lastCheckpointDuration = checkpoints.lastDuration
    result.logBytesSinceCheckpoint = checkpointer.logByteCount
    result.logBatches = log.batches
    result.logBytes = log.bytes
    result.logSegmentsReused = log.segmentsReused
    result.logBytesRetained = self.log.retainedByteCount
    result.fileBytes = UInt64(paging.fileByteCount)
    result.usedBytes = UInt64(paging.usedByteCount)
    result.mappedPages = UInt64(paging.mappedPageCount)
    result.dirtyBytes = UInt64(self.store.dirtyByteCount)
    result.keyLookups = counters.lookups.total
    result.cacheBytes = UInt64(paging.frameCount * pageSize)
    result.freeCacheBytes = UInt64(paging.freeFrameCount * pageSize)
    result.pageReads = UInt64(paging.pageReads)
    result.pageWrites = UInt64(paging.pageWrites)
    result.evictions = UInt64(paging.evictions)
    result.dirtyEvictions = UInt64(paging.dirtyEvictions)
    result.handOvers = UInt64(paging.handOvers)
    result.truncations = UInt64(paging.truncations)
    result.holePunches = UInt64(paging.holePunches)
    result.runningBackups = UInt64(paging.pinnedCheckpointCount)
    result.backupHeldBytes = UInt64(paging.heldByteCount)
    result.splits = UInt64(store.splitCount)
    result.merges = UInt64(store.mergeCount)
    result.pageSize = UInt64(pageSize)
  }

  fileprivate func countVersions(into result: inout Statistics) {
    let statistics = store.statistics
    result.versions = UInt64(statistics.versionCount)
    result.versionBytes = UInt64(statistics.versionByteCount)
    result.pinnedVersionBytes = UInt64(max(0, statistics.pinnedByteCount))
    result.openSnapshots = UInt64(statistics.snapshotCount)
    result.expiredEntriesRemoved = expiredRemovalCount
    result.expiredSnapshots = UInt64(statistics.expiredSnapshotCount)
    let open = store.openSnapshots.filter { !$0.isExpired }
    guard let oldest = open.first else { return }
    let heaviest = open.dropFirst().sorted { $0.pinnedByteCount > $1.pinnedByteCount }
    result.pinningSnapshots = ([oldest] + heaviest.prefix(15)).map(OpenSnapshot.init)
      .sorted { $0.pinnedBytes > $1.pinnedBytes }
  }
}
