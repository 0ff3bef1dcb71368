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
    try verify(progress: progress, reportOfPage: { finding, _ in report(finding) })
  }

  /// The same; tells with each finding the page whose image it is about.
  package func verify(
    progress: (_ done: Int, _ total: Int) -> Void,
    reportOfPage report: (CorruptionError, PageID?) -> Void
  ) throws(PagingError) {
    try verifyStructure(report)
    let total = ledger.withLock { $0.map.mappedCount }
    let page = AlignedMemory(byteCount: pageSize)
    defer { withExtendedLifetime(page) {} }
    var done = 0
    var next: UInt64 = 1
    while let id = ledger.withLock({ $0.map.firstPresent(from: next) }) {
      next = UInt64(id) + 1
      guard try verifyImage(id, page.bytes, report) else { continue }
      done += 1
      if done % 1024 == 0 { progress(done, max(total, done)) }
    }
    progress(done, max(total, done))
  }

  /// Reads one image. A place may be given to another image while it is being read; a finding
  /// counts only if the map still leads there.
  private func verifyImage(
    _ id: UInt32, _ page: MutableByteView, _ report: (CorruptionError, PageID?) -> Void
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
          report(finding, PageID(id))
          return true
        }
        entry = now
      }
    }
    return false
  }

  private func verifyStructure(
    _ report: (CorruptionError, PageID?) -> Void
  ) throws(PagingError) {
    checkpointTurn.take()
    defer { checkpointTurn.pass() }
    let (census, generation, slot) = ledger.withLock { ledger in
      (PlaceCensus(ledger), ledger.durable, ledger.durableSlot)
    }
    census.forEachOverlap(report)
    guard
      let superblock = try verifySuperblocks(slot, generation, { report($0, nil) })
    else { return }
    let blockCount = Place.blocks(for: Int(clamping: try file.size()))
    let reader = MapReader(file: file, superblock: superblock, blockCount: blockCount)
    for level in census.tree.levels.indices {
      for (index, entry) in census.tree.levels[level].enumerated() where !entry.isAbsent {
        do throws(PagingError) {
          try reader.checkBlock(entry, index: index, level: level)
        } catch .corrupt(let finding) {
          report(finding.affecting(PageMap.pageRange(ofBlock: index, level: level)), nil)
        }
      }
    }
    do throws(PagingError) {
      _ = try reader.readRootTable()
    } catch .corrupt(let finding) {
      report(finding.affecting("the whole database: where its trees begin"), nil)
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
      var reading = Superblock.Reading.damaged("the end of the file")
      do throws(PagingError) {
        try file.read(
          into: block.bytes, at: UInt64(number * Place.blockByteCount), isDirect: true,
          "superblock")
        reading = Superblock.read(block.bytes.view)
      } catch .corrupt {
        // The file ends before it.
      }
      if case .valid(let superblock) = reading, superblock.generation == generation,
        superblock.id == id, found == nil || found == superblock
      {
        found = superblock
      } else {
        report(
          CorruptionError(
            location: "superblock in block \(number)",
            expected: "generation \(generation.rawValue)", found: reading.summary,
            affects: "no data while the other copy is whole"))
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

  /// The next block from one on that may hold ids of pages: a stretch of 2^16 ids of which none
  /// has an image or a word is passed over.
  func nextMappedBlock(from block: Int) -> Int {
    var block = block
    let count = mappedBlockCount
    while block < count {
      let first = UInt32(block << 8)
      let limit = (UInt64(block) >> 8 + 1) << 16
      if unsafe table.word(first) != nil { return block }
      if let present = ledger.withLock({ $0.map.firstPresent(from: UInt64(first)) }),
        UInt64(present) < limit
      {
        return Int(present >> 8)
      }
      block = Int(limit >> 8)
    }
    return block
  }

  /// Bytes that the images of pages take in the file; a page that was never written takes none.
  package func storedByteCount(of pages: [PageID]) -> Int {
    ledger.withLock { ledger in
      pages.reduce(0) { sum, id in
        let entry = ledger.entry(of: id.rawValue)
        return entry.isAbsent ? sum : sum + entry.unitCount * Place.unitByteCount
      }
    }
  }

  /// Whether a page belongs to the committed state at this moment.
  package func isMapped(_ id: PageID) -> Bool {
    mappedPages(inBlock: Int(id.rawValue >> 8)).contains(id)
  }
}

/// Walks the page ids of the committed state, 256 at a time.
package struct MappedPages: Sequence, IteratorProtocol {
  private let pager: Pager
  private var block = 0
  private var ids: ArraySlice<PageID> = []

  init(pager: Pager) { self.pager = pager }

  package mutating func next() -> PageID? {
    while ids.isEmpty {
      block = pager.nextMappedBlock(from: block)
      guard block < pager.mappedBlockCount else { return nil }
      ids = pager.mappedPages(inBlock: block)[...]
      block += 1
    }
    return ids.removeFirst()
  }
}
