internal import Environment
package import Primitives
internal import RawBytes
public import Synchronization

/// Pages by number, in memory when they are needed and in a file in between, with a consistent
/// image of all of them on the medium at every moment.
///
/// **What it guarantees.** A page read is the page that was written, or a typed corruption error.
/// A checkpoint is the exact state of all pages at one moment, whatever is written meanwhile; it is
/// durable as a whole or not at all, and until the next one is durable it is what a crash falls
/// back to.
///
/// **The naive way** writes a changed page where it lay. A crash in the middle tears it, a crash
/// between two pages leaves half a split, and a log of page images has to repair both. A table
/// of pages behind a mutex makes every reader of the root page wait for every other.
///
/// **The way taken.** Page ids are logical. In memory one atomic word a page says where it is and
/// guards reading it (`PageWord`); readers take no latch, they validate. In the file an image
/// goes to a fresh place each time (`PageLedger`, `FreeSpace`), and a checkpoint is a new page map
/// under a new superblock. A writer about to change a page that a checkpoint in progress still
/// needs first hands over the old bytes, so neither waits for the other.
///
/// ```text
///   optimistic / shared / exclusive ──► PageTable ──► FramePool ◄── eviction, background writer
///                                          │ absent                        │ dirty
///                                          ▼                               ▼
///                                       PageLedger (map, places)  ◄──── runs of images
///                                          ▲                               ▲
///                                          └──── checkpoint: capture, write, superblock
/// ```
///
/// Rules that hold everywhere:
///
/// - Invariant PG1: a thread that waits for a frame, a turn or the file holds no latch, except the
///   latch of the very page that it reads or whose old image it writes.
/// - Invariant PG2: latches are taken parent before child and left before right.
/// - Invariant PG3: no mutex is held across a seam call (E1); spins yield (E2).
/// - Invariant PG4: bytes of a page change only under its exclusive latch and after `willModify`.
/// - Invariant PG5: images, then map, then a sync, then the superblock, then a sync, and only
///   then are places reused (R3).
///
/// `close()` before letting go: the background thread keeps the pager alive.
///
/// Source of the page table and of optimistic latches: Leis et al. 2019 and 2023.
// SAFETY: the pointers point into `table` and `frames`, which live as long as the pager. False if
// a page view outlives the pager.
@safe
@usableFromInline
package final class Pager: @unchecked Sendable {
  // SENDABLE: words and frame metadata are atomic, the ledger is behind its mutex, bytes of pages
  // are guarded by their latches.

  // The hot path: constants, so that an optimistic read is two loads and a shift.
  @usableFromInline let directory: UnsafeMutablePointer<Atomic<UInt>>
  @usableFromInline let frameBase: UnsafeMutableRawPointer
  @usableFromInline let pageShift: Int
  @usableFromInline let frameDirty: UnsafeMutablePointer<Atomic<UInt64>>
  /// Pages dirtied now are dirty since this epoch; each capture raises it.
  @usableFromInline let epoch = Atomic<UInt64>(1)

  @usableFromInline package let pageSize: Int
  package let id: DatabaseID
  let configuration: PagingConfiguration
  let effects: Effects
  let table: PageTable
  let frames: FramePool
  let file: DataFile
  let ledger: ShortMutex<PageLedger>
  let counters = Counters()
  let buffers: BufferPool
  let background: BackgroundState
  /// Pages that the file held when it was opened.
  @usableFromInline let pageCountAtOpening: Int
  /// Where the eviction clock stands; modulo the frame count.
  let clockHand = Atomic<Int>(0)

  /// What the superblock says that a program must know.
  let features = Atomic<UInt64>(0)

  /// Held while a run is filled, written and settled (RW1).
  let writeTurn: Turn
  /// Held while a checkpoint is written, or the durable one verified.
  let checkpointTurn: Turn
  /// Held while the file is made longer or shorter.
  let growthTurn: Turn

  init(
    file: DataFile, ledger: consuming PageLedger, id: DatabaseID, pageSize: Int,
    configuration: PagingConfiguration, effects: Effects
  ) {
    precondition(PagingConfiguration.isPageSize(pageSize), "page size \(pageSize)")
    let wanted = configuration.cacheByteCount / pageSize
    let count = min(
      max(wanted, PagingConfiguration.minimumFrameCount), PageWord.maximumFrameCount)
    guard let frames = FramePool(count: count, pageByteCount: pageSize) else {
      preconditionFailure("no memory for a cache of \(count) pages")
    }
    self.file = file
    pageCountAtOpening = ledger.map.mappedCount
    self.ledger = ShortMutex(ledger)
    self.id = id
    self.pageSize = pageSize
    self.configuration = configuration
    self.effects = effects
    self.frames = frames
    table = PageTable()
    buffers = BufferPool(byteCount: pageSize + Place.blockByteCount)
    background = BackgroundState()
    writeTurn = Turn(waits: effects.waits)
    checkpointTurn = Turn(waits: effects.waits)
    growthTurn = Turn(waits: effects.waits)
    pageShift = pageSize.trailingZeroBitCount
    unsafe directory = unsafe table.directory
    unsafe frameBase = unsafe frames.base
    unsafe frameDirty = unsafe frames.dirty
  }

  // MARK: State

  /// Bytes of the pages that changed since they were last written.
  package var dirtyByteCount: Int { counters.dirtyPages.value * pageSize }

  /// The checkpoint that a crash now would fall back to.
  package var durableGeneration: Generation { ledger.withLock { $0.durable } }

  /// Nothing more becomes durable (F1). Reading goes on.
  package func poison() { file.poison() }

  package var isPoisoned: Bool { file.isPoisoned }

  package var statistics: PagingStatistics {
    var statistics = PagingStatistics()
    statistics.pageReads = counters.pageReads.value
    statistics.pageWrites = counters.pageWrites.value
    statistics.readAheads = counters.readAheads.value
    statistics.evictions = counters.evictions.value
    statistics.dirtyEvictions = counters.dirtyEvictions.value
    statistics.handOvers = counters.handOvers.value
    statistics.inlineHandOvers = counters.inlineHandOvers.value
    statistics.checkpoints = counters.checkpoints.value
    statistics.failedCheckpoints = counters.failedCheckpoints.value
    statistics.truncations = counters.truncations.value
    statistics.holePunches = counters.holePunches.value
    statistics.dirtyPageCount = counters.dirtyPages.value
    statistics.frameCount = frames.count
    statistics.freeFrameCount = frames.freeCount
    ledger.withLock { ledger in
      statistics.fileByteCount = ledger.space.blockCount * Place.blockByteCount
      statistics.usedByteCount = ledger.space.usedBlockCount * Place.blockByteCount
      statistics.mappedPageCount = ledger.map.mappedCount
      statistics.storedByteCount = ledger.map.storedUnitCount * Place.unitByteCount
      statistics.volatilePageCount = ledger.volatileCount
      statistics.pinnedCheckpointCount = ledger.pinCount
      statistics.heldByteCount = ledger.heldUnitCount * Place.unitByteCount
    }
    return statistics
  }
}
