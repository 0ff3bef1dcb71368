internal import Environment
package import Primitives
internal import RawBytes
internal import Synchronization

extension Pager {
  /// Reads everything that is mapped from the file and checks it: each image against the map, each
  /// map block against the one above, both copies of the superblock, and that no two places
  /// overlap. Work goes on meanwhile, checkpoints wait for a part of it.
  ///
  /// - Parameters:
  ///   - progress: told now and then how many of how many pages are done.
  ///   - report: told each finding.
  /// - Throws: `.file` when the file cannot be read at all.
  package func verify(
    progress: (_ done: Int, _ total: Int) -> Void, report: (CorruptionError) -> Void
  ) throws(PagingError) {
    try verifyStructure(report)
    let limit = ledger.withLock { $0.idLimit }
    let total = ledger.withLock { $0.map.mappedCount }
    let page = AlignedMemory(byteCount: pageSize)
    defer { withExtendedLifetime(page) {} }
    var done = 0
    for id in 1..<max(limit, 1) {
      if try verifyImage(UInt32(id), page.bytes, report) {
        done += 1
        if done % 1024 == 0 { progress(done, max(total, done)) }
      }
    }
    progress(done, max(total, done))
  }

  /// Reads one image. A place may be given to another image while it is being read; a finding
  /// counts only if the map still leads there.
  private func verifyImage(
    _ id: UInt32, _ page: MutableByteView, _ report: (CorruptionError) -> Void
  ) throws(PagingError) -> Bool {
    var entry = ledger.withLock { $0.entry(of: id) }
    while !entry.isAbsent {
      do throws(PagingError) {
        try read(entry, of: PageID(id), into: page)
        return true
      } catch {
        let now = ledger.withLock { $0.entry(of: id) }
        if now == entry {
          guard case .corrupt(let finding) = error else { throw error }
          report(finding)
          return true
        }
        entry = now
      }
    }
    return false
  }

  private func verifyStructure(_ report: (CorruptionError) -> Void) throws(PagingError) {
    checkpointTurn.take()
    defer { checkpointTurn.pass() }
    let (census, generation, slot) = ledger.withLock { ledger in
      (PlaceCensus(ledger), ledger.durable, ledger.durableSlot)
    }
    if let overlap = census.firstOverlap() { report(overlap) }
    guard let superblock = try verifySuperblocks(slot, generation, report) else { return }
    let blockCount = Place.blocks(for: Int(clamping: try file.size()))
    let reader = MapReader(file: file, superblock: superblock, blockCount: blockCount)
    for level in census.tree.levels.indices {
      do throws(PagingError) {
        try reader.forEachBlock(of: census.tree.levels[level], level: level) { _, _ in }
      } catch .corrupt(let finding) {
        report(finding)
      }
    }
    do throws(PagingError) {
      _ = try reader.readRootTable()
    } catch .corrupt(let finding) {
      report(finding)
    }
  }

  private func verifySuperblocks(
    _ slot: Int, _ generation: Generation, _ report: (CorruptionError) -> Void
  ) throws(PagingError) -> Superblock? {
    let block = AlignedMemory(byteCount: Superblock.byteCount)
    defer { withExtendedLifetime(block) {} }
    var found: Superblock?
    for copy in 0..<2 {
      let number = Superblock.block(slot: slot, copy: copy)
      try file.read(
        into: block.bytes, at: UInt64(number * Place.blockByteCount), isDirect: true, "superblock")
      let reading = Superblock.read(block.bytes.view)
      if case .valid(let superblock) = reading, superblock.generation == generation,
        superblock.id == id
      {
        found = superblock
      } else {
        report(
          CorruptionError(
            location: "superblock in block \(number)",
            expected: "generation \(generation.rawValue)",
            found: "\(reading)"))
      }
    }
    return found
  }

  /// The pages of the committed state: those with an image or a frame, without the volatile ones,
  /// in order of their ids.
  package var mappedPages: MappedPages { MappedPages(pager: self) }

  /// The mapped ids among 256, as a bit set would hold them.
  func mappedPages(inBlock block: Int) -> [PageID] {
    let first = UInt32(block << 8)
    // The word before the map: a page that is evicted in between is in the map by then.
    let isResident = (first...first + 255).map { id in
      guard let state = unsafe table.word(id) else { return false }
      return PageWord(unsafe state.pointee.load(ordering: .acquiring)).isResident
    }
    return ledger.withLock { ledger in
      (first...first + 255).filter { id in
        !ledger.isVolatile(id) && (isResident[Int(id - first)] || !ledger.entry(of: id).isAbsent)
      }.map { PageID($0) }
    }
  }

  var mappedBlockCount: Int { PageMap.blockCount(idLimit: ledger.withLock { $0.idLimit }) }
}

/// Walks the page ids of the committed state, 256 at a time.
package struct MappedPages: Sequence, IteratorProtocol {
  private let pager: Pager
  private var block = 0
  private var ids: ArraySlice<PageID> = []

  init(pager: Pager) { self.pager = pager }

  package mutating func next() -> PageID? {
    while ids.isEmpty {
      guard block < pager.mappedBlockCount else { return nil }
      ids = pager.mappedPages(inBlock: block)[...]
      block += 1
    }
    return ids.removeFirst()
  }
}
