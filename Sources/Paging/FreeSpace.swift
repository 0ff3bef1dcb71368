/// Which 4 KiB blocks of the file are free, by counting who needs each.
///
/// A block is counted once for every image that touches it, and once more while the run it
/// belongs to is being written. Free is what nobody counts: computed at open from the map, never
/// stored, so it cannot disagree with the map.
///
/// - Invariant FS1: a block is handed out only while its count is zero, so no image that some map
///   needs is ever overwritten.
/// - Invariant FS2: blocks 0 to 3, the superblocks', are never free.
/// - Invariant FS3: `freeBlockCount` and `backedFreeBlockCount` count what they say. A free block
///   is backed when the volume is known to have given it space.
package struct FreeSpace: Sendable {
  /// A byte for each block: how often it is counted, and whether the volume backs it.
  private var states: [UInt8] = []
  /// Free blocks in each group of 1024, so that full stretches are skipped.
  private var freeInGroup: [Int32] = []
  package private(set) var freeBlockCount = 0
  package private(set) var backedFreeBlockCount = 0
  /// Next fit: the search goes on where it ended.
  private var cursor = 0
  /// While the file is compacted: runs lie below this block as long as there is room, whether the
  /// volume backs it or not.
  package var preferredEnd: Int?

  package static let reservedBlockCount = 4
  private static let groupShift = 10
  private static let backedBit: UInt8 = 0x80
  /// A run shorter than this is taken only when a search of `searchLimit` blocks met no longer one.
  private static let goodRunLength = 16
  private static let searchLimit = 1 << 15

  /// A file of so many blocks in which nothing but the superblocks is used.
  package init(blockCount: Int) {
    self.init(BlockTally(blockCount: blockCount))
  }

  /// A file in which the superblocks and the images of a tally are used.
  package init(_ tally: consuming BlockTally) {
    states = tally.counts
    let groupSize = 1 << Self.groupShift
    freeInGroup.reserveCapacity(blockCount / groupSize + 1)
    for first in stride(from: 0, to: blockCount, by: groupSize) {
      var freeCount: Int32 = 0
      for block in first..<min(first + groupSize, blockCount) {
        if states[block] == 0 { freeCount += 1 } else { states[block] |= Self.backedBit }
      }
      freeInGroup.append(freeCount)
      freeBlockCount += Int(freeCount)
    }
  }

  package var blockCount: Int { states.count }
  package var usedBlockCount: Int { blockCount - freeBlockCount }

  package func isFree(_ block: Int) -> Bool { states[block] & ~Self.backedBit == 0 }
  package func isBacked(_ block: Int) -> Bool { states[block] & Self.backedBit != 0 }
  package func referenceCount(_ block: Int) -> Int { Int(states[block] & ~Self.backedBit) }

  // MARK: Counting

  private mutating func retain(_ block: Int) {
    let state = states[block]
    if state & ~Self.backedBit == 0 {
      freeInGroup[block >> Self.groupShift] -= 1
      freeBlockCount -= 1
      if state != 0 { backedFreeBlockCount -= 1 }
    }
    precondition(state < .max, "a block is counted 127 times")
    states[block] = (state | Self.backedBit) + 1
  }

  private mutating func release(_ block: Int) {
    precondition(!isFree(block), "a block is released that nobody holds")
    states[block] -= 1
    guard isFree(block) else { return }
    freeInGroup[block >> Self.groupShift] += 1
    freeBlockCount += 1
    if isBacked(block) { backedFreeBlockCount += 1 }
  }

  /// An image lies there from now on.
  package mutating func retain(_ place: Place) {
    for block in place.blocks { retain(block) }
  }

  /// No map needs that image any more.
  package mutating func release(_ place: Place) {
    for block in place.blocks { release(block) }
  }

  package mutating func hold(_ blocks: Range<Int>) {
    for block in blocks { retain(block) }
  }

  package mutating func letGo(_ blocks: Range<Int>) {
    for block in blocks { release(block) }
  }

  // MARK: Runs

  /// Takes up to `wanted` and at least `minimum` contiguous blocks and holds them until
  /// `letGo`: blocks that the volume backs if there are any, so that what was reserved is used and
  /// holes stay holes. The file grows when no free stretch will do.
  package mutating func allocateRun(wanted: Int, minimum: Int) -> Range<Int> {
    precondition(minimum > 0 && wanted >= minimum)
    if let run = allocateRun(wanted: wanted, minimum: minimum, below: preferredEnd) { return run }
    let run =
      findRun(wanted: wanted, minimum: minimum, mustBeBacked: true)
      ?? findRun(wanted: wanted, minimum: minimum, mustBeBacked: false) ?? growRun(wanted)
    hold(run)
    cursor = run.upperBound
    return run
  }

  /// The same below a block, whether the volume backs the blocks or not; nil when there is no such
  /// stretch, or no block is given.
  package mutating func allocateRun(wanted: Int, minimum: Int, below end: Int?) -> Range<Int>? {
    guard let end else { return nil }
    let run = findRun(wanted: wanted, minimum: minimum, mustBeBacked: false, below: end)
    guard let run else { return nil }
    hold(run)
    cursor = run.upperBound
    return run
  }

  /// The next search begins at the head of the file: done for each checkpoint, so that images move
  /// towards the head and the tail can be cut.
  package mutating func rewind() { cursor = 0 }

  private func findRun(
    wanted: Int, minimum: Int, mustBeBacked: Bool, below limit: Int = .max
  ) -> Range<Int>? {
    let candidates = mustBeBacked ? backedFreeBlockCount : freeBlockCount
    guard candidates >= minimum else { return nil }
    func isCandidate(_ block: Int) -> Bool {
      isFree(block) && (!mustBeBacked || isBacked(block))
    }
    // Below a block the file is being compacted: there short stretches are what is to be filled.
    let good = limit == .max ? max(minimum, min(wanted, Self.goodRunLength)) : minimum
    var second: Range<Int>?
    var visited = 0
    let limit = min(limit, blockCount)
    var block = cursor < limit ? cursor : 0
    var remaining = limit
    while remaining > 0 && visited < Self.searchLimit {
      if block & (1 << Self.groupShift - 1) == 0, freeInGroup[block >> Self.groupShift] == 0 {
        let skipped = min(1 << Self.groupShift, limit - block)
        block = block + skipped == limit ? 0 : block + skipped
        remaining -= skipped
        continue
      }
      visited += 1
      guard isCandidate(block) else {
        block = block + 1 == limit ? 0 : block + 1
        remaining -= 1
        continue
      }
      var end = block + 1
      while end < limit && end - block < wanted && isCandidate(end) { end += 1 }
      visited += end - block
      if end - block >= good { return block..<end }
      if second == nil && end - block >= minimum { second = block..<end }
      remaining -= end - block
      block = end == limit ? 0 : end
    }
    return second
  }

  private mutating func growRun(_ wanted: Int) -> Range<Int> {
    var start = blockCount
    while start > 0 && isFree(start - 1) { start -= 1 }
    grow(to: max(start + wanted, blockCount))
    return start..<start + wanted
  }

  /// Adds free blocks at the end.
  package mutating func grow(to newCount: Int) {
    let added = newCount - blockCount
    guard added > 0 else { return }
    states.append(contentsOf: repeatElement(0, count: added))
    let groups = (newCount + (1 << Self.groupShift) - 1) >> Self.groupShift
    while freeInGroup.count < groups { freeInGroup.append(0) }
    for block in newCount - added..<newCount { freeInGroup[block >> Self.groupShift] += 1 }
    freeBlockCount += added
  }

  // MARK: Space of the volume

  /// The volume has given these blocks space, or taken it back. Blocks in use stay backed.
  package mutating func setBacked(_ blocks: Range<Int>, _ isBacked: Bool) {
    for block in blocks where isFree(block) && self.isBacked(block) != isBacked {
      states[block] ^= Self.backedBit
      backedFreeBlockCount += isBacked ? 1 : -1
    }
  }

  /// The first stretch at or after `start` of free blocks that are all backed, or all not.
  package func freeStretch(from start: Int, backed isBacked: Bool, minimum: Int) -> Range<Int>? {
    var block = start
    while block < blockCount {
      if block & (1 << Self.groupShift - 1) == 0, freeInGroup[block >> Self.groupShift] == 0 {
        block += 1 << Self.groupShift
        continue
      }
      var end = block
      while end < blockCount && isFree(end) && self.isBacked(end) == isBacked { end += 1 }
      if end - block >= max(minimum, 1) { return block..<end }
      block = end + 1
    }
    return nil
  }

  /// The block behind the first so many free, backed ones.
  package func end(ofFirstBacked count: Int) -> Int {
    var rest = count
    var block = 0
    while block < blockCount && rest > 0 {
      if isFree(block) && isBacked(block) { rest -= 1 }
      block += 1
    }
    return block
  }

  /// The free blocks at the end of the file.
  package var freeTail: Range<Int> {
    var start = blockCount
    while start > Self.reservedBlockCount && isFree(start - 1) { start -= 1 }
    return start..<blockCount
  }

  /// Forgets free blocks at the end.
  package mutating func shrink(to newCount: Int) {
    while blockCount > newCount {
      let block = blockCount - 1
      precondition(isFree(block), "a used block is cut off")
      freeBlockCount -= 1
      if isBacked(block) { backedFreeBlockCount -= 1 }
      freeInGroup[block >> Self.groupShift] -= 1
      states.removeLast()
    }
    let groups = (blockCount + (1 << Self.groupShift) - 1) >> Self.groupShift
    freeInGroup.removeLast(freeInGroup.count - groups)
  }
}
