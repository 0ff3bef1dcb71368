/// Reads stored bytes that may lie: every step checks what is left and answers nil instead of
/// trapping.
@frozen
@usableFromInline
package struct ByteReader {
  /// All the bytes.
  @usableFromInline package let bytes: ByteView
  /// Where the next read begins.
  @usableFromInline package internal(set) var offset: Int

  @inlinable package init(_ bytes: ByteView, at offset: Int = 0) {
    self.bytes = bytes
    self.offset = Swift.min(Swift.max(offset, 0), bytes.count)
  }

  @inlinable package var remaining: Int { bytes.count - offset }

  /// A little-endian integer.
  @inlinable package mutating func integer<Integer: FixedWidthInteger & BitwiseCopyable>(
    _ type: Integer.Type
  ) -> Integer? {
    guard remaining >= MemoryLayout<Integer>.size else { return nil }
    defer { offset += MemoryLayout<Integer>.size }
    return bytes.load(type, at: offset)
  }

  /// An unsigned LEB128 integer: seven bits a byte, least significant first, at most ten bytes.
  @inlinable package mutating func varint() -> UInt64? {
    var value: UInt64 = 0
    var shift: UInt64 = 0
    while offset < bytes.count {
      let byte = bytes[offset]
      offset += 1
      if shift == 63 && byte > 1 { return nil }
      value |= UInt64(byte & 127) << shift
      if byte < 128 { return value }
      shift += 7
      if shift > 63 { return nil }
    }
    return nil
  }

  /// The next bytes, without a copy.
  @inlinable package mutating func take(_ byteCount: Int) -> ByteView? {
    guard byteCount >= 0, remaining >= byteCount else { return nil }
    defer { offset += byteCount }
    return bytes[offset..<offset + byteCount]
  }

  /// The next bytes, preceded by their count as a varint.
  @inlinable package mutating func counted() -> ByteView? {
    guard let count = varint(), count <= UInt64(remaining) else { return nil }
    return take(Int(count))
  }
}
