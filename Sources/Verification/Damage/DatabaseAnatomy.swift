package import Simulation

/// What lies where in the files of a database, worked out from `format-spec/` and not with the
/// engine's own code: so the places to damage, and what damage there may do, come from elsewhere
/// than what is tested.
///
/// It looks at sound databases only; of one that is not, it names what it can still find.
package struct DatabaseAnatomy: Sendable {
  /// A piece of a file with a meaning of its own.
  package struct Part: Sendable, Hashable {
    package enum Kind: String, Sendable, Hashable, CaseIterable {
      case superblock, mapBlock, rootTable, page, segmentHeader, batch
      /// Bytes that nothing leads to.
      case unused
    }

    package let kind: Kind
    package let path: String
    package let range: Range<Int>
    /// A superblock's block, a map block's number, a page's id, a segment's or a batch's number.
    package let number: Int
    /// Whether the state in force needs these bytes.
    package let isNeeded: Bool
  }

  /// A batch of the chain that an opening follows.
  package struct Batch: Sendable {
    package let number: UInt64
    package let path: String
    /// Header and payload.
    package let range: Range<Int>
    /// Where its records begin in the file.
    package let records: [Int]
    /// How many of them are commits that an opening replays.
    package let commitCount: Int
  }

  /// An entry of the page map, or of a block of it.
  package struct Entry: Sendable, Hashable {
    package let offset: Int
    package let byteCount: Int
    package let isCompressed: Bool
    /// Where the entry itself stands.
    package let entryOffset: Int
  }

  package static let blockByteCount = 4096
  package static let unitByteCount = 512

  package let directory: String
  package let dataPath: String
  package let data: [UInt8]
  package internal(set) var parts: [Part] = []
  package internal(set) var pages: [Int: Entry] = [:]
  /// Level and number of each map block.
  package internal(set) var mapBlocks: [Entry] = []
  package internal(set) var batches: [Batch] = []
  /// Paths of the segments from the one that replay begins in.
  package internal(set) var neededSegments: [String] = []
  /// The block of a sound copy of the superblock in force: the first, where a crash has not torn it.
  package internal(set) var superblock = 0
  package private(set) var pageSize = 0
  package private(set) var generation: UInt64 = 0

  package init(of image: DiskImage, in directory: String) {
    self.directory = directory
    dataPath = directory + "/data.martlet"
    data = image.contents(of: dataPath) ?? []
    readData()
    readLog(image)
    addUnused(image)
    parts.sort { ($0.path, $0.range.lowerBound) < ($1.path, $1.range.lowerBound) }
  }

  // MARK: The data file

  private mutating func readData() {
    var best: (block: Int, generation: UInt64)?
    for block in 0..<4 {
      let bytes = self.bytes(block)
      guard bytes.field(UInt32.self, at: 4092) == bytes.bytes(0..<4092).checksum,
        bytes.field(UInt64.self, at: 0) == 0x74_656C_7472_614D
      else { continue }
      let generation = bytes.field(UInt64.self, at: 56)
      if generation > best?.generation ?? 0 { best = (block, generation) }
    }
    guard let best else { return }
    superblock = best.block
    generation = best.generation
    let bytes = self.bytes(superblock)
    pageSize = Int(bytes.field(UInt32.self, at: 12))
    for block in 0..<4 {
      add(
        .superblock, block * Self.blockByteCount, Self.blockByteCount, block,
        block % 2 == superblock % 2)
    }
    let depth = Int(bytes.field(UInt16.self, at: 74))
    if depth > 0 {
      readMap(at: superblock * Self.blockByteCount + 80, level: depth - 1, number: 0)
    }
    let table = Int(bytes.field(UInt64.self, at: 96)) * Self.unitByteCount
    let tableByteCount = Int(bytes.field(UInt64.self, at: 104))
    if tableByteCount > 0 { add(.rootTable, table, tableByteCount, 0) }
  }

  private func bytes(_ block: Int) -> [UInt8] {
    data.bytes(block * Self.blockByteCount..<(block + 1) * Self.blockByteCount)
  }

  /// What a map entry says; nil when it is absent.
  private func entry(at offset: Int) -> Entry? {
    let low = data.field(UInt64.self, at: offset)
    guard low != 0 else { return nil }
    return Entry(
      offset: Int(low & 0xFF_FFFF_FFFF) * Self.unitByteCount,
      byteCount: (Int(low >> 40 & 0xFF) + 1) * Self.unitByteCount,
      isCompressed: low >> 48 & 1 == 1, entryOffset: offset)
  }

  private mutating func readMap(at offset: Int, level: Int, number: Int) {
    guard let block = entry(at: offset) else { return }
    mapBlocks.append(block)
    add(.mapBlock, block.offset, block.byteCount, number)
    for index in 0..<256 {
      let below = number * 256 + index
      let place = block.offset + 16 * index
      if level > 0 {
        readMap(at: place, level: level - 1, number: below)
      } else if let page = entry(at: place) {
        pages[below] = page
        add(.page, page.offset, page.byteCount, below)
      }
    }
  }

  private mutating func add(
    _ kind: Part.Kind, _ offset: Int, _ byteCount: Int, _ number: Int, _ isNeeded: Bool = true
  ) {
    parts.append(
      Part(
        kind: kind, path: dataPath, range: offset..<offset + byteCount, number: number,
        isNeeded: isNeeded))
  }

  // MARK: The log

  private mutating func readLog(_ image: DiskImage) {
    let owner = superblock * Self.blockByteCount + 160
    let applied = data.field(UInt64.self, at: owner + 8)
    let replayFrom = data.field(UInt64.self, at: owner + 16)
    let paths = image.paths.filter { $0.hasPrefix(directory + "/log-") && !$0.hasSuffix(".new") }
    var segments = paths.map { (path: $0, bytes: image.contents(of: $0) ?? []) }
    let first = segments.lastIndex { segment in
      Self.batch(in: segment.bytes, at: Self.blockByteCount).map { $0.position <= replayFrom }
        ?? false
    }
    for (index, segment) in segments.enumerated() {
      let isNeeded = first.map { index >= $0 } ?? false
      if isNeeded { neededSegments.append(segment.path) }
      parts.append(
        Part(
          kind: .segmentHeader, path: segment.path, range: 0..<64,
          number: Int(segment.bytes.field(UInt64.self, at: 32)), isNeeded: isNeeded))
    }
    guard let first else { return }
    segments.removeFirst(first)
    var last: Found?
    for segment in segments {
      var offset = Self.blockByteCount
      while let found = Self.batch(in: segment.bytes, at: offset) {
        if let last, found.number != last.number + 1 || found.previous != last.checksum { break }
        last = found
        add(found, segment.path, segment.bytes, offset, applied)
        offset += found.storedByteCount
      }
    }
  }

  private struct Found {
    let number: UInt64
    let position: UInt64
    let payloadByteCount: Int
    let previous: UInt32
    let checksum: UInt32
    var storedByteCount: Int { (72 + payloadByteCount + 4095) / 4096 * 4096 }
  }

  private static func batch(in segment: [UInt8], at offset: Int) -> Found? {
    let count = Int(segment.field(UInt32.self, at: offset + 56))
    guard segment.field(UInt32.self, at: offset) == 0x5441_424D,
      segment.field(UInt64.self, at: offset + 8) == segment.field(UInt64.self, at: 40),
      offset + 72 + count <= segment.count
    else { return nil }
    let checksum = segment.field(UInt32.self, at: offset + 68)
    let covered =
      segment.bytes(offset..<offset + 68) + segment.bytes(offset + 72..<offset + 72 + count)
    guard covered.checksum == checksum else { return nil }
    return Found(
      number: segment.field(UInt64.self, at: offset + 16),
      position: segment.field(UInt64.self, at: offset + 24), payloadByteCount: count,
      previous: segment.field(UInt32.self, at: offset + 64), checksum: checksum)
  }

  private mutating func add(
    _ found: Found, _ path: String, _ segment: [UInt8], _ offset: Int, _ applied: UInt64
  ) {
    let range = offset..<offset + 72 + found.payloadByteCount
    var records: [Int] = []
    var commitCount = 0
    var place = offset + 72
    while place + 28 <= range.upperBound {
      records.append(place)
      let position = found.position + UInt64(place - offset)
      if segment.field(UInt32.self, at: place) == 1, position >= applied { commitCount += 1 }
      place += 28 + Int(segment.field(UInt32.self, at: place + 4))
    }
    batches.append(
      Batch(
        number: found.number, path: path, range: range, records: records,
        commitCount: commitCount))
    parts.append(
      Part(kind: .batch, path: path, range: range, number: Int(found.number), isNeeded: true))
  }

  // MARK: The rest

  /// Whatever no part covers, in pieces of at most a block.
  private mutating func addUnused(_ image: DiskImage) {
    for path in image.paths where path.hasPrefix(directory + "/") {
      guard let count = image.contents(of: path)?.count else { continue }
      let taken = parts.filter { $0.path == path }.map(\.range)
        .sorted { $0.lowerBound < $1.lowerBound }
      var offset = 0
      for range in taken + [count..<count] {
        while offset < range.lowerBound {
          let end = min(
            range.lowerBound, (offset / Self.blockByteCount + 1) * Self.blockByteCount)
          parts.append(
            Part(
              kind: .unused, path: path, range: offset..<end, number: offset, isNeeded: false))
          offset = end
        }
        offset = max(offset, range.upperBound)
      }
    }
  }
}
