internal import RawBytes

// Little-endian fields of stored bytes, for the kit that damages them: bytes that are not there
// read as zero, so that what is read off a damaged image never traps.

extension [UInt8] {
  package func field<Value: FixedWidthInteger & UnsignedInteger>(
    _ type: Value.Type, at offset: Int
  ) -> Value {
    var value: Value = 0
    for index in (0..<Value.bitWidth / 8).reversed() where offset + index < count {
      value = value << 8 | Value(self[offset + index])
    }
    return value
  }

  package mutating func setField(_ value: some FixedWidthInteger & UnsignedInteger, at offset: Int)
  {
    for index in 0..<value.bitWidth / 8 where offset + index < count {
      self[offset + index] = UInt8(truncatingIfNeeded: value >> (8 * index))
    }
  }

  /// Bytes of a range, as far as there are any.
  package func bytes(_ range: Range<Int>) -> [UInt8] {
    Array(self[range.clamped(to: 0..<count)])
  }

  /// CRC-32C of all bytes.
  package var checksum: UInt32 { withByteView { CRC32C.checksum($0) } }
}
