package import Simulation

/// Changes the bytes of a database and makes every checksum right again that covers them: bytes
/// that lie, where only the checks of what they say can tell.
package struct Forgery: Sendable {
  package let anatomy: DatabaseAnatomy
  private var files: [String: [UInt8]]
  private let original: [String: [UInt8]]

  package init(_ anatomy: DatabaseAnatomy, image: DiskImage) {
    self.anatomy = anatomy
    var files: [String: [UInt8]] = [:]
    for path in [anatomy.dataPath] + anatomy.neededSegments {
      files[path] = image.contents(of: path)
    }
    self.files = files
    original = files
  }

  private var data: [UInt8] {
    get { files[anatomy.dataPath] ?? [] }
    set { files[anatomy.dataPath] = newValue }
  }

  /// What has changed, block by block.
  package var edits: [Damage.Edit] {
    var edits: [Damage.Edit] = []
    for (path, bytes) in files.sorted(by: { $0.key < $1.key }) {
      let old = original[path] ?? []
      for offset in stride(from: 0, to: bytes.count, by: DatabaseAnatomy.blockByteCount) {
        let range = offset..<min(offset + DatabaseAnatomy.blockByteCount, bytes.count)
        if range.upperBound > old.count || bytes[range] != old[range] {
          edits.append(.overwrite(path, at: offset, Array(bytes[range])))
        }
      }
    }
    return edits
  }

  package var isChanged: Bool { files != original }

  // MARK: The data file

  package func page(_ id: Int) -> [UInt8] {
    guard let entry = anatomy.pages[id] else { return [] }
    return data.bytes(entry.offset..<entry.offset + entry.byteCount)
  }

  /// Changes a page that is stored raw.
  package mutating func changePage(_ id: Int, _ body: (inout [UInt8]) -> Void) {
    guard let entry = anatomy.pages[id] else { return }
    var bytes = page(id)
    body(&bytes)
    data.replaceSubrange(entry.offset..<entry.offset + bytes.count, with: bytes)
    seal(entryAt: entry.entryOffset)
  }

  /// Changes the map's entry of a page: 16 bytes.
  package mutating func changeEntry(ofPage id: Int, _ body: (inout [UInt8]) -> Void) {
    guard let any = anatomy.pages.values.first else { return }
    // Any page's entry tells where its block lies; a database of few pages has one block.
    let block = any.entryOffset / DatabaseAnatomy.blockByteCount * DatabaseAnatomy.blockByteCount
    let offset = anatomy.pages[id]?.entryOffset ?? block + 16 * id
    var bytes = data.bytes(offset..<offset + 16)
    body(&bytes)
    data.replaceSubrange(offset..<offset + 16, with: bytes)
    sealBlock(containing: offset)
  }

  /// Changes both copies of the superblock in force.
  package mutating func changeSuperblock(_ body: (inout [UInt8]) -> Void) {
    let offset = anatomy.superblock * DatabaseAnatomy.blockByteCount
    var bytes = data.bytes(offset..<offset + DatabaseAnatomy.blockByteCount)
    body(&bytes)
    data.replaceSubrange(offset..<offset + bytes.count, with: bytes)
    sealSuperblock()
  }

  /// Changes the root table, which may become longer or shorter within its blocks.
  package mutating func changeRootTable(_ body: (inout [UInt8]) -> Void) {
    guard let part = anatomy.parts.first(where: { $0.kind == .rootTable }) else { return }
    var bytes = data.bytes(part.range)
    body(&bytes)
    data.replaceSubrange(part.range.lowerBound..<part.range.lowerBound + bytes.count, with: bytes)
    changeSuperblock { block in
      block.setField(UInt64(bytes.count), at: 104)
      block.setField(bytes.checksum, at: 112)
    }
  }

  /// Puts a map of four levels over the map, in which one more page has a place: the last there can
  /// be, or another great one.
  package mutating func addPage(_ id: UInt32, at entry: [UInt8]) {
    var chain: [UInt8] = entry
    let root = data.bytes(
      anatomy.superblock * DatabaseAnatomy.blockByteCount + 80..<anatomy.superblock
        * DatabaseAnatomy.blockByteCount + 96)
    var low = root
    for level in 0..<4 {
      let index = Int(id >> (8 * UInt32(level))) & 255
      var block = [UInt8](repeating: 0, count: DatabaseAnatomy.blockByteCount)
      block.replaceSubrange(16 * index..<16 * index + 16, with: chain)
      if level == 3 { block.replaceSubrange(0..<16, with: low) }
      chain = append(block)
      if level > 0, level < 3 {
        var inner = [UInt8](repeating: 0, count: DatabaseAnatomy.blockByteCount)
        inner.replaceSubrange(0..<16, with: low)
        low = append(inner)
      }
    }
    changeSuperblock { block in
      block.setField(UInt16(4), at: 74)
      block.replaceSubrange(80..<96, with: chain)
    }
  }

  /// Adds a block at the end of the file; returns an entry that leads to it.
  private mutating func append(_ block: [UInt8]) -> [UInt8] {
    while data.count % DatabaseAnatomy.blockByteCount != 0 { data.append(0) }
    let unit = UInt64(data.count / DatabaseAnatomy.unitByteCount)
    data += block
    var entry = [UInt8](repeating: 0, count: 16)
    entry.setField(unit | 7 << 40, at: 0)
    entry.setField(block.checksum, at: 8)
    entry.setField(UInt32(1), at: 12)
    return entry
  }

  /// Makes the checksum in an entry that of the bytes it leads to, and so on up to the superblock.
  private mutating func seal(entryAt offset: Int) {
    let low = data.field(UInt64.self, at: offset)
    let start = Int(low & 0xFF_FFFF_FFFF) * DatabaseAnatomy.unitByteCount
    let count = (Int(low >> 40 & 0xFF) + 1) * DatabaseAnatomy.unitByteCount
    data.setField(data.bytes(start..<start + count).checksum, at: offset + 8)
    sealBlock(containing: offset)
  }

  private mutating func sealBlock(containing offset: Int) {
    if offset < 4 * DatabaseAnatomy.blockByteCount { return sealSuperblock() }
    let block = anatomy.mapBlocks.first { ($0.offset..<$0.offset + $0.byteCount).contains(offset) }
    if let block { seal(entryAt: block.entryOffset) }
  }

  private mutating func sealSuperblock() {
    let offset = anatomy.superblock * DatabaseAnatomy.blockByteCount
    var bytes = data.bytes(offset..<offset + DatabaseAnatomy.blockByteCount)
    bytes.setField(bytes.bytes(0..<4092).checksum, at: 4092)
    data.replaceSubrange(offset..<offset + bytes.count, with: bytes)
    let other = (anatomy.superblock ^ 2) * DatabaseAnatomy.blockByteCount
    data.replaceSubrange(other..<other + bytes.count, with: bytes)
  }

  // MARK: The log

  package func batch(_ batch: DatabaseAnatomy.Batch) -> [UInt8] {
    files[batch.path]?.bytes(batch.range) ?? []
  }

  /// Changes a batch, header and payload; those behind it follow it as they did.
  package mutating func changeBatch(
    _ batch: DatabaseAnatomy.Batch, _ body: (inout [UInt8]) -> Void
  ) {
    var bytes = self.batch(batch)
    body(&bytes)
    var previous = seal(&bytes)
    files[batch.path]?.replaceSubrange(batch.range, with: bytes)
    for next in anatomy.batches where next.number > batch.number {
      var bytes = self.batch(next)
      bytes.setField(previous, at: 64)
      previous = seal(&bytes)
      files[next.path]?.replaceSubrange(next.range, with: bytes)
    }
  }

  private func seal(_ batch: inout [UInt8]) -> UInt32 {
    let count = Int(batch.field(UInt32.self, at: 56))
    let covered = batch.bytes(0..<68) + batch.bytes(72..<72 + min(count, batch.count))
    batch.setField(covered.checksum, at: 68)
    return covered.checksum
  }

  /// Changes a segment's header.
  package mutating func changeSegment(_ path: String, _ body: (inout [UInt8]) -> Void) {
    guard var bytes = files[path] else { return }
    body(&bytes)
    bytes.setField(bytes.bytes(0..<60).checksum, at: 60)
    files[path] = bytes
  }
}
