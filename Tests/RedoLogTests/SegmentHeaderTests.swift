import Primitives
import RawBytes
import RedoLog
import Testing

@Suite("Segment headers")
struct SegmentHeaderTests {
  private let header = SegmentHeader(
    database: LogWorld.id, number: 0x1234, salt: 0xfeed_face_cafe_beef, size: 1 << 20)

  private func bytes(_ header: SegmentHeader) -> [UInt8] {
    let block = AlignedMemory(byteCount: SegmentHeader.blockByteCount)
    header.encode(into: block.bytes)
    return block.bytes.view.array
  }

  private func decode(_ bytes: [UInt8]) throws(LogError) -> SegmentHeader {
    try bytes.withByteView { (view) throws(LogError) in
      try SegmentHeader(decoding: view, path: "p")
    }
  }

  @Test func `a header reads back as written`() throws {
    #expect(try decode(bytes(header)) == header)
  }

  @Test func `every flipped bit is found`() {
    for index in 0..<SegmentHeader.byteCount {
      for bit in 0..<8 {
        var damaged = bytes(header)
        damaged[index] ^= 1 << bit
        #expect(throws: LogError.self) { try decode(damaged) }
      }
    }
  }

  @Test func `a newer version is named as such and not as damage`() {
    var newer = bytes(header)
    newer[8] = 3
    let checksum = newer.withByteView { CRC32C.checksum($0.prefix(60)) }
    for index in 0..<4 { newer[60 + index] = UInt8(truncatingIfNeeded: checksum >> (8 * index)) }
    #expect(throws: LogError.newerFormat(found: 3, supported: 1)) { try decode(newer) }
  }

  @Test(arguments: [0, 4096, 8191, 10_000, UInt64.max])
  func `a size that cannot be is refused`(size: UInt64) {
    let impossible = SegmentHeader(database: LogWorld.id, number: 1, salt: 2, size: size)
    #expect(throws: LogError.self) { try decode(bytes(impossible)) }
  }

  @Test func `too few bytes are refused`() {
    for count in 0..<SegmentHeader.byteCount {
      #expect(throws: LogError.self) { try decode(Array(bytes(header).prefix(count))) }
    }
  }
}
