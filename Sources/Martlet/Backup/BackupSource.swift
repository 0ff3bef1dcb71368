internal import Environment
internal import Paging
internal import Primitives
internal import RawBytes
internal import VersionStore

/// What a backup reads: the newest checkpoint, pinned.
///
/// A checkpoint is taken when it begins, so that it has every commit acknowledged before. From then
/// on it reads the data file like anybody, and nobody waits for it.
///
/// - Invariant BS1: between two steps the database may be closed; the next step says so.
// SENDABLE: used by one thread at a time.
final class BackupSource: @unchecked Sendable {
  let superblock: Superblock
  let rootTable: [UInt8]
  private let engine: Engine
  private let pin: PinnedCheckpoint
  private var images: PinnedImages
  private let startTime: UInt64
  private let totalByteCount: Int
  private(set) var pageCount = 0
  private(set) var byteCount = 0
  /// Held bytes of which news were given.
  private var reportedByteCount = BackupSource.firstReport / 2

  private static let firstReport = 64 << 20

  /// - Throws: what a checkpoint throws, `corrupt`, `closed`.
  init(_ engine: Engine) throws {
    self.engine = engine
    startTime = engine.effects.time.monotonic()
    try engine.enter()
    defer { engine.leave() }
    try engine.checkpointer.runIfNeeded()
    do {
      pin = try engine.store.pinDurableCheckpoint()
      totalByteCount = engine.store.statistics.paging.storedByteCount
      superblock = pin.superblock
      images = try PinnedImages(pin)
      rootTable = try images.readRootTable()
    } catch let error as StoreError {
      throw DatabaseError(error)
    } catch let error as PagingError {
      throw DatabaseError(error)
    }
    engine.effects.events.report(
      Event(
        .notice, kind: .backup,
        "a backup of the state at \(superblock.timestamp) has begun; what it copies keeps its place "
          + "in the data file until it ends"))
  }

  /// Visits about a megabyte of images; false when all were visited.
  ///
  /// - Throws: what the body throws; `corrupt`, which names the page; `closed`, `inputOutput`.
  func next(_ body: (PageID, PageMapEntry, ByteView) throws -> Void) throws -> Bool {
    try engine.enter()
    defer { engine.leave() }
    reportHeldBytes()
    do {
      return try images.next { id, entry, image in
        try body(id, entry, image)
        pageCount += 1
        byteCount += image.count
      }
    } catch let error as PagingError {
      throw DatabaseError(error)
    }
  }

  /// News each time what is held back has doubled.
  private func reportHeldBytes() {
    let held = engine.store.statistics.paging.heldByteCount
    guard held >= 2 * reportedByteCount else { return }
    reportedByteCount = held
    engine.effects.events.report(
      Event(
        .warning, kind: .backup,
        "a backup that began \((elapsed / .seconds(1)).rounded()) s ago holds back \(held >> 20) MiB "
          + "of the data file"))
  }

  var elapsed: Duration {
    .nanoseconds(Int64(clamping: engine.effects.time.monotonic() - startTime))
  }

  var progress: BackupProgress {
    BackupProgress(
      pageCount: pageCount, byteCount: byteCount, totalByteCount: max(totalByteCount, byteCount),
      elapsed: elapsed)
  }

  func summary(copy: DatabaseID?) -> BackupSummary {
    BackupSummary(
      source: superblock.id, copy: copy, timestamp: superblock.timestamp, pageCount: pageCount,
      byteCount: byteCount, elapsed: elapsed)
  }

  /// Lets the checkpoint go.
  func end() {
    pin.release()
    engine.effects.events.report(
      Event(.notice, kind: .backup, "the backup of the state at \(superblock.timestamp) has ended"))
  }
}
