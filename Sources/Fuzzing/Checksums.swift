import Paging
import Primitives
package import RawBytes
import RedoLog

/// Computes the checksums of damaged files anew, so that what stands behind them is reached.
///
/// What it cannot make sense of it leaves alone: the input may have damaged that too.
package enum Checksums {
  /// The checksum of a superblock, in its last four bytes.
  package static func sealSuperblock(_ block: MutableByteView) {
    let end = Superblock.byteCount - 4
    block.store(CRC32C.checksum(block.view.prefix(end)), at: end)
  }

  /// The checksum of a segment's header.
  package static func sealSegmentHeader(_ block: MutableByteView) {
    let end = SegmentHeader.byteCount - 4
    block.store(CRC32C.checksum(block.view.prefix(end)), at: end)
  }

  // MARK: The data file

  /// Seals a data file from its leaves to its superblocks: images in the entries that name them,
  /// map blocks in those above them, the root table and the root in the superblocks.
  package static func repairDataFile(_ file: MutableByteView) {
    for block in 0..<4 where (block + 1) * Superblock.byteCount <= file.count {
      let superblock = file[block * Superblock.byteCount..<(block + 1) * Superblock.byteCount]
      guard superblock.view.prefix(8) == Self.magic.view else { continue }
      let depth = Int(superblock.load(UInt16.self, at: 74))
      var budget = 4096
      if depth > 0, depth <= MapTree.maximumDepth {
        repair(entryAt: 80, of: superblock, level: depth, in: file, &budget)
      }
      let start = superblock.load(UInt64.self, at: 96)
      let byteCount = superblock.load(UInt64.self, at: 104)
      if start < 1 << 40, byteCount <= UInt64(file.count),
        let table = slice(file, at: Int(start) * Place.unitByteCount, Int(byteCount))
      {
        superblock.store(CRC32C.checksum(table.view), at: 112)
      }
      sealSuperblock(superblock)
    }
  }

  private static let magic: AlignedMemoryView = AlignedMemoryView(Array("Martlet\0".utf8))

  /// Seals what an entry leads to, at most `budget` entries of it, and then the entry.
  private static func repair(
    entryAt offset: Int, of block: MutableByteView, level: Int, in file: MutableByteView,
    _ budget: inout Int
  ) {
    let entry = PageMapEntry(block.view, at: offset)
    guard !entry.isAbsent, budget > 0 else { return }
    budget -= 1
    guard
      let image = slice(file, at: entry.start * Place.unitByteCount, entry.place.byteCount)
    else { return }
    if level > 0, image.count == Place.blockByteCount {
      for slot in 0..<PageMap.entriesPerBlock {
        repair(
          entryAt: slot * PageMapEntry.byteCount, of: image, level: level - 1, in: file, &budget)
      }
    }
    block.store(CRC32C.checksum(image.view), at: offset + 8)
  }

  private static func slice(
    _ file: MutableByteView, at offset: Int, _ byteCount: Int
  ) -> MutableByteView? {
    guard offset >= 0, byteCount >= 0, offset <= file.count - byteCount else { return nil }
    return file[offset..<offset + byteCount]
  }

  // MARK: The log

  /// Seals a segment's header and every batch in it; with `links`, each batch names the one before
  /// it and carries the segment's salt.
  package static func repairSegment(_ file: MutableByteView, links: Bool) {
    guard file.count >= SegmentHeader.blockByteCount else { return }
    sealSegmentHeader(file[0..<SegmentHeader.blockByteCount])
    let salt = file.load(UInt64.self, at: 40)
    var previous: UInt32?
    var offset = SegmentHeader.blockByteCount
    while offset + BatchHeader.blockByteCount <= file.count {
      let rest = file[offset..<file.count]
      guard let header = BatchHeader(peeking: rest.view),
        header.storedByteCount <= rest.count
      else {
        offset += BatchHeader.blockByteCount
        continue
      }
      if links {
        rest.store(salt, at: 8)
        if let previous { rest.store(previous, at: 64) }
      }
      let checksum = BatchHeader.checksum(
        of: rest.view, payloadByteCount: Int(header.payloadByteCount))
      rest.store(checksum, at: 68)
      previous = checksum
      offset += header.storedByteCount
    }
  }
}

/// Bytes that stay where they are for the life of the process.
// SAFETY: the memory is kept by the value and never changed.
struct AlignedMemoryView: Sendable {
  private let memory: AlignedMemory
  init(_ bytes: [UInt8]) {
    memory = AlignedMemory(byteCount: bytes.count)
    bytes.withByteView { memory.bytes.copy($0) }
  }
  var view: ByteView { memory.bytes.view }
}
