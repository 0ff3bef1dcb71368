internal import CMartlet

/// The checksum of everything on disk: CRC-32C (Castagnoli), reflected, initial value and final
/// exclusive-or all ones, as in RFC 3720. By instruction where the processor has one.
package enum CRC32C {
  /// The checksum of some bytes, continuing from an earlier result (0 to begin).
  package static func checksum(_ bytes: ByteView, continuing crc: UInt32 = 0) -> UInt32 {
    isAccelerated
      ? unsafe martlet_crc32c(crc, bytes.base, bytes.count)
      : portableChecksum(bytes, continuing: crc)
  }

  private static let isAccelerated = martlet_crc32c_is_accelerated()

  /// The same in plain Swift: eight bytes a step over eight tables.
  package static func portableChecksum(
    _ bytes: ByteView, continuing crc: UInt32 = 0
  ) -> UInt32 {
    var state = ~crc
    var offset = 0
    unsafe tables.withUnsafeBufferPointer { tables in
      while offset + 8 <= bytes.count {
        let word = bytes.load(UInt64.self, at: offset) ^ UInt64(state)
        var next: UInt32 = 0
        for byte in 0..<8 {
          let value = Int(truncatingIfNeeded: (word >> (8 * UInt64(byte))) & 255)
          next ^= unsafe tables[(7 - byte) * 256 + value]
        }
        state = next
        offset += 8
      }
      while offset < bytes.count {
        state = unsafe tables[Int((state ^ UInt32(bytes[offset])) & 255)] ^ (state >> 8)
        offset += 1
      }
    }
    return ~state
  }

  private static let tables: [UInt32] = {
    var tables = [UInt32](repeating: 0, count: 8 * 256)
    for value in 0..<256 {
      var crc = UInt32(value)
      for _ in 0..<8 { crc = (crc & 1) == 1 ? (crc >> 1) ^ 0x82F6_3B78 : crc >> 1 }
      tables[value] = crc
    }
    for table in 1..<8 {
      for value in 0..<256 {
        let previous = tables[(table - 1) * 256 + value]
        tables[table * 256 + value] = tables[Int(previous & 255)] ^ (previous >> 8)
      }
    }
    return tables
  }()
}
