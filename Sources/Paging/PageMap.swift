/// Which map blocks differ from what was last written: a bit a block, walked in order.
package struct BlockSet: Equatable, Sendable {
  private var words: [UInt64] = []

  package init() {}

  package mutating func insert(_ block: Int) {
    while words.count <= block / 64 { words.append(0) }
    words[block / 64] |= 1 << UInt64(block % 64)
  }

  package func contains(_ block: Int) -> Bool {
    block / 64 < words.count && words[block / 64] & 1 << UInt64(block % 64) != 0
  }

  package mutating func formUnion(_ other: BlockSet) {
    while words.count < other.words.count { words.append(0) }
    for index in other.words.indices { words[index] |= other.words[index] }
  }

  package var count: Int { words.reduce(0) { $0 + $1.nonzeroBitCount } }

  /// In rising order.
  package var blocks: [Int] {
    var blocks: [Int] = []
    for (index, word) in words.enumerated() {
      var rest = word
      while rest != 0 {
        blocks.append(index * 64 + rest.trailingZeroBitCount)
        rest &= rest - 1
      }
    }
    return blocks
  }
}

/// The whole page map in memory: an entry for each page id.
///
/// ```text
///  page id   31        16 15     8 7      0
///           ┌────────────┬────────┬────────┐
///           │ chunk      │ block  │ entry  │    chunks[chunk][block][entry]
///           └────────────┴────────┴────────┘
/// ```
///
/// - Invariant PM1: `mappedCount` and `storedUnitCount` are the sums over the present entries.
/// - Invariant PM2: there is memory for at most 256 entries for each one that was ever set, and for the
///   chunks below the greatest id: a map with scattered ids, or one that lies, costs no more than the
///   blocks of a file that says the same.
package struct PageMap: Sendable {
  /// Growth never moves what is there. A chunk or block without any entry is empty.
  private var chunks: [[[PageMapEntry]]] = []
  package private(set) var mappedCount = 0
  package private(set) var storedUnitCount = 0
  /// For how many entries there is memory.
  package private(set) var roomCount = 0

  package static let entriesPerBlock = 256
  private static let blocksPerChunk = 256
  private static let entriesPerChunk = 1 << 16

  package init() {}

  /// One more than the greatest id that has room.
  package var limit: Int { chunks.count * Self.entriesPerChunk }

  package subscript(id: UInt32) -> PageMapEntry {
    get {
      let (chunk, block) = Self.place(of: id)
      return hasBlock(chunk, block) ? chunks[chunk][block][Int(id & 0xFF)] : .absent
    }
    set {
      let (chunk, block) = Self.place(of: id)
      if !hasBlock(chunk, block) {
        if newValue.isAbsent { return }
        makeBlock(chunk, block)
      }
      let old = chunks[chunk][block][Int(id & 0xFF)]
      chunks[chunk][block][Int(id & 0xFF)] = newValue
      if !old.isAbsent {
        mappedCount -= 1
        storedUnitCount -= old.unitCount
      }
      if !newValue.isAbsent {
        mappedCount += 1
        storedUnitCount += newValue.unitCount
      }
    }
  }

  private static func place(of id: UInt32) -> (chunk: Int, block: Int) {
    (Int(id >> 16), Int(id >> 8 & 0xFF))
  }

  private func hasChunk(_ chunk: Int) -> Bool { chunk < chunks.count && !chunks[chunk].isEmpty }

  private func hasBlock(_ chunk: Int, _ block: Int) -> Bool {
    hasChunk(chunk) && !chunks[chunk][block].isEmpty
  }

  private mutating func makeBlock(_ chunk: Int, _ block: Int) {
    while chunks.count <= chunk { chunks.append([]) }
    if chunks[chunk].isEmpty { chunks[chunk] = Array(repeating: [], count: Self.blocksPerChunk) }
    chunks[chunk][block] = Array(repeating: .absent, count: Self.entriesPerBlock)
    roomCount += Self.entriesPerBlock
  }

  /// The smallest id from one on that has an entry; nil when none has.
  package func firstPresent(from id: UInt64) -> UInt32? {
    var id = id
    while id < UInt64(limit) {
      let (chunk, block) = Self.place(of: UInt32(id))
      guard hasChunk(chunk) else {
        id = (id >> 16 + 1) << 16
        continue
      }
      guard hasBlock(chunk, block) else {
        id = (id >> 8 + 1) << 8
        continue
      }
      if !chunks[chunk][block][Int(id & 0xFF)].isAbsent { return UInt32(id) }
      id += 1
    }
    return nil
  }

  /// Calls a function with every entry there is, in the order of ids.
  package func forEachPresent<Failure: Error>(
    _ body: (UInt32, PageMapEntry) throws(Failure) -> Void
  ) throws(Failure) {
    for (chunk, blocks) in chunks.enumerated() {
      for (block, entries) in blocks.enumerated() {
        let first = chunk * Self.entriesPerChunk + block * Self.entriesPerBlock
        for (index, entry) in entries.enumerated() where !entry.isAbsent {
          try body(UInt32(first + index), entry)
        }
      }
    }
  }

  /// The block of the map in the file that holds an id's entry.
  package static func block(of id: UInt32) -> Int { Int(id >> 8) }

  /// In words: the pages that a block of the map at some level leads to.
  package static func pageRange(ofBlock block: Int, level: Int) -> String {
    let first = block << (8 * (level + 1))
    if level < 0 { return "page \(block)" }
    return "pages \(max(first, 1)) to \(first + (1 << (8 * (level + 1))) - 1)"
  }

  /// How many map blocks hold the entries of ids below a limit.
  package static func blockCount(idLimit: UInt64) -> Int {
    Int((idLimit + UInt64(entriesPerBlock) - 1) / UInt64(entriesPerBlock))
  }
}

