internal import Environment
internal import RawBytes
internal import Synchronization

/// Space of the volume: getting it before it is needed, and giving back what is not.
///
/// - Invariant SP1: the file is cut, and holes are punched, only while both `writeTurn` and
///   `growthTurn` are held and no checkpoint is in progress, so that nobody writes to what is
///   about to go.
extension Pager {
  /// Makes sure that all dirty pages plus so many bytes can be written: the volume has given the
  /// space. Cheap when it has.
  ///
  /// - Throws: `.diskFull`, `.file`, `.poisoned`. Nothing is changed.
  package func reserveSpace(_ byteCount: Int) throws(PagingError) {
    try file.checkPoison()
    if missingBlocks(for: byteCount) <= 0 { return }
    growthTurn.take()
    defer { growthTurn.pass() }
    let missing = missingBlocks(for: byteCount)
    if missing <= 0 { return }
    let blockCount = ledger.withLock { $0.space.blockCount }
    let step = min(max(blockCount / 8, Self.leastGrowthStep), Self.largestGrowthStep)
    do throws(PagingError) {
      try getBlocks(max(missing, step))
    } catch .diskFull {
      // The volume is nearly full: then just what is needed.
      let rest = missingBlocks(for: byteCount)
      if rest > 0 { try getBlocks(rest) }
    }
  }

  /// The file grows by an eighth of what it has, so that a load does not ask for space with every
  /// commit; at least 1 MiB and at most 64.
  private static let leastGrowthStep = 256
  private static let largestGrowthStep = 16384

  /// Blocks that the volume must still give: the dirty and built pages uncompressed, the map blocks
  /// that lead to them, and a little for stretches that are too short.
  func missingBlocks(for byteCount: Int) -> Int {
    let dirtyPages = counters.dirtyPages.value
    let otherBytes = byteCount + counters.builtBytes.value
    return ledger.withLock { ledger in
      let mapBlocks = min(
        dirtyPages + ledger.dirtyBlockCount, PageMap.blockCount(idLimit: ledger.idLimit))
      let pages = Place.blocks(for: dirtyPages * pageSize + otherBytes)
      let needed = pages + pages / 16 + mapBlocks + mapBlocks / 128 + 64
      return needed - ledger.space.backedFreeBlockCount
    }
  }

  private func getBlocks(_ count: Int) throws(PagingError) {
    var missing = count
    var start = 0
    while missing > 0 {
      let hole = ledger.withLock { ledger in
        ledger.space.freeStretch(from: start, backed: false, minimum: 16)
      }
      guard let hole else { break }
      let blocks = hole.prefix(missing)
      try file.allocate(blocks)
      ledger.withLock { $0.space.setBacked(blocks, true) }
      missing -= blocks.count
      start = blocks.upperBound
    }
    guard missing > 0 else { return }
    let end = ledger.withLock { $0.space.blockCount }
    try file.allocate(end..<end + missing)
    ledger.withLock { ledger in
      ledger.space.grow(to: end + missing)
      ledger.space.setBacked(end..<end + missing, true)
    }
  }

  // MARK: Giving back

  /// Stretches shorter than this stay: 256 KiB.
  private static let worthPunching = 64

  /// Cuts the free tail off and punches holes, but keeps a 16th of what is used for the next
  /// checkpoint, near the head of the file, where images are to go. Failing to is no failure.
  func returnSpace() {
    writeTurn.take()
    growthTurn.take()
    defer {
      growthTurn.pass()
      writeTurn.pass()
    }
    if file.isPoisoned { return }
    do throws(PagingError) {
      try cutTail()
      try punchHoles()
    } catch {
      effects.events.report(
        Event(.warning, kind: .background, "giving space back failed: \(error)"))
    }
  }

  /// Cuts the free tail off but for what dirty pages may need.
  func returnTail() throws(PagingError) {
    writeTurn.take()
    growthTurn.take()
    defer {
      growthTurn.pass()
      writeTurn.pass()
    }
    try file.checkPoison()
    // Above zero: so many of the backed free blocks are not promised to anybody.
    let spare = -missingBlocks(for: 0)
    let newCount = ledger.withLock { ledger -> Int? in
      let tail = ledger.space.freeTail
      let backedCount = tail.count { ledger.space.isBacked($0) }
      let kept = min(max(backedCount - max(spare, 0), 0), tail.count)
      guard kept < tail.count, !ledger.isCapturing else { return nil }
      ledger.space.shrink(to: tail.lowerBound + kept)
      return ledger.space.blockCount
    }
    guard let newCount else { return }
    try file.truncate(toBlock: newCount)
    counters.truncations.add(1)
  }

  private func cutTail() throws(PagingError) {
    let newCount = ledger.withLock { ledger -> Int? in
      let tail = ledger.space.freeTail
      let kept = cushion(ledger.space)
      guard tail.count > 2 * kept else { return nil }
      ledger.space.shrink(to: tail.lowerBound + kept)
      return ledger.space.blockCount
    }
    guard let newCount else { return }
    try file.truncate(toBlock: newCount)
    counters.truncations.add(1)
  }

  private func punchHoles() throws(PagingError) {
    var start = ledger.withLock { $0.space.end(ofFirstBacked: cushion($0.space)) }
    while true {
      let hole = ledger.withLock { ledger -> Range<Int>? in
        let stretch = ledger.space.freeStretch(
          from: start, backed: true, minimum: Self.worthPunching)
        guard let stretch else { return nil }
        ledger.space.hold(stretch)
        return stretch
      }
      guard let hole else { return }
      start = hole.upperBound
      var failure: PagingError?
      do throws(PagingError) { try file.punchHole(hole) } catch { failure = error }
      ledger.withLock { ledger in
        ledger.space.letGo(hole)
        if failure == nil { ledger.space.setBacked(hole, false) }
      }
      if let failure { throw failure }
      counters.holePunches.add(1)
    }
  }

  private func cushion(_ space: borrowing FreeSpace) -> Int {
    max(space.usedBlockCount / 16, Self.leastGrowthStep)
  }
}
