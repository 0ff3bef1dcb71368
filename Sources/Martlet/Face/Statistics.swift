public import Primitives
internal import BTreeIndex
internal import Paging
internal import RedoLog
internal import VersionStore

/// What a database has done since it was opened, and how large it is now.
public struct Statistics: Sendable, Codable, Hashable {
  /// Acknowledged commits.
  public var commits: UInt64 = 0
  /// Aborted attempts by cause: the code's name and a count.
  public var aborts: [String: UInt64] = [:]
  /// Attempts made again after an abort.
  public var retries: UInt64 = 0
  /// Times a transaction had to wait for a lock.
  public var lockWaits: UInt64 = 0
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
