package import Environment
package import Primitives
package import RawBytes

/// Makes a data file from the images of another one's checkpoint: densely, with a page map of its
/// own, and with as much checked as was checked of the original.
///
/// ```text
///  append, append, … ──► finish: map blocks, root table, sync, superblocks, sync, rename, sync
/// ```
///
/// Images keep their bytes, checksums and births; their places are new. Memory grows by 16 bytes a
/// page, and where ids are scattered by no more than the map takes in the file, whatever they are.
///
/// - Invariant CC1: the file has its name only when all of it is durable; until then, and when the
///   copy goes away unfinished, there is at most a file that ends in `.new`.
package struct CheckpointCopy: ~Copyable {
  private let path: String
  private let effects: Effects
  private let pageSize: Int
  private let generation: Generation
  /// Pages of the original have lesser ids.
  private let idLimit: UInt64
  private let file: DataFile
  private let buffer = AlignedMemory(byteCount: CheckpointCopy.bufferByteCount)
  private var used = 0
  /// The block behind the last one written.
  private var nextBlock = FreeSpace.reservedBlockCount
  private var map = PageMap()
  private var greatestID: UInt32 = 0
  private var isNamed = false

  private static let bufferByteCount = 1 << 20

  /// - Parameter original: the superblock of the checkpoint that is copied.
  /// - Throws: `.file`, `.diskFull`.
  package init(
    path: String, of original: Superblock, effects: Effects
  ) throws(PagingError) {
    file = try Self.makeFile(path, effects)
    self.path = path
    self.effects = effects
    pageSize = original.pageSize
    generation = original.generation
    idLimit = MapTree.idLimit(depth: original.mapDepth)
  }

  private static func temporary(_ path: String) -> String { path + ".new" }

  private static func makeFile(
    _ path: String, _ effects: Effects
  ) throws(PagingError) -> DataFile {
    let file = try DataFile(
      path: path, temporary: temporary(path), creation: .always, files: effects.files)
    let zeros = AlignedMemory(byteCount: FreeSpace.reservedBlockCount * Place.blockByteCount)
    defer { withExtendedLifetime(zeros) {} }
    do throws(PagingError) {
      try file.write(zeros.bytes.view, block: 0)
    } catch {
      try? effects.files.remove(temporary(path))
      throw error
    }
    return file
  }

  deinit {
    if !isNamed { try? effects.files.remove(Self.temporary(path)) }
  }

  package var pageCount: Int { map.mappedCount }

  /// Adds the image of a page, whose bytes were held against the checksum of the entry.
  ///
  /// - Throws: `.corrupt` for an entry that no page of the original can have, or for a page that
  ///   was added before; `.file`, `.diskFull`.
  package mutating func append(
    _ id: PageID, _ entry: PageMapEntry, _ image: ByteView
  ) throws(PagingError) {
    let isPossible =
      id != .none && UInt64(id.rawValue) < idLimit && !entry.isAbsent
      && image.count == entry.place.byteCount
      && image.count <= pageSize && entry.birth <= generation && entry.flags.isSubset(of: .known)
      && map[id.rawValue].isAbsent
    guard isPossible else {
      throw .corrupt(
        PageImage.corruption(
          id, entry, "the only image of a page",
          "one of \(image.count) bytes, flags "
            + "\(entry.flags.rawValue), birth \(entry.birth.rawValue)"))
    }
    if used + image.count > buffer.count { try flush() }
    buffer.bytes.copy(image, at: used)
    let start = nextBlock * Place.unitsPerBlock + used / Place.unitByteCount
    map[id.rawValue] = PageMapEntry(
      place: Place(start: start, unitCount: entry.unitCount), flags: entry.flags,
      checksum: entry.checksum, birth: entry.birth)
    greatestID = max(greatestID, id.rawValue)
    used += image.count
  }

  /// Writes the buffer, whole blocks of it.
  private mutating func flush() throws(PagingError) {
    guard used > 0 else { return }
    let count = Place.blocks(for: used)
    buffer.bytes.zero(used..<count * Place.blockByteCount)
    try file.write(buffer.bytes.view.prefix(count * Place.blockByteCount), block: nextBlock)
    nextBlock += count
    used = 0
  }

  /// Makes the file durable under its name.
  ///
  /// - Parameters:
  ///   - original: the superblock of what was copied; places in it do not matter.
  ///   - id: the identity of the copy.
  /// - Returns: bytes of the file.
  package consuming func finish(
    _ original: Superblock, id: DatabaseID, ownerState: [UInt8], rootTable: [UInt8]
  ) throws(PagingError) -> Int {
    try flush()
    var superblock = original
    superblock.id = id
    superblock.ownerState = ownerState
    (superblock.mapDepth, superblock.mapRoot) = try writeMap()
    superblock.rootTablePlace = try writeRootTable(rootTable)
    superblock.rootTableByteCount = rootTable.count
    superblock.rootTableChecksum = rootTable.withByteView { CRC32C.checksum($0) }
    try file.sync()
    let block = AlignedMemory(byteCount: Superblock.byteCount)
    defer { withExtendedLifetime(block) {} }
    superblock.encode(into: block.bytes)
    for copy in 0..<2 {
      try file.write(block.bytes.view, block: Superblock.block(slot: 0, copy: copy))
    }
    try file.sync()
    do {
      try effects.files.rename(Self.temporary(path), to: path)
      isNamed = true
      try effects.files.syncDirectory(FilePath.parent(of: path))
    } catch {
      throw DataFile.error(error)
    }
    return nextBlock * Place.blockByteCount
  }

  /// An entry of one level of the map, by its index in the level.
  private typealias Child = (index: Int, entry: PageMapEntry)

  /// The levels of the map from the leaves up, each behind the one below. Only blocks with entries are
  /// looked at, and there are no others in the file.
  private mutating func writeMap() throws(PagingError) -> (depth: Int, root: PageMapEntry) {
    guard map.mappedCount > 0 else { return (0, .absent) }
    let leafBlocks = PageMap.blockCount(idLimit: UInt64(greatestID) + 1)
    let depth = MapTree.levelCounts(leafBlocks: leafBlocks).count
    var level = try writeLeaves()
    for _ in 1..<depth {
      var above: [Child] = []
      var first = 0
      while first < level.count {
        let index = level[first].index / PageMap.entriesPerBlock
        let end =
          level[first...].firstIndex { $0.index / PageMap.entriesPerBlock != index } ?? level.count
        above.append((index, try writeBlock(level[first..<end])))
        first = end
      }
      level = above
    }
    try flush()
    return (depth, level[0].entry)
  }

  private mutating func writeLeaves() throws(PagingError) -> [Child] {
    var blocks: [Child] = []
    var children: [Child] = []
    var next = map.firstPresent(from: 1)
    while let id = next {
      children.append((Int(id), map[id]))
      next = map.firstPresent(from: UInt64(id) + 1)
      let block = PageMap.block(of: id)
      if next.map({ PageMap.block(of: $0) }) == block { continue }
      blocks.append((block, try writeBlock(children[...])))
      children.removeAll(keepingCapacity: true)
    }
    return blocks
  }

  /// One block of the map. Returns its entry.
  private mutating func writeBlock(_ children: ArraySlice<Child>) throws(PagingError)
    -> PageMapEntry
  {
    if used + Place.blockByteCount > buffer.count { try flush() }
    let bytes = buffer.bytes[used..<used + Place.blockByteCount]
    bytes.zero(0..<Place.blockByteCount)
    for child in children {
      let slot = child.index % PageMap.entriesPerBlock
      child.entry.encode(into: bytes, at: slot * PageMapEntry.byteCount)
    }
    let start = nextBlock * Place.unitsPerBlock + used / Place.unitByteCount
    used += Place.blockByteCount
    return PageMapEntry(
      place: Place(start: start, unitCount: Place.unitsPerBlock), flags: [],
      checksum: CRC32C.checksum(bytes.view), birth: generation)
  }

  private mutating func writeRootTable(_ table: [UInt8]) throws(PagingError) -> Place {
    guard !table.isEmpty else { return Place(start: 0, unitCount: 0) }
    let count = Place.blocks(for: table.count)
    let memory = AlignedMemory(byteCount: count * Place.blockByteCount)
    defer { withExtendedLifetime(memory) {} }
    table.withByteView { memory.bytes.copy($0) }
    try file.write(memory.bytes.view, block: nextBlock)
    defer { nextBlock += count }
    return Place(
      start: nextBlock * Place.unitsPerBlock, unitCount: Place.units(for: table.count))
  }
}
