/// What a log has done since it was opened.
package struct LogStatistics: Sendable, Equatable {
  /// Batches written.
  package var batches: UInt64 = 0
  /// Records in them.
  package var records: UInt64 = 0
  /// Bytes of them, headers and padding included.
  package var bytes: UInt64 = 0
  /// Syncs that had to follow a write, where a file is not data-synchronous.
  package var syncs: UInt64 = 0
  /// Threads that went with another thread's flush.
  package var followers: UInt64 = 0
  /// Segments made of zeros.
  package var segmentsMade: UInt64 = 0
  /// Segments made of old ones.
  package var segmentsReused: UInt64 = 0
  /// Segments given back to the file system.
  package var segmentsRemoved: UInt64 = 0

  package init() {}
}
