package import Environment
internal import Primitives

extension Database {
  /// Copies the database into a new directory while everything goes on.
  ///
  /// The copy is exact: it has every commit acknowledged before the call and, of those made
  /// meanwhile, all up to one moment (`BackupSummary.timestamp`) and none after. It is a database of
  /// its own, with an identity of its own: open it, or keep it. Every page is checked on the way.
  ///
  /// ```swift
  /// let summary = try database.backup(to: "backups/monday")
  /// ```
  ///
  /// Nobody waits for a backup. It reads the data file beside everybody else, and what it has not
  /// copied yet keeps its place in that file, which may grow: `events` and
  /// `Statistics.backupHeldBytes` say by how much. Until the copy is complete its directory holds a
  /// file `incomplete` and does not open; the next backup to the same place clears it.
  /// - Parameters:
  ///   - directory: it must be absent or empty, or hold an incomplete copy.
  ///   - progress: told about once for each megabyte how far it is. When it throws, the backup ends
  ///     with that error.
  /// - Throws: `directoryNotEmpty`; `corrupt`, which names the damaged page; `cancelled` when the
  ///   task is; `diskFull` and `inputOutput` of either side. What was copied is taken away again, and
  ///   the database is as before.
  /// - Complexity: O(size of the database).
  @discardableResult
  public func backup(
    to directory: String, progress: ((BackupProgress) throws -> Void)? = nil
  ) throws -> BackupSummary {
    try backup(to: directory, outside: outside, cancellation: nil, progress: progress)
  }

  /// The same through seams of the caller's choice.
  @discardableResult
  package func backup(
    to directory: String, outside: Effects, progress: ((BackupProgress) throws -> Void)? = nil
  ) throws -> BackupSummary {
    try backup(to: directory, outside: outside, cancellation: nil, progress: progress)
  }

  func backup(
    to directory: String, outside: Effects, cancellation: CancellationFlag?,
    progress: ((BackupProgress) throws -> Void)?
  ) throws -> BackupSummary {
    let source = try BackupSource(engine)
    defer { source.end() }
    let copy = try DirectoryCopy(
      directory, of: source.superblock, log: engine.configuration.log, effects: outside)
    do {
      while try source.next({ id, entry, image in try copy.append(id, entry, image) }) {
        try look(cancellation, source.progress, progress)
      }
      copy.append(rootTable: source.rootTable)
      try copy.finish()
    } catch {
      copy.abandon()
      throw error
    }
    return source.summary(copy: copy.id)
  }

  /// Copies the database as a stream of bytes: to a file, a pipe or a connection.
  ///
  /// As exact, and as much beside everything else, as a backup to a directory. `restore` makes a
  /// database of the stream; it recognises one that was cut short. The format is
  /// `format-spec/backup-stream.md`.
  /// - Parameters:
  ///   - progress: told about once for each megabyte.
  ///   - sink: given the bytes, about a megabyte at a time, in order; the next piece is made when it
  ///     returns. When it throws, the backup ends with that error.
  /// - Throws: as `backup(to:progress:)`, and what the closures throw.
  @discardableResult
  public func backup(
    progress: ((BackupProgress) throws -> Void)? = nil, into sink: ([UInt8]) throws -> Void
  ) throws -> BackupSummary {
    let source = try BackupSource(engine)
    defer { source.end() }
    let pieces = BackupPieces(source)
    while let piece = try pieces.next() {
      try sink(piece)
      try look(nil, source.progress, progress)
    }
    return source.summary(copy: nil)
  }

  private func look(
    _ cancellation: CancellationFlag?, _ state: BackupProgress,
    _ progress: ((BackupProgress) throws -> Void)?
  ) throws {
    try Database.checkCancellation(cancellation, "the backup")
    try progress?(state)
  }

  static func checkCancellation(
    _ cancellation: CancellationFlag?, _ what: String
  ) throws(DatabaseError) {
    if cancellation?.isCancelled ?? Task.isCancelled {
      throw DatabaseError(.cancelled, "\(what) was cancelled; nothing of it is left")
    }
  }
}
