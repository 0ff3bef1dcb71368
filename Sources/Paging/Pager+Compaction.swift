internal import Environment
internal import Primitives
internal import RawBytes
internal import Synchronization

/// Moving images towards the head of the file, so that its tail can be cut off.
///
/// An image is moved as it is: its stored bytes go to a free place below a boundary, and the map
/// leads there from then on. That is a change like any other: the next checkpoint makes it durable
/// and frees the old place, and until then a crash falls back to the map that has the image where
/// it was.
///
/// ```text
///  plan ──► move, move, … ──► checkpoint ──► plan ──► … nothing above the boundary ──► cut
/// ```
///
/// - Invariant CP1: the entry of a page is changed under its exclusive latch, if it is as it was
///   when the image was read; so nobody reads a place that it no longer has (FA2).
/// - Invariant CP2: nothing is moved while a checkpoint is captured: its images belong to pages as
///   they were, and the moved one would come behind them.
extension Pager {
  /// Begins: what is written from now on goes below a boundary that leaves room for everything.
  /// False when another compaction is under way.
  package func beginCompaction() -> Bool {
    ledger.withLock { ledger in
      guard ledger.space.preferredEnd == nil else { return false }
      ledger.space.preferredEnd = Self.boundary(ledger.space)
      return true
    }
  }

  /// Ends it without a look at the file.
  package func abandonCompaction() { ledger.withLock { $0.space.preferredEnd = nil } }

  /// Ends it and cuts the free tail off, as far as pages in memory do not need it.
  package func endCompaction() throws(PagingError) {
    ledger.withLock { $0.space.preferredEnd = nil }
    try returnTail()
  }

  /// What is used, and a 32nd for stretches that are too short.
  private static func boundary(_ space: borrowing FreeSpace) -> Int {
    space.usedBlockCount + space.usedBlockCount / 32 + 64
  }

  /// Finds what lies above the boundary. Blocks of the map that do are written anew by the next
  /// checkpoint.
  package func planCompaction() -> CompactionPlan {
    let boundary = ledger.withLock { ledger -> Int in
      let boundary = Self.boundary(ledger.space)
      ledger.space.preferredEnd = boundary
      ledger.space.rewind()
      for (index, entry) in (ledger.tree.levels.first ?? []).enumerated()
      where !entry.isAbsent && entry.place.blocks.upperBound > boundary {
        ledger.dirtyBlocks.insert(index)
      }
      return boundary
    }
    var plan = CompactionPlan(boundary: boundary)
    var next: UInt64 = 1
    var isDone = false
    while !isDone {
      ledger.withLock { ledger in
        for _ in 0..<Self.planStep {
          guard let id = ledger.map.firstPresent(from: next) else {
            isDone = true
            return
          }
          next = UInt64(id) + 1
          let entry = ledger.entry(of: id)
          if entry.place.blocks.upperBound > boundary { plan.add(id, entry) }
        }
      }
    }
    plan.sort()
    return plan
  }

  /// How many entries are looked at under the mutex at a time: commits take it, too.
  private static let planStep = 1024

  /// Moves about a megabyte of a plan. The caller keeps captures away.
  ///
  /// - Returns: whether anything of the plan is left.
  /// - Throws: `.corrupt`, which names the page, for an image that is not what was written; what
  ///   reading and writing throw. What was moved before stays moved.
  package func move(_ plan: inout CompactionPlan) throws(PagingError) -> Bool {
    let pages = plan.takePages(byteCount: NeighbourReader.bufferByteCount)
    if pages.isEmpty { return false }
    do {
      let run = MovedImages(byteCount: NeighbourReader.bufferByteCount)
      var images = NeighbourReader(file)
      images.take(pages)
      while !images.isEmpty {
        try images.next { page, image, checksum in
          if checksum == page.entry.checksum {
            run.append(page, image)
          } else if ledger.withLock({ $0.entry(of: page.id) }) == page.entry {
            throw PageImage.mismatch(page, checksum)
          }
        }
      }
      try write(run, below: plan.boundary)
      plan.count(run)
    } catch let error as PagingError {
      throw error
    } catch {
      preconditionFailure("an error of an unknown type: \(error)")
    }
    return !plan.isEmpty
  }

  private func write(_ run: MovedImages, below boundary: Int) throws(PagingError) {
    writeTurn.take()
    defer { writeTurn.pass() }
    while let wanted = run.wantedBlocks {
      let blocks = ledger.withLock { ledger in
        ledger.space.allocateRun(
          wanted: wanted.count, minimum: wanted.minimum, below: boundary)
      }
      guard let blocks else { return }
      let (bytes, placed) = run.place(in: blocks)
      do {
        try file.write(bytes, block: blocks.lowerBound)
      } catch {
        ledger.withLock { ledger in
          ledger.space.letGo(blocks)
          ledger.space.setBacked(blocks, false)
        }
        throw error
      }
      ledger.withLock { ledger in
        for moved in placed { ledger.space.retain(moved.image.place) }
        ledger.space.letGo(blocks)
      }
      counters.pageWrites.add(placed.count)
      for moved in placed where enter(moved) { run.movedByteCount += moved.image.place.byteCount }
    }
  }

