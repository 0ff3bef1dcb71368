import Paging
import Primitives
import RawBytes
import Seeds
import Simulation
import Testing

@Suite struct `A page image` {
  private func page(_ value: UInt64, id: UInt32 = 7, byteCount: Int = 4096) -> AlignedMemory {
    let memory = AlignedMemory(byteCount: byteCount)
    Pager.fill(memory.bytes, value)
    memory.bytes.store(id, at: PageImage.pageIDOffset)
    return memory
  }

  private func entry(_ encoded: PageImage.Encoded) -> PageMapEntry {
    PageMapEntry(
      place: Place(start: 32, unitCount: encoded.byteCount / 512), flags: encoded.flags,
      checksum: encoded.checksum, birth: Generation(1))
  }

  @Test(arguments: [4096, 16384, 65536], [0, 1])
  func `restores the page`(_ byteCount: Int, _ value: UInt64) throws {
    let original = page(value, byteCount: byteCount)
    let stored = AlignedMemory(byteCount: byteCount)
    let restored = AlignedMemory(byteCount: byteCount)
    for compression in [Compression.none, .lz4] {
      let encoded = PageImage.encode(
        original.bytes.view, into: stored.bytes, compression: compression)
      #expect(encoded.byteCount % 512 == 0 && encoded.byteCount <= byteCount)
      #expect(encoded.flags.contains(.compressed) == (compression == .lz4 && value == 0))
      try PageImage.decode(
        stored.bytes.view.prefix(encoded.byteCount), entry: entry(encoded), id: PageID(7),
        into: restored.bytes)
      #expect(restored.bytes.view == original.bytes.view)
    }
  }

  @Test func `is stored raw unless compression saves 512 bytes`() {
    var random = SeededGenerator(seed: Seed.take(for: #function))
    let memory = AlignedMemory(byteCount: 4096)
    let stored = AlignedMemory(byteCount: 4096)
    for randomBytes in stride(from: 3000, through: 4096, by: 8) {
      memory.bytes.zero(0..<4096)
      for index in 0..<randomBytes { memory.bytes[index] = UInt8(random.below(256)) }
      let encoded = PageImage.encode(memory.bytes.view, into: stored.bytes, compression: .lz4)
      #expect(encoded.byteCount == 4096 || encoded.byteCount <= 3584)
      #expect(encoded.flags.contains(.compressed) == (encoded.byteCount < 4096))
    }
  }

  /// F7: torn, stale and misdirected images are found because the checksum comes from the map.
  @Test(arguments: [0, 1])
  func `shows every flipped bit`(_ value: UInt64) {
    let original = page(value)
    let stored = AlignedMemory(byteCount: 4096)
    let encoded = PageImage.encode(original.bytes.view, into: stored.bytes, compression: .lz4)
    for byte in 0..<encoded.byteCount {
      stored.bytes[byte] ^= 1 << UInt8(byte % 8)
      #expect(throws: CorruptionError.self) {
        try PageImage.decode(
          stored.bytes.view.prefix(encoded.byteCount), entry: entry(encoded), id: PageID(7),
          into: original.bytes)
      }
      stored.bytes[byte] ^= 1 << UInt8(byte % 8)
    }
  }

  @Test func `of another page is refused although its checksum is right`() {
    let original = page(0, id: 8)
    let stored = AlignedMemory(byteCount: 4096)
    let encoded = PageImage.encode(original.bytes.view, into: stored.bytes, compression: .lz4)
    let error = #expect(throws: CorruptionError.self) {
      try PageImage.decode(
        stored.bytes.view.prefix(encoded.byteCount), entry: entry(encoded), id: PageID(7),
        into: original.bytes)
    }
    #expect(error?.expected == "page 7" && error?.found == "page 8")
  }

  /// A compressed length or an LZ4 block that lies under a right checksum neither traps nor writes
  /// out of bounds.
  @Test func `that lies under a right checksum is refused`() {
    var random = SeededGenerator(seed: Seed.take(for: #function))
    let restored = AlignedMemory(byteCount: 4096)
    let stored = AlignedMemory(byteCount: 1024)
    for round in 0..<2_000 {
      for index in 0..<1024 { stored.bytes[index] = UInt8(random.below(256)) }
      if round % 2 == 0 { stored.bytes.store(UInt32(random.below(1021)), at: 0) }
      let lying = PageMapEntry(
        place: Place(start: 32, unitCount: 2), flags: .compressed,
        checksum: CRC32C.checksum(stored.bytes.view), birth: Generation(1))
      #expect(throws: CorruptionError.self) {
        try PageImage.decode(
          stored.bytes.view, entry: lying, id: PageID(7), into: restored.bytes)
      }
    }
  }
}
