import Paging
import Primitives
import RawBytes
import Testing

@Suite struct `The superblock` {
  static func sample(generation: UInt64 = 5) -> Superblock {
    Superblock(
      id: Pages.id, pageSize: 16384, generation: Generation(generation),
      timestamp: Timestamp(0x1122_3344_5566_7788), ownerState: Array(1...64), mapDepth: 2,
      mapRoot: PageMapEntry(
        place: Place(start: 4096, unitCount: 8), flags: [], checksum: 0xCAFE_F00D,
        birth: Generation(generation)),
      rootTablePlace: Place(start: 8192, unitCount: 3), rootTableByteCount: 1500,
      rootTableChecksum: 0x0BAD_CAFE)
  }

  static func encoded(_ superblock: Superblock) -> AlignedMemory {
    let memory = AlignedMemory(byteCount: Superblock.byteCount)
    superblock.encode(into: memory.bytes)
    return memory
  }

  static func seal(_ memory: AlignedMemory) {
    memory.bytes.store(CRC32C.checksum(memory.bytes.view.prefix(4092)), at: 4092)
  }

  @Test func `reads back what was written`() {
    let superblock = Self.sample()
    let memory = Self.encoded(superblock)
    #expect(Superblock.read(memory.bytes.view) == .valid(superblock))
    withExtendedLifetime(memory) {}
  }

  @Test func `shows every flipped bit`() {
    let memory = Self.encoded(Self.sample())
    for byte in stride(from: 0, to: Superblock.byteCount, by: 7) {
      let bit: UInt8 = 1 << UInt8(byte % 8)
      memory.bytes[byte] ^= bit
      if case .valid = Superblock.read(memory.bytes.view) {
        Issue.record("a flipped bit in byte \(byte) is not seen")
      }
      memory.bytes[byte] ^= bit
    }
  }

  @Test func `refuses newer formats and unknown features, and overlooks compatible ones`() {
    let newer = Self.encoded(Self.sample())
    newer.bytes.store(UInt32(3), at: 8)
    Self.seal(newer)
    #expect(Superblock.read(newer.bytes.view) == .newer(3))
    for offset in [16, 24] {
      let unknown = Self.encoded(Self.sample())
      unknown.bytes.store(UInt64(1) << 40, at: offset)
      Self.seal(unknown)
      #expect(Superblock.read(unknown.bytes.view) == .newer(1))
    }
    let compatible = Self.encoded(Self.sample())
    compatible.bytes.store(UInt64(1) << 40, at: 32)
    Self.seal(compatible)
    #expect(Superblock.read(compatible.bytes.view) == .valid(Self.sample()))
  }

  @Test(arguments: [(12, 1000), (12, 0), (56, 0), (72, 65), (74, 5)])
  func `distrusts sealed nonsense`(_ offset: Int, _ value: Int) {
    let memory = Self.encoded(Self.sample())
    switch offset {
    case 12: memory.bytes.store(UInt32(value), at: offset)
    case 56: memory.bytes.store(UInt64(value), at: offset)
    default: memory.bytes.store(UInt16(value), at: offset)
    }
    Self.seal(memory)
    guard case .damaged = Superblock.read(memory.bytes.view) else {
      Issue.record("offset \(offset) value \(value) is believed")
      return
    }
  }

  /// The next checkpoint would have trapped: its number does not fit into the page map.
  @Test func `distrusts a generation that leaves no room for the next ones`() {
    let memory = Self.encoded(Self.sample())
    memory.bytes.store(UInt64((1 << 32) - (1 << 20)), at: 56)
    Self.seal(memory)
    #expect(Superblock.read(memory.bytes.view) == .damaged("generation"))
    withExtendedLifetime(memory) {}
  }

  @Test func `is the newest valid one of four copies`() {
    let old = Self.sample(generation: 4)
    let new = Self.sample(generation: 5)
    let torn = Superblock.Reading.damaged("checksum")
    func choice(_ readings: Superblock.Reading...) -> Superblock.Choice {
      Superblock.choose(readings)
    }
    #expect(
      choice(.valid(old), .valid(new), .valid(old), .valid(new)) == .inForce(new, slot: 1))
    #expect(choice(.valid(new), .valid(old), torn, .valid(old)) == .inForce(new, slot: 0))
    #expect(choice(.valid(old), torn, .valid(old), .valid(new)) == .inForce(new, slot: 1))
    #expect(choice(.valid(old), torn, .valid(old), torn) == .inForce(old, slot: 0))
    #expect(choice(.valid(old), torn, .foreign, .foreign) == .inForce(old, slot: 0))
    #expect(choice(torn, .foreign, torn, .foreign) == .damaged("block 0: checksum"))
    #expect(choice(.foreign, .foreign, .foreign, .foreign) == .foreign)
    #expect(choice(.valid(old), .newer(1), .valid(old), torn) == .newer(1))
  }
}
