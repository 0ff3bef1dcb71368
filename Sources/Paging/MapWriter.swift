internal import Primitives
internal import RawBytes
internal import Synchronization

/// Writes the map of a capture: its changed leaf blocks, the inner blocks above them, and the root
/// table, all to fresh places.
///
/// - Invariant MW1: `places` holds everything it took, so that a failed attempt can give it back.
/// - Invariant MW2: a block is written after the blocks below it, whose entries it holds.
struct MapWriter {
  private let file: DataFile
  private let generation: Generation
  private(set) var tree = MapTree()
  private(set) var rootTable: Place?
  private(set) var places: [Place] = []
  private let buffer = AlignedMemory(byteCount: MapWriter.blocksPerRun * Place.blockByteCount)
  /// The blocks in the buffer, by their index in the level at hand.
  private var buffered: [Int] = []

  private static let blocksPerRun = 256

  init(file: DataFile, generation: Generation) {
    self.file = file
    self.generation = generation
  }

  // MARK: The map

  mutating func writeMap(_ ledger: borrowing ShortMutex<PageLedger>) throws(PagingError) {
    let (old, leafCount, dirty) = ledger.withLock { ledger in
      (ledger.tree, ledger.capturedLeafBlockCount, ledger.capturedDirtyBlocks.blocks)
    }
    tree = old.resized(leafBlocks: leafCount)
    var changed = dirty
    for block in dirty {
      let bytes = slot()
      if ledger.withLock({ $0.encodeCapturedBlock(block, into: bytes) }) {
        try take(block, level: 0, ledger)
      } else {
        tree.levels[0][block] = .absent
      }
    }
    try flush(level: 0, ledger)
    for level in 1..<max(tree.depth, 1) {
      let isNew = level >= old.depth
      changed = isNew ? Array(tree.levels[level].indices) : parents(of: changed)
      for block in changed {
        if encodeInner(block, below: tree.levels[level - 1]) {
          try take(block, level: level, ledger)
        } else {
          tree.levels[level][block] = .absent
        }
      }
      try flush(level: level, ledger)
    }
  }

  private func parents(of blocks: [Int]) -> [Int] {
    var parents: [Int] = []
    for block in blocks where parents.last != block / 256 { parents.append(block / 256) }
    return parents
  }

  /// Where the next block of the buffer is filled in.
  private func slot() -> MutableByteView {
    let offset = buffered.count * Place.blockByteCount
    return buffer.bytes[offset..<offset + Place.blockByteCount]
  }

  private func encodeInner(_ block: Int, below entries: [PageMapEntry]) -> Bool {
    let bytes = slot()
    var isPresent = false
    for index in 0..<PageMap.entriesPerBlock {
      let child = block * PageMap.entriesPerBlock + index
      let entry = child < entries.count ? entries[child] : .absent
      isPresent = isPresent || !entry.isAbsent
      entry.encode(into: bytes, at: index * PageMapEntry.byteCount)
    }
    return isPresent
  }

  private mutating func take(
    _ block: Int, level: Int, _ ledger: borrowing ShortMutex<PageLedger>
  ) throws(PagingError) {
    buffered.append(block)
    if buffered.count == Self.blocksPerRun { try flush(level: level, ledger) }
  }

  private mutating func flush(
    level: Int, _ ledger: borrowing ShortMutex<PageLedger>
  ) throws(PagingError) {
    var written = 0
    while written < buffered.count {
      let wanted = buffered.count - written
      let run = ledger.withLock { $0.space.allocateRun(wanted: wanted, minimum: 1) }
      places.append(place(of: run))
      let start = written * Place.blockByteCount
      let bytes = buffer.bytes[start..<start + run.count * Place.blockByteCount]
      try file.write(bytes.view, block: run.lowerBound)
      for index in 0..<run.count {
        let offset = index * Place.blockByteCount
        tree.levels[level][buffered[written + index]] = PageMapEntry(
          place: place(of: run.lowerBound + index..<run.lowerBound + index + 1), flags: [],
          checksum: CRC32C.checksum(bytes.view[offset..<offset + Place.blockByteCount]),
          birth: generation)
      }
      written += run.count
    }
    buffered.removeAll(keepingCapacity: true)
  }

  private func place(of run: Range<Int>) -> Place {
    Place(
      start: run.lowerBound * Place.unitsPerBlock, unitCount: run.count * Place.unitsPerBlock)
  }

  // MARK: The root table

  mutating func writeRootTable(
    _ table: [UInt8], _ ledger: borrowing ShortMutex<PageLedger>
  ) throws(PagingError) {
    guard !table.isEmpty else { return }
    let count = Place.blocks(for: table.count)
    let memory = AlignedMemory(byteCount: count * Place.blockByteCount)
    defer { withExtendedLifetime(memory) {} }
    table.withByteView { memory.bytes.copy($0) }
    let run = ledger.withLock { $0.space.allocateRun(wanted: count, minimum: count) }
    places.append(place(of: run))
    try file.write(memory.bytes.view, block: run.lowerBound)
    // The whole blocks are held, and counted once each: as an image of so many bytes counts them.
    rootTable = Place(
      start: run.lowerBound * Place.unitsPerBlock, unitCount: Place.units(for: table.count))
  }
}
