internal import Primitives
internal import BTreeIndex
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
  /// Times a transaction had to wait for a lock.
  public var lockWaits: UInt64 = 0
  /// Times the locks of a transaction became a lock of their keyspace, for want of memory.
  public var lockEscalations: UInt64 = 0
  /// Victims of certification that went on under two-phase locking.
  public var protocolEscalations: UInt64 = 0
  /// Checkpoints completed.
  public var checkpoints: UInt64 = 0
  /// Bytes of log that recovery would replay now.
  public var logBytesSinceCheckpoint: UInt64 = 0
  /// Batches written to the log: one flush each.
  public var logBatches: UInt64 = 0
  /// Bytes written to the log.
  public var logBytes: UInt64 = 0
  /// Log segments used again after a checkpoint.
  public var logSegmentsReused: UInt64 = 0
  /// Bytes of the data file.
  public var fileBytes: UInt64 = 0
  /// Bytes of the data file that hold images.
  public var usedBytes: UInt64 = 0
  /// Pages with an image in the data file.
  public var mappedPages: UInt64 = 0
  /// Pages in memory whose image in the data file is older.
  public var dirtyBytes: UInt64 = 0
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
  /// Snapshots that are open, transactions included.
  public var openSnapshots: UInt64 = 0
  /// Snapshots that expired for the version budget.
  public var expiredSnapshots: UInt64 = 0
  /// Bytes of a page.
  public var pageSize: UInt64 = 0
  /// The newest acknowledged commit.
  public var newestTimestamp: UInt64 = 0

  /// All zero.
  public init() {}
}

extension Database {
  /// What the database has done since it was opened, and how large it is now.
  public var statistics: Statistics {
    let store = engine.store.statistics
    let paging = store.paging
    let log = engine.log.statistics
    var result = Statistics()
    result.commits = engine.pipeline.counters.commits.load(ordering: .relaxed)
    result.aborts = engine.counters.aborts
    result.abortCauses = engine.counters.abortCauses
    result.lockEscalations = engine.locks.counters.escalations.load(ordering: .relaxed)
    result.protocolEscalations = engine.counters.escalations.load(ordering: .relaxed)
    result.retries = engine.counters.retries.load(ordering: .relaxed)
    result.lockWaits = engine.locks.counters.waits.load(ordering: .relaxed)
    result.checkpoints = engine.checkpointer.completedCount
    result.logBytesSinceCheckpoint = engine.checkpointer.logByteCount
    result.logBatches = log.batches
    result.logBytes = log.bytes
    result.logSegmentsReused = log.segmentsReused
    result.fileBytes = UInt64(paging.fileByteCount)
    result.usedBytes = UInt64(paging.usedByteCount)
    result.mappedPages = UInt64(paging.mappedPageCount)
    result.dirtyBytes = UInt64(engine.store.dirtyByteCount)
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
    result.versionBytes = UInt64(store.versionByteCount)
    result.openSnapshots = UInt64(store.snapshotCount)
    result.expiredSnapshots = UInt64(store.expiredSnapshotCount)
    result.pageSize = UInt64(engine.store.pageSize)
    result.newestTimestamp = engine.store.acknowledgedTimestamp.rawValue
    return result
  }
}