  /// Lets the map lead to where an image was moved, unless the page has another one by now.
  private func enter(_ moved: MovedImages.Moved) -> Bool {
    let state = unsafe table.makeWord(moved.page.id)
    var attempt = 0
    while true {
      let word = PageWord(unsafe state.pointee.load(ordering: .relaxed))
      let latched = word.latched
      if !word.isExclusive, word.sharedCount == 0, unsafe exchange(state, word, latched) {
        let isEntered = ledger.withLock { ledger -> Bool in
          guard !ledger.isCapturing, ledger.entry(of: moved.page.id) == moved.page.entry else {
            ledger.space.release(moved.image.place)
            return false
          }
          ledger.enter(moved.page.id, moved.image, belongsToCapture: false)
          return true
        }
        let unlatched = word.isResident ? latched.unlatched : latched.evicted
        let rest = word.isResident && word.isCooling ? unlatched.cooled : unlatched
        unsafe state.pointee.store(rest.rawValue, ordering: .releasing)
        return isEntered
      }
      effects.waits.yield(attempt: attempt)
      attempt += 1
    }
  }
}

/// Images that lie above a boundary of the file, those at its end first.
package struct CompactionPlan: Sendable {
  /// The block above which nothing is to lie.
  let boundary: Int
  private var pages: [LocatedPage] = []
  private var next = 0
  package private(set) var totalByteCount = 0
  package private(set) var doneByteCount = 0
  /// Of those done, the ones that lie below the boundary now.
  package private(set) var movedByteCount = 0

  init(boundary: Int) { self.boundary = boundary }

  package var isEmpty: Bool { next == pages.count }
  package var doneCount: Int { next }

  mutating func add(_ id: UInt32, _ entry: PageMapEntry) {
    pages.append(LocatedPage(id: id, entry: entry))
    totalByteCount += entry.place.byteCount
  }

  mutating func sort() { pages.sort { $0.entry.start > $1.entry.start } }

  mutating func takePages(byteCount: Int) -> [LocatedPage] {
    let first = next
    var rest = byteCount
    while next < pages.count, pages[next].entry.place.byteCount <= rest {
      rest -= pages[next].entry.place.byteCount
      next += 1
    }
    doneByteCount += byteCount - rest
    return Array(pages[first..<next])
  }

  mutating func count(_ run: borrowing MovedImages) { movedByteCount += run.movedByteCount }
}

/// Images on their way to other places, side by side as they were read.
final class MovedImages {
  struct Moved {
    let page: LocatedPage
    let image: StoredImage
  }

  private let memory: AlignedMemory
  private var pages: [LocatedPage] = []
  private var used = 0
  var movedByteCount = 0

  init(byteCount: Int) { memory = AlignedMemory(byteCount: byteCount) }

  func append(_ page: LocatedPage, _ image: ByteView) {
    memory.bytes.copy(image, at: used)
    used += image.count
    pages.append(page)
  }

  /// The blocks that the images left want, and the least that are of use; nil when none is left.
  var wantedBlocks: (count: Int, minimum: Int)? {
    guard let page = pages.first else { return nil }
    return (Place.blocks(for: used), Place.blocks(for: page.entry.place.byteCount))
  }

  /// Gives as many images as fit their places in a run. The bytes are good until the next call.
  func place(in run: Range<Int>) -> (bytes: ByteView, placed: [Moved]) {
    memory.bytes.move(from: written, to: 0, byteCount: used)
    let room = run.count * Place.blockByteCount
    var placed: [Moved] = []
    var offset = 0
    for page in pages {
      guard offset + page.entry.place.byteCount <= room else { break }
      let start = run.lowerBound * Place.unitsPerBlock + offset / Place.unitByteCount
      placed.append(
        Moved(
          page: page,
          image: StoredImage(
            place: Place(start: start, unitCount: page.entry.unitCount),
            flags: page.entry.flags, checksum: page.entry.checksum)))
      offset += page.entry.place.byteCount
    }
    pages.removeFirst(placed.count)
    used -= offset
    written = offset
    // What follows the last image in its block is the next one's bytes: of no use, and harmless.
    let padded = Place.blocks(for: offset) * Place.blockByteCount
    if used == 0 { memory.bytes.zero(offset..<min(padded, memory.count)) }
    return (memory.bytes.view.prefix(padded), placed)
  }

  /// Bytes at the head that were placed by the last call.
  private var written = 0
}
