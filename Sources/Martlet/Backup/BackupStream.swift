internal import Environment

/// A backup as an asynchronous sequence of pieces, each about a megabyte: what
/// `Database.backupStream()` returns.
///
/// The backup begins with the first piece, and each piece is read, on a thread of its own, when it is
/// asked for: a slow upload slows the backup down and fills no memory. It ends, and lets the places
/// in the data file go, with its last piece, with an error, or when the iterator goes away.
public struct BackupStream: AsyncSequence, Sendable {
  /// Bytes of the stream, in order.
  public typealias Element = [UInt8]

  let engine: Engine

  /// Begins a backup of its own each time.
  public func makeAsyncIterator() -> Iterator { Iterator(engine: engine) }

  /// Reads one backup.
  public final class Iterator: AsyncIteratorProtocol {
    private let engine: Engine
    private var pieces: BackupPieces?
    private var isOver = false

    init(engine: Engine) { self.engine = engine }

    deinit { end() }

    private func end() {
      isOver = true
      pieces?.source.end()
      pieces = nil
    }

    /// The next piece; nil when the backup is complete.
    ///
    /// - Throws: as `Database.backup(to:progress:)`; the stream is over then.
    public func next() async throws -> [UInt8]? {
      if isOver { return nil }
      do {
        try Database.checkCancellation(nil, "the backup")
        let (engine, begun) = (engine, pieces)
        let (pieces, piece) = try await engine.onOwnThread("martlet-backup") { _ in
          let pieces = try begun ?? BackupPieces(BackupSource(engine))
          do { return (pieces, try pieces.next()) } catch {
            if begun == nil { pieces.source.end() }
            throw error
          }
        }
        self.pieces = pieces
        if piece == nil { end() }
        return piece
      } catch {
        end()
        throw error
      }
    }
  }
}

extension Database {
  /// The database as a stream of bytes, to be sent wherever it is wanted.
  ///
  /// ```swift
  /// for try await piece in database.backupStream() { try await upload(piece) }
  /// ```
  ///
  /// See `backup(progress:into:)` for what it holds, and `restore(to:from:)` for the way back.
  public func backupStream() -> BackupStream { BackupStream(engine: engine) }

  /// As the synchronous form, on a thread of its own. Cancelling the task ends it, and takes away
  /// what was copied.
  @discardableResult
  public func backup(
    to directory: String, progress: (@Sendable (BackupProgress) throws -> Void)? = nil
  ) async throws -> BackupSummary {
    try await engine.onOwnThread("martlet-backup") { [self] cancellation in
      try backup(
        to: directory, outside: outside, cancellation: cancellation, progress: progress)
    }
  }
}

extension Engine {
  /// Runs something long beside the transactions, on a thread of its own, without blocking the
  /// thread of the calling task.
  func onOwnThread<Result: Sendable>(
    _ name: String, _ job: @escaping @Sendable (CancellationFlag) throws -> Result
  ) async throws -> Result {
    let cancellation = CancellationFlag()
    return try await withTaskCancellationHandler {
      try await withCheckedThrowingContinuation { continuation in
        _ = effects.background.start(name) {
          continuation.resume(with: Swift.Result { try job(cancellation) })
        }
      }
    } onCancel: {
      cancellation.cancel()
    }
  }
}
