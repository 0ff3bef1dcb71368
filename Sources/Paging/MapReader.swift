internal import Primitives
internal import RawBytes

/// Reads the map of a checkpoint from its root. Every entry is judged before it is followed.
struct MapReader {
  private let file: DataFile
  private let superblock: Superblock
  private let blockCount: Int
  private let buffer = AlignedMemory(byteCount: MapReader.blocksPerRead * Place.blockByteCount)

  private static let blocksPerRead = 256

  init(file: DataFile, superblock: Superblock, blockCount: Int) {
    self.file = file
    self.superblock = superblock
    self.blockCount = blockCount
  }

  /// The inner tree, the page entries, and one more than the greatest mapped id.
  func read() throws(PagingError) -> (tree: MapTree, map: PageMap, idLimit: UInt64) {
    var levels: [[PageMapEntry]] = []
    var map = PageMap()
    var idLimit: UInt64 = 1
    var entries = [superblock.mapRoot]
    if superblock.mapDepth == 0 || superblock.mapRoot.isAbsent { return (MapTree(), map, 1) }
    for level in (0..<superblock.mapDepth).reversed() {
      levels.insert(entries, at: 0)
      var below: [PageMapEntry] = []
      try forEachBlock(of: entries, level: level) { (index, bytes) throws(PagingError) in
        for slot in 0..<PageMap.entriesPerBlock {
          let entry = PageMapEntry(bytes, at: slot * PageMapEntry.byteCount)
          if entry.isAbsent { continue }
          let target = index * PageMap.entriesPerBlock + slot
          try judge(entry, "entry \(target) of level \(level)", isInner: level > 0)
          if level > 0 {
            while below.count < target { below.append(.absent) }
            below.append(entry)
          } else if target > 0 && target <= UInt32.max {
            map[UInt32(target)] = entry
            idLimit = UInt64(target) + 1
          } else {
            throw corrupt("map block \(index)", "page ids from 1", "page \(target)")
          }
        }
      }
      entries = below
    }
    return (MapTree(levels: levels), map, idLimit)
  }

  /// Reads one block of the map and checks it.
  func checkBlock(_ entry: PageMapEntry, index: Int, level: Int) throws(PagingError) {
    try judge(entry, "block \(index) of level \(level)", isInner: true)
    let bytes = buffer.bytes[0..<Place.blockByteCount]
    try file.read(into: bytes, at: entry.place.byteOffset, "page map")
    try check(bytes.view, entry, index: index, level: level)
  }

  /// An entry of the block that was checked last.
  func checkedEntry(_ slot: Int) -> PageMapEntry {
    PageMapEntry(buffer.bytes.view, at: slot * PageMapEntry.byteCount)
  }

  var depth: Int { rootEntry == nil ? 0 : superblock.mapDepth }

  /// The entry of the topmost block; nil when no page is mapped.
  var rootEntry: PageMapEntry? {
    superblock.mapDepth == 0 || superblock.mapRoot.isAbsent ? nil : superblock.mapRoot
  }

  private func check(
    _ block: ByteView, _ entry: PageMapEntry, index: Int, level: Int
  ) throws(PagingError) {
    let checksum = CRC32C.checksum(block)
    guard checksum == entry.checksum else {
      throw corrupt(
        "block \(index) of level \(level) at byte \(entry.place.byteOffset)",
        "checksum \(PageImage.hex(entry.checksum))", PageImage.hex(checksum))
    }
  }

  func judge(
    _ entry: PageMapEntry, _ what: @autoclosure () -> String, isInner: Bool
  ) throws(PagingError) {
    if let problem = entry.problem(blockCount: blockCount, generation: superblock.generation) {
      throw corrupt(what(), "a place in the file", problem)
    }
    guard isInner else { return }
    let isBlock =
      entry.unitCount == Place.unitsPerBlock && entry.start % Place.unitsPerBlock == 0
      && entry.flags == []
    guard isBlock else { throw corrupt(what(), "a block", "\(entry.start)+\(entry.unitCount)") }
  }

  private func corrupt(_ what: String, _ expected: String, _ found: String) -> PagingError {
    .corrupt(
      CorruptionError(location: "page map, \(what)", expected: expected, found: found))
  }

  /// Reads the blocks that entries lead to, in order, neighbours together.
  ///
  /// - Parameter firstIndex: the index of the first of the entries in its level.
  func forEachBlock(
    of entries: [PageMapEntry], level: Int, firstIndex: Int = 0,
    _ body: (_ index: Int, _ bytes: ByteView) throws(PagingError) -> Void
  ) throws(PagingError) {
    var first = 0
    while first < entries.count {
      guard !entries[first].isAbsent else {
        first += 1
        continue
      }
      if level == superblock.mapDepth - 1 { try judge(entries[first], "root", isInner: true) }
      var count = 1
      while count < Self.blocksPerRead, first + count < entries.count,
        !entries[first + count].isAbsent,
        entries[first + count].start == entries[first].start + count * Place.unitsPerBlock
      { count += 1 }
      let bytes = buffer.bytes[0..<count * Place.blockByteCount]
      try file.read(into: bytes, at: entries[first].place.byteOffset, "page map")
      for index in 0..<count {
        let offset = index * Place.blockByteCount
        let block = bytes.view[offset..<offset + Place.blockByteCount]
        let number = firstIndex + first + index
        try check(block, entries[first + index], index: number, level: level)
        try body(number, block)
      }
      first += count
    }
  }

  func readRootTable() throws(PagingError) -> [UInt8] {
    let count = superblock.rootTableByteCount
    guard count > 0 else { return [] }
    let place = superblock.rootTablePlace
    let isInside =
      place.start >= FreeSpace.reservedBlockCount * Place.unitsPerBlock
      && place.blocks.upperBound <= blockCount
    guard isInside else {
      throw .corrupt(
        CorruptionError(
          location: "root table", expected: "a place in the file",
          found: "\(place.start)+\(place.unitCount)"))
    }
    let memory = AlignedMemory(byteCount: count)
    defer { withExtendedLifetime(memory) {} }
    try file.read(into: memory.bytes[0..<count], at: place.byteOffset, "root table")
    let checksum = CRC32C.checksum(memory.bytes.view.prefix(count))
    guard checksum == superblock.rootTableChecksum else {
      throw .corrupt(
        CorruptionError(
          location: "root table at byte \(place.byteOffset) of the data file",
          expected: "checksum \(PageImage.hex(superblock.rootTableChecksum))",
          found: PageImage.hex(checksum)))
    }
    return memory.bytes.view.prefix(count).array
  }
}
