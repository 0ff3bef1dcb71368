package import Environment
package import Primitives
internal import RawBytes

/// How far a recovery has come.
package struct RecoveryProgress: Sendable, Equatable {
  package var bytesDone: UInt64
  /// At most so many; the end of the log is only known when it is reached.
  package var bytesTotal: UInt64
  package var records: UInt64
}

extension RedoLog {
  /// Opens the log of a database after whatever ended its last use, and hands out every record
  /// from a position on, in order.
  ///
  /// Afterwards the log ends where it was found to end, durably, and accepts appends: the tail
  /// that a crash tore is cut, and an opening batch stands in its place (rule W4). Nothing of it
  /// is ever read as a batch again, because its first block is overwritten; and no position of it
  /// is used again, because positions skip ahead. Recovering twice gives the same.
  ///
  /// - Parameters:
  ///   - from: where the checkpoint says to begin.
  ///   - durablePosition: what the checkpoint's superblock says was durable when it was written.
  ///   - generation: the checkpoint's. A log that knows of a newer one means that the superblock
  ///     is an old copy.
  ///   - damaged: told of each damage, where the recovery is to go on behind it; nil: it refuses.
  ///     The end of the log is decided in either case: a torn tail is cut and is no damage.
  ///   - beginsSegment: whether what is appended goes to a segment of its own, because a write or a
  ///     sync of the newest one has failed and nothing about that file can be trusted (rule F1).
  ///   - finish: called behind the last record, when the end is known to be sound.
  /// - Throws: `LogError`, or what `replay` or `finish` threw. No batch has been changed then.
  package static func recover(
    directory: String, id: DatabaseID, from: LogPosition,
    coveredThrough durablePosition: LogPosition, generation: Generation, effects: Effects,
    configuration: LogConfiguration = LogConfiguration(),
    damaged: ((LogDamage) -> Void)? = nil, beginsSegment: Bool = false,
    progress: (RecoveryProgress) -> Void = { _ in }, replay: (LogRecord) throws -> Void,
    finish: () throws -> Void = {}
  ) throws -> RedoLog {
    let files = SegmentFiles(effects: effects, directory: directory, database: id)
    var recovery = LogRecovery(
      files: files, from: from, durablePosition: durablePosition, generation: generation,
      retainedByteCount: configuration.retainedByteCount, report: damaged)
    try recovery.openSegments()
    try recovery.readBatches(progress, replay)
    try recovery.judgeEnd()
    try finish()
    var beginning = try recovery.cut()
    if beginsSegment, let newest = beginning.live.last {
      beginning.offset = newest.segment.byteCount
    }
    let log = RedoLog(beginning: beginning, files: files, configuration: configuration)
    do {
      try log.disposeOfRetired()
      // A segment with a torn batch must not come back once the log has grown past it (rule W4).
      try fileCall(directory) { () throws(FileError) in try files.syncDirectory() }
      try log.begin()
    } catch {
      log.poison()
      throw error
    }
    return log
  }
}
