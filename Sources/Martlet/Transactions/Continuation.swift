package import Primitives
package import RawBytes

/// The payload of a continuation record, a piece of a large value: `format-spec/continuation.md`.
package struct Continuation {
  /// Which of its transaction's large values.
  package let ordinal: Int
  /// Bytes of the whole value.
  package let byteCount: UInt64
  /// Where the piece begins in the value.
  package let offset: UInt64
  package let piece: ByteView

  package static func encode(
    ordinal: Int, byteCount: UInt64, offset: UInt64, piece: ByteView, into buffer: inout ByteBuffer
  ) {
    buffer.append(varint: UInt64(ordinal))
    buffer.append(varint: byteCount)
    buffer.append(varint: offset)
    buffer.append(counted: piece)
  }

  package init(decoding bytes: ByteView) throws(CorruptionError) {
    var reader = ByteReader(bytes)
    guard let ordinal = reader.varint(), ordinal <= UInt64(UInt32.max),
      let byteCount = reader.varint(), let offset = reader.varint(), let piece = reader.counted(),
      reader.remaining == 0, byteCount > 0, byteCount <= UInt64(Int64.max), offset <= byteCount,
      UInt64(piece.count) <= byteCount - offset
    else {
      throw CorruptionError(
        location: "continuation record of the log", expected: "a piece of a large value",
        found: "\(bytes.count) bytes that are none")
    }
    self.ordinal = Int(ordinal)
    self.byteCount = byteCount
    self.offset = offset
    self.piece = piece
  }
}
