import Environment
import Foundation
import Paging
import Primitives
import RawBytes
import Simulation
import Testing

/// The files in `format-spec/vectors`: what they say is read, and what the engine writes for it is
/// them, byte for byte. MARTLET_WRITE_VECTORS=1 writes them anew, for a new format version.
@Suite struct `The format vectors` {
  private static let folder = URL(filePath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent().deletingLastPathComponent()
    .appending(path: "format-spec/vectors")

  private func vector(_ name: String, _ written: [UInt8]) throws -> [UInt8] {
    let file = Self.folder.appending(path: name)
    if ProcessInfo.processInfo.environment["MARTLET_WRITE_VECTORS"] == "1" {
      try Data(written).write(to: file)
    }
    return [UInt8](try Data(contentsOf: file))
  }

  @Test func `superblock`() throws {
    let superblock = `The superblock`.sample()
    let memory = `The superblock`.encoded(superblock)
    let bytes = try vector("superblock.bin", memory.bytes.view.array)
    #expect(bytes == memory.bytes.view.array)
    bytes.withByteView { #expect(Superblock.read($0) == .valid(superblock)) }
  }

  @Test func `page map block`() throws {
    let entries: [Int: PageMapEntry] = [
      1: PageMapEntry(
        place: Place(start: 32, unitCount: 8), flags: [], checksum: 0x1122_3344,
        birth: Generation(1)),
      2: PageMapEntry(
        place: Place(start: 40, unitCount: 3), flags: .compressed, checksum: 0x5566_7788,
        birth: Generation(2)),
      255: PageMapEntry(
        place: Place(start: 0x01_0203_0405, unitCount: 128), flags: [], checksum: 0xFFFF_FFFF,
        birth: Generation(0x0A0B_0C0D)),
    ]
    let memory = AlignedMemory(byteCount: 4096)
    for (index, entry) in entries { entry.encode(into: memory.bytes, at: 16 * index) }
    let bytes = try vector("page-map-block.bin", memory.bytes.view.array)
    #expect(bytes == memory.bytes.view.array)
    bytes.withByteView { block in
      for index in 0..<256 {
        #expect(PageMapEntry(block, at: 16 * index) == entries[index] ?? .absent)
      }
    }
  }

  /// Another release of LZ4 may compress otherwise, so the compressed vector is decoded, and what
  /// is encoded today is decoded too.
  @Test(arguments: [("page-image-raw.bin", Compression.none), ("page-image-lz4.bin", .lz4)])
  func `page image`(_ name: String, _ compression: Compression) throws {
    let page = AlignedMemory(byteCount: 4096)
    Pager.fill(page.bytes, 6)
    page.bytes.store(UInt32(3), at: PageImage.pageIDOffset)
    let target = AlignedMemory(byteCount: 4096)
    let encoded = PageImage.encode(page.bytes.view, into: target.bytes, compression: compression)
    let written = target.bytes.view.prefix(encoded.byteCount).array
    let bytes = try vector(name, written)
    if compression == .none { #expect(bytes == written) }
    for stored in [bytes, written] {
      let restored = AlignedMemory(byteCount: 4096)
      try stored.withByteView { stored in
        let entry = PageMapEntry(
          place: Place(start: 32, unitCount: stored.count / 512), flags: encoded.flags,
          checksum: CRC32C.checksum(stored), birth: Generation(1))
        try PageImage.decode(stored, entry: entry, id: PageID(3), into: restored.bytes)
      }
      #expect(restored.bytes.view.array == page.bytes.view.array)
    }
  }

  /// A whole file: three pages, two checkpoints.
  @Test func `data file`() throws {
    let configuration = Pages.small(compression: .none)
    let simulator = Simulator(seed: 1)
    try simulator.run { effects in
      let pager = try Pages.create(effects, configuration) { (pager) throws(PagingError) in
        for number in 1...3 { _ = try pager.make(UInt64(number)) }
        return Array("root".utf8)
      }
      try pager.set(PageID(2), to: 22)
      try pager.checkpoint(5, timestamp: 200, root: Array("root table".utf8))
      pager.close()
    }
    let written = try #require(simulator.disk.snapshot.contents(of: Pages.path))
    let bytes = try vector("data-file.bin", written)
    #expect(bytes == written)
    let reading = Simulator(seed: 2)
    reading.disk.edit { $0.put(Pages.path, bytes) }
    try reading.run { effects in
      let (pager, state) = try Pages.open(effects)
      defer { pager.close() }
      #expect(state.id == Pages.id && state.generation == Generation(2))
      #expect(state.timestamp == Timestamp(200) && state.ownerState == [5])
      #expect(state.rootTable == Array("root table".utf8))
      for (id, value) in [1: 1, 2: 22, 3: 3] as KeyValuePairs<UInt32, UInt64> {
        #expect(try pager.value(PageID(id)) == value)
      }
      #expect(try pager.findings().isEmpty)
    }
  }
}
