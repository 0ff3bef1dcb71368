public import Primitives

/// How far a backup, a restore or a compaction is.
public struct BackupProgress: Sendable, Hashable {
  /// Pages done.
  public let pageCount: Int
  /// Bytes of page images done.
  public let byteCount: Int
  /// Bytes of page images in all, as far as is known; a little off while writes go on. Nil when it
  /// is not known.
  public let totalByteCount: Int?
  /// Since it began.
  public let elapsed: Duration

  /// A state of affairs.
  public init(pageCount: Int, byteCount: Int, totalByteCount: Int?, elapsed: Duration) {
    self.pageCount = pageCount
    self.byteCount = byteCount
    self.totalByteCount = totalByteCount
    self.elapsed = elapsed
  }

  /// The part that is done, from 0 to 1; nil when the whole is not known.
  public var fraction: Double? {
    guard let totalByteCount else { return nil }
    return totalByteCount > 0 ? min(Double(byteCount) / Double(totalByteCount), 1) : 1
  }

  /// Bytes of page images a second, so far.
  public var bytesPerSecond: Double {
    let seconds = elapsed / .seconds(1)
    return seconds > 0 ? Double(byteCount) / seconds : 0
  }

  /// How long it takes from now on at the pace so far; nil when that cannot be told.
  public var timeLeft: Duration? {
    guard let fraction, fraction > 0 else { return nil }
    return elapsed * ((1 - fraction) / fraction)
  }
}

/// What a backup or a restore has made.
public struct BackupSummary: Sendable, Hashable {
  /// The database that was copied.
  public let source: DatabaseID
  /// The identity of the copy, which is a database of its own; nil for a stream, which gets one each
  /// time it is restored.
  public let copy: DatabaseID?
  /// What is in it: every commit at or before, none after.
  public let timestamp: Timestamp
  /// Pages copied.
  public let pageCount: Int
  /// Bytes of their images.
  public let byteCount: Int
  /// How long it took.
  public let elapsed: Duration
}

/// What a compaction has done.
public struct CompactionSummary: Sendable, Hashable {
  /// Bytes of the data file before.
  public let bytesBefore: Int
  /// Bytes of the data file afterwards.
  public let bytesAfter: Int
  /// Bytes of page images that were moved.
  public let movedByteCount: Int
  /// Bytes that could not be given back because a running backup needs them.
  public let heldByteCount: Int
  /// How long it took.
  public let elapsed: Duration
}
