import RawBytes
import Testing

@Suite struct CRC32CTests {
  /// Vectors of RFC 3720, B.4, and the check value of the catalogue of CRC algorithms.
  static let vectors: [(bytes: [UInt8], checksum: UInt32)] = [
    ([], 0),
    (Array("123456789".utf8), 0xE306_9283),
    ([UInt8](repeating: 0, count: 32), 0x8A91_36AA),
    ([UInt8](repeating: 0xFF, count: 32), 0x62A8_AB43),
    (Array(0..<32), 0x46DD_794E),
    (Array((0..<32).reversed()), 0x113F_DB5C),
  ]

  @Test func `published vectors come out, accelerated and portable`() {
    for vector in Self.vectors {
      #expect(vector.bytes.withByteView { CRC32C.checksum($0) } == vector.checksum)
      #expect(vector.bytes.withByteView { CRC32C.portableChecksum($0) } == vector.checksum)
    }
  }

  @Test func `both ways agree at every length around the lanes and every alignment`() {
    var generator = SystemRandomNumberGenerator()
    let bytes = (0..<9000).map { _ in UInt8.random(in: 0...255, using: &generator) }
    bytes.withByteView { bytes in
      let lengths = Array(0..<100) + Array(4020..<4045) + Array(8055..<8075)
      for length in lengths {
        for start in 0..<9 {
          let part = bytes[start..<start + length]
          #expect(CRC32C.checksum(part) == CRC32C.portableChecksum(part))
        }
      }
    }
  }

  @Test func `a checksum continues where another ended`() {
    let bytes = (0..<10_000).map { UInt8(truncatingIfNeeded: $0 &* 31) }
    bytes.withByteView { bytes in
      let whole = CRC32C.checksum(bytes)
      for cut in [0, 1, 7, 8, 4031, 4032, 4033, 9999, 10_000] {
        let first = CRC32C.checksum(bytes.prefix(cut))
        #expect(CRC32C.checksum(bytes.dropFirst(cut), continuing: first) == whole)
        #expect(CRC32C.portableChecksum(bytes.dropFirst(cut), continuing: first) == whole)
      }
    }
  }

  @Test func `any flipped bit changes the checksum`() {
    var bytes = (0..<512).map { UInt8(truncatingIfNeeded: $0) }
    let whole = bytes.withByteView { CRC32C.checksum($0) }
    for bit in 0..<bytes.count * 8 {
      bytes[bit / 8] ^= 1 << UInt8(bit % 8)
      #expect(bytes.withByteView { CRC32C.checksum($0) } != whole)
      bytes[bit / 8] ^= 1 << UInt8(bit % 8)
    }
  }
}
