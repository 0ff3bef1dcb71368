package import Environment
internal import SystemEnvironment

extension Database {
  /// Makes a database in a new directory out of a backup in another one.
  ///
  /// Any closed database will do as the source; one that a crash left is recovered first. Every page
  /// is checked. The result has an identity of its own, and opens only when it is complete.
  /// - Parameters:
  ///   - backup: the directory of the backup.
  ///   - directory: it must be absent or empty, or hold an incomplete copy.
  ///   - progress: told about once for each megabyte. When it throws, the restore ends with that error.
  /// - Throws: `incomplete` and `notADatabase` for a source that is none; `directoryNotEmpty`;
  ///   `corrupt`, `cancelled`, `diskFull`, `inputOutput`. There is no database in `directory` then.
  @discardableResult
  public static func restore(
    from backup: String, to directory: String,
    progress: ((BackupProgress) throws -> Void)? = nil
  ) throws -> BackupSummary {
    try restore(
      from: backup, to: directory, effects: Effects.system(events: EventClosure(nil)),
      progress: progress)
  }

  /// The same through seams of the caller's choice.
  @discardableResult
  package static func restore(
    from backup: String, to directory: String, effects: Effects,
    progress: ((BackupProgress) throws -> Void)? = nil
  ) throws -> BackupSummary {
    let source = try Database(
      at: backup, configuration: Configuration(createIfMissing: false), effects: effects)
    let summary: BackupSummary
    do {
      summary = try source.backup(
        to: directory, outside: effects, cancellation: nil, progress: progress)
    } catch {
      try? source.close()
      throw error
    }
    try source.close()
    return summary
  }

  /// Whether bytes are the beginning of a backup stream; eight tell.
  package static func isBackupStream(_ beginning: [UInt8]) -> Bool {
    BackupStreamFormat.isBeginning(beginning[...])
  }

  /// Makes a database in a new directory out of the bytes of a backup stream.
  ///
  /// ```swift
  /// try Database.restore(to: "restored") { try input.read(upToCount: 1 << 20).map(Array.init) }
  /// ```
  /// - Parameters:
  ///   - directory: it must be absent or empty, or hold an incomplete copy.
  ///   - progress: told after each piece. When it throws, the restore ends with that error.
  ///   - source: gives the next bytes, as many as it likes; nil or none at the end.
  /// - Throws: `incomplete` for a stream that was cut short; `corrupt`, which says where;
  ///   `notADatabase` for bytes that are no backup; `newerFormat`; `directoryNotEmpty`, `cancelled`,
  ///   `diskFull`, `inputOutput`; what the closures throw. There is no database in `directory` then.
  @discardableResult
  public static func restore(
    to directory: String, progress: ((BackupProgress) throws -> Void)? = nil,
    from source: () throws -> [UInt8]?
  ) throws -> BackupSummary {
    try restore(
      to: directory, effects: Effects.system(events: EventClosure(nil)), progress: progress,
      from: source)
  }

  /// The same through seams of the caller's choice.
  @discardableResult
  package static func restore(
    to directory: String, effects: Effects, progress: ((BackupProgress) throws -> Void)? = nil,
    from source: () throws -> [UInt8]?
  ) throws -> BackupSummary {
    let restoration = Restoration(directory, effects: effects)
    do {
      while let piece = try source(), !piece.isEmpty {
        try restoration.receive(piece)
        try checkCancellation(nil, "the restore")
        try progress?(restoration.progress)
      }
      return try restoration.finish()
    } catch {
      restoration.abandon()
      throw error
    }
  }

  /// Makes a database in a new directory out of a backup stream that arrives asynchronously: the
  /// body of a download, say.
  ///
  /// - Throws: as the synchronous form, and what the sequence throws.
  @discardableResult
  public static func restore<Pieces: AsyncSequence>(
    to directory: String, from pieces: Pieces
  ) async throws -> BackupSummary where Pieces.Element: Sequence<UInt8> {
    let restoration = Restoration(
      directory, effects: Effects.system(events: EventClosure(nil)))
    do {
      for try await piece in pieces {
        try restoration.receive(piece)
        try checkCancellation(nil, "the restore")
      }
      return try restoration.finish()
    } catch {
      restoration.abandon()
      throw error
    }
  }
}
