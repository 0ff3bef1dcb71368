internal import Environment
internal import Paging
internal import VersionStore

extension Database {
  /// Moves what the data file holds to its head and gives the rest back to the file system.
  ///
  /// The engine does a good part of that by itself: it punches holes and cuts a free tail off. A
  /// compaction makes the file as small as it can be, about 3 % above what is used, while everything
  /// goes on: nobody waits for it longer than for a checkpoint. A crash at any moment loses nothing.
  ///
  /// - Parameter progress: told about once for each megabyte. When it throws, the compaction ends
  ///   with that error; what was moved stays moved.
  /// - Throws: `invalidArgument` while another one runs; `corrupt`, which names the damaged page;
  ///   `cancelled`, `diskFull`, `inputOutput`. The database is as it was, and perhaps smaller.
  /// - Complexity: O(size of the data file) to look, and what has to be moved.
  @discardableResult
  public func compact(
    progress: ((BackupProgress) throws -> Void)? = nil
  ) throws -> CompactionSummary {
    try compact(cancellation: nil, progress: progress)
  }

  /// As the synchronous form, on a thread of its own. Cancelling the task ends it.
  @discardableResult
  public func compact(
    progress: (@Sendable (BackupProgress) throws -> Void)? = nil
  ) async throws -> CompactionSummary {
    try await engine.onOwnThread("martlet-compact") { [self] cancellation in
      try compact(cancellation: cancellation, progress: progress)
    }
  }

  private func compact(
    cancellation: CancellationFlag?, progress: ((BackupProgress) throws -> Void)?
  ) throws -> CompactionSummary {
    try Compaction(engine: engine, cancellation: cancellation, progress: progress).run()
  }
}

/// One compaction: passes of moving and a checkpoint, until nothing lies above the boundary.
final class Compaction {
  private let engine: Engine
  private let cancellation: CancellationFlag?
  private let progress: ((BackupProgress) throws -> Void)?
  private let startTime: UInt64
  private var movedByteCount = 0

  /// A pass leaves something only where stretches were too short, or others wrote meanwhile.
  private static let passLimit = 8
  /// Rounds of clearing up before: each is short.
  private static let maintenanceLimit = 10_000

  init(
    engine: Engine, cancellation: CancellationFlag?,
    progress: ((BackupProgress) throws -> Void)?
  ) {
    self.engine = engine
    self.cancellation = cancellation
    self.progress = progress
    startTime = engine.effects.time.monotonic()
  }

  func run() throws -> CompactionSummary {
    let bytesBefore = engine.store.statistics.paging.fileByteCount
    // What was deleted leaves its pages first.
    for _ in 0..<Self.maintenanceLimit {
      try checkCancellation()
      if try whileOpen({ engine.store.maintenance() }) != .more { break }
    }
    try whileOpen { try engine.checkpointer.runIfNeeded() }
    guard try whileOpen({ engine.store.beginCompaction() }) else {
      throw DatabaseError(.invalidArgument, "another compaction of this database is under way")
    }
    do { try movePasses() } catch {
      try? end()
      throw error
    }
    try end()
    let paging = engine.store.statistics.paging
    return CompactionSummary(
      bytesBefore: bytesBefore, bytesAfter: paging.fileByteCount, movedByteCount: movedByteCount,
      heldByteCount: paging.heldByteCount, elapsed: elapsed)
  }

  /// Others may close the database between two steps; the next step says so.
  private func whileOpen<Result>(_ body: () throws -> Result) throws -> Result {
    try engine.enter()
    defer { engine.leave() }
    return try body()
  }

  private func checkCancellation() throws {
    if cancellation?.isCancelled ?? Task.isCancelled {
      throw DatabaseError(.cancelled, "the compaction was cancelled; what was moved stays moved")
    }
  }

  private func end() throws {
    do { try engine.enter() } catch {
      // Nothing is cut off while the database is suspended; but the next one may begin.
      engine.store.abandonCompaction()
      throw error
    }
    defer { engine.leave() }
    do throws(StoreError) { try engine.store.endCompaction() } catch {
      throw DatabaseError(error)
    }
  }

  private func movePasses() throws {
    var lastTotal = Int.max
    for _ in 0..<Self.passLimit {
      var plan = try whileOpen { engine.store.planCompaction() }
      let isWorthIt = plan.totalByteCount < lastTotal
      if plan.isEmpty || !isWorthIt { break }
      lastTotal = plan.totalByteCount
      try move(&plan)
      try whileOpen { try engine.checkpointer.run() }
    }
    // The blocks of the map may lie above the boundary where no page does.
    try whileOpen { try engine.checkpointer.run() }
  }

  private func move(_ plan: inout CompactionPlan) throws {
    var isMore = true
    while isMore {
      try checkCancellation()
      isMore = try whileOpen {
        try engine.checkpointer.betweenCheckpoints { () throws(DatabaseError) -> Bool in
          do throws(StoreError) { return try engine.store.move(&plan) } catch {
            throw DatabaseError(error)
          }
        }
      }
      try progress?(
        BackupProgress(
          pageCount: plan.doneCount, byteCount: plan.doneByteCount,
          totalByteCount: plan.totalByteCount, elapsed: elapsed))
    }
    movedByteCount += plan.movedByteCount
  }

  private var elapsed: Duration {
    .nanoseconds(Int64(clamping: engine.effects.time.monotonic() - startTime))
  }
}
