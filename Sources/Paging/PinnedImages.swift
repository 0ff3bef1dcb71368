internal import Environment
package import Primitives
package import RawBytes

/// Reads the images of a pinned checkpoint, about a megabyte at a time, each held against the
/// checksum that its map has for it, as is every block of that map.
///
/// Reading in the order of page ids would jump about in the file, and sorting all of a large map by
/// place takes as much memory as the map. So the ids are taken 65,536 at a time, in the order of
/// the places of their images, and neighbours are read with one call, past the system's cache.
///
/// - Invariant PN1: every page of the checkpoint is visited once, in whatever order.
package struct PinnedImages: ~Copyable {
  private let checkpoint: PinnedCheckpoint
  private let reader: MapReader
  /// The entries of the map's leaf blocks.
  private let leaves: [PageMapEntry]
  private var nextLeaf = 0
  /// Those that the leaves read last lead to.
  private var images: NeighbourReader

  private static let leavesAtOnce = 256

  /// Reads the inner blocks of the map.
  package init(_ checkpoint: PinnedCheckpoint) throws(PagingError) {
    self.checkpoint = checkpoint
    let file = checkpoint.pager.file
    let reader = MapReader(
      file: file, superblock: checkpoint.superblock,
      blockCount: Place.blocks(for: Int(clamping: try file.size())))
    leaves = try Self.readLeafEntries(reader)
    self.reader = reader
    images = NeighbourReader(file)
  }

  private static func readLeafEntries(
    _ reader: MapReader
  ) throws(PagingError) -> [PageMapEntry] {
    var entries = reader.rootEntry.map { [$0] } ?? []
    for level in (0..<reader.depth).reversed() where level > 0 {
      var below: [PageMapEntry] = []
      try reader.forEachBlock(of: entries, level: level) { (index, bytes) throws(PagingError) in
        while below.count < index * PageMap.entriesPerBlock { below.append(.absent) }
        for slot in 0..<PageMap.entriesPerBlock {
          let entry = PageMapEntry(bytes, at: slot * PageMapEntry.byteCount)
          if !entry.isAbsent {
            try reader.judge(
              entry, "entry \(index * PageMap.entriesPerBlock + slot) of level \(level)",
              isInner: true)
          }
          below.append(entry)
        }
      }
      entries = below
    }
    return entries
  }

  /// The checkpoint's root table, checked.
  package func readRootTable() throws(PagingError) -> [UInt8] { try reader.readRootTable() }

  /// Visits about a megabyte of images.
  ///
  /// - Returns: false when there is none left; then nothing was visited.
  /// - Throws: `.corrupt`, which names the page, and what reading throws.
  package mutating func next(
    _ body: (PageID, PageMapEntry, ByteView) throws -> Void
  ) throws -> Bool {
    while images.isEmpty {
      guard nextLeaf < leaves.count else { return false }
      try readLeaves()
    }
    try images.next { page, image, checksum in
      guard checksum == page.entry.checksum else { throw PageImage.mismatch(page, checksum) }
      try body(PageID(page.id), page.entry, image)
    }
    return true
  }

  private mutating func readLeaves() throws(PagingError) {
    let end = min(nextLeaf + Self.leavesAtOnce, leaves.count)
    var found: [LocatedPage] = []
    let pageSize = checkpoint.superblock.pageSize
    try reader.forEachBlock(
      of: Array(leaves[nextLeaf..<end]), level: 0, firstIndex: nextLeaf
    ) { (index, bytes) throws(PagingError) in
      for slot in 0..<PageMap.entriesPerBlock {
        let entry = PageMapEntry(bytes, at: slot * PageMapEntry.byteCount)
        if entry.isAbsent { continue }
        let id = index * PageMap.entriesPerBlock + slot
        try reader.judge(entry, "page \(id)", isInner: false)
        guard id > 0, entry.place.byteCount <= pageSize else {
          throw .corrupt(
            PageImage.corruption(
              PageID(UInt32(id)), entry, "a page from 1 on, of at most \(pageSize) bytes",
              "page \(id) of \(entry.place.byteCount)"))
        }
        found.append(LocatedPage(id: UInt32(id), entry: entry))
      }
    }
    images.take(found)
    nextLeaf = end
  }
}