/// The inner entries of the map in the file: a radix tree of 4 KiB blocks, 256 entries each.
///
/// ```text
///  superblock ──► root block ──► … ──► leaf block ──► image of a page
///                 levels.last          levels[0][b] is the entry of leaf block b
/// ```
///
/// - Invariant MT1: each level has a 256th of the entries of the one below, rounded up; the last
///   has one, the root.
/// - Invariant MT2: the entry of a block without any present entry is absent.
package struct MapTree: Equatable, Sendable {
  package var levels: [[PageMapEntry]]

  package init(levels: [[PageMapEntry]] = []) { self.levels = levels }

  package static let maximumDepth = 4

  /// No page of a map of so many levels has this id or a greater one.
  package static func idLimit(depth: Int) -> UInt64 { 1 << UInt64(8 * depth) }

  package var depth: Int { levels.count }
  package var root: PageMapEntry { levels.last?.first ?? .absent }

  /// How many blocks each level has above so many leaf blocks.
  package static func levelCounts(leafBlocks: Int) -> [Int] {
    guard leafBlocks > 0 else { return [] }
    var counts = [leafBlocks]
    while counts[counts.count - 1] > 1 {
      counts.append((counts[counts.count - 1] + 255) / 256)
    }
    return counts
  }

  /// The same tree with room for so many leaf blocks, and the blocks of levels it did not have.
  package func resized(leafBlocks: Int) -> MapTree {
    var resized = MapTree()
    for (level, count) in Self.levelCounts(leafBlocks: leafBlocks).enumerated() {
      var entries = level < levels.count ? levels[level] : []
      if entries.count > count { entries.removeLast(entries.count - count) }
      while entries.count < count { entries.append(.absent) }
      resized.levels.append(entries)
    }
    return resized
  }

  /// Entries of this tree that another one no longer has in the same place.
  package func entries(missingFrom other: MapTree) -> [PageMapEntry] {
    var missing: [PageMapEntry] = []
    for (level, entries) in levels.enumerated() {
      let others = level < other.levels.count ? other.levels[level] : []
      for (index, entry) in entries.enumerated() where !entry.isAbsent {
        if index >= others.count || others[index] != entry { missing.append(entry) }
      }
    }
    return missing
  }
}
