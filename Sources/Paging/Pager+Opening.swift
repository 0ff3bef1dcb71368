package import Environment
package import Primitives
internal import RawBytes

extension Pager {
  /// Opens a page file at its newest durable checkpoint.
  ///
  /// - Throws: `.notADatabase`, `.newerFormat`, `.corrupt`, `.file`. Nothing is changed.
  package static func open(
    path: String, configuration: PagingConfiguration, effects: Effects
  ) throws(PagingError) -> (pager: Pager, checkpoint: CheckpointState) {
    let file = try DataFile(path: path, creation: .never, files: effects.files)
    let (superblock, slot) = try readSuperblock(file, effects)
    // Whatever the last process wrote and did not sync becomes durable before its places, or
    // those of the checkpoint before, are used again.
    try file.sync()
    let blockCount = Place.blocks(for: Int(clamping: try file.size()))
    let reader = MapReader(file: file, superblock: superblock, blockCount: blockCount)
    let (tree, map, idLimit) = try reader.read()
    let rootTable = try reader.readRootTable()
    let ledger: PageLedger
    do {
      ledger = try PageLedger(
        superblock: superblock, slot: slot, tree: tree, map: map, idLimit: idLimit,
        blockCount: blockCount)
    } catch {
      throw .corrupt(error)
    }
    let pager = Pager(
      file: file, ledger: ledger, id: superblock.id, pageSize: superblock.pageSize,
      configuration: configuration, effects: effects)
    pager.require(superblock.features)
    pager.startBackground()
    return (
      pager,
      CheckpointState(
        id: superblock.id, generation: superblock.generation, timestamp: superblock.timestamp,
        ownerState: superblock.ownerState, rootTable: rootTable, pageSize: superblock.pageSize)
    )
  }

  /// The superblock in force. Read past the page cache: after a failed sync that holds what the
  /// medium does not (F1).
  private static func readSuperblock(
    _ file: DataFile, _ effects: Effects
  ) throws(PagingError) -> (Superblock, slot: Int) {
    let count = FreeSpace.reservedBlockCount * Place.blockByteCount
    guard try file.size() >= UInt64(count) else {
      throw .notADatabase(path: file.path, why: "shorter than its superblocks")
    }
    let memory = AlignedMemory(byteCount: count)
    defer { withExtendedLifetime(memory) {} }
    try file.read(into: memory.bytes, at: 0, isDirect: true, "superblocks")
    let blocks = (0..<FreeSpace.reservedBlockCount).map { block in
      let start = block * Place.blockByteCount
      return memory.bytes.view[start..<start + Place.blockByteCount]
    }
    switch Superblock.choose(blocks.map { Superblock.read($0) }) {
    case .newer(let version):
      throw .newerFormat(found: version, supported: Superblock.formatVersion)
    case .foreign:
      throw .notADatabase(path: file.path, why: "no superblock")
    case .damaged(let what):
      throw .corrupt(
        CorruptionError(
          location: "superblocks of \(file.path)", expected: "one valid copy", found: what))
    case .inForce(let superblock, let slot):
      try repair(slot, blocks, superblock, file, effects)
      return (superblock, slot)
    }
  }

  /// Makes the two copies of the superblock in force equal again, when one was torn or damaged.
  private static func repair(
    _ slot: Int, _ blocks: [ByteView], _ superblock: Superblock, _ file: DataFile,
    _ effects: Effects
  ) throws(PagingError) {
    let copies = (0..<2).map { Superblock.block(slot: slot, copy: $0) }
    guard let good = copies.first(where: { Superblock.read(blocks[$0]) == .valid(superblock) })
    else { return }
    for copy in copies where copy != good && blocks[copy] != blocks[good] {
      effects.events.report(
        Event(.warning, kind: .damage, "superblock copy in block \(copy) rewritten"))
      let block = AlignedMemory(byteCount: Superblock.byteCount)
      defer { withExtendedLifetime(block) {} }
      block.bytes.copy(blocks[good])
      try file.write(block.bytes.view, block: copy)
    }
  }

  /// Makes a page file: fully written under a temporary name by a first checkpoint, synced,
  /// renamed, the directory synced (F4). A crash leaves the file or nothing, and perhaps the
  /// temporary name, which the next attempt clears.
  ///
  /// - Parameter build: makes the first pages; returns the root table.
  /// - Throws: what `build` throws, `.file`, `.diskFull`. There is no file.
  package static func create(
    path: String, configuration: PagingConfiguration, id: DatabaseID, ownerState: [UInt8],
    timestamp: Timestamp, effects: Effects, build: (Pager) throws(PagingError) -> [UInt8]
  ) throws(PagingError) -> Pager {
    let temporary = path + ".new"
    try perform { () throws(FileError) in
      if try effects.files.kind(of: temporary) == .file { try effects.files.remove(temporary) }
    }
    let file = try DataFile(
      path: path, temporary: temporary, creation: .always, files: effects.files)
    try clearSuperblocks(file)
    let pager = Pager(
      file: file, ledger: PageLedger(), id: id, pageSize: configuration.pageSize,
      configuration: configuration, effects: effects)
    pager.startBackground()
    do throws(PagingError) {
      let rootTable = try build(pager)
      try pager.write(
        pager.captureCheckpoint(
          ownerState: ownerState, timestamp: timestamp, rootTable: rootTable))
      try perform { () throws(FileError) in
        try effects.files.rename(temporary, to: path)
        try effects.files.syncDirectory(directory(of: path))
      }
    } catch {
      pager.close()
      // The new name, too: a name that a failed sync of the directory lost is no file (F1, F4).
      try? effects.files.remove(temporary)
      try? effects.files.remove(path)
      throw error
    }
    return pager
  }

  /// All four blocks get their space now: a superblock that finds the disk full would poison.
  private static func clearSuperblocks(_ file: DataFile) throws(PagingError) {
    let zeros = AlignedMemory(byteCount: FreeSpace.reservedBlockCount * Place.blockByteCount)
    defer { withExtendedLifetime(zeros) {} }
    try file.write(zeros.bytes.view, block: 0)
  }

  private static func perform(
    _ body: () throws(FileError) -> Void
  ) throws(PagingError) {
    do { try body() } catch { throw DataFile.error(error) }
  }

  private static func directory(of path: String) -> String {
    guard let slash = path.lastIndex(of: "/") else { return "." }
    return slash == path.startIndex ? "/" : String(path[..<slash])
  }
}
