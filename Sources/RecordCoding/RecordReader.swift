internal import RawBytes

/// Where records are read from: bytes that may lie.
public struct RecordReader: ~Copyable {
  // SAFETY: a reader exists only within `read`, and cannot be copied out of it.
  var reader: ByteReader

  @usableFromInline
  init(_ bytes: UnsafeRawBufferPointer) {
    reader = ByteReader(unsafe ByteView(bytes))
  }

  /// Reads a record from all of its bytes.
  ///
  /// - Throws: what `body` throws, or `RecordDecodingError` when it leaves bytes unread.
  @inlinable
  public static func read<Result>(
    _ bytes: RawSpan, _ body: (inout RecordReader) throws -> Result
  ) throws -> Result {
    try unsafe bytes.withUnsafeBytes { buffer in
      var reader = unsafe RecordReader(buffer)
      let result = try body(&reader)
      guard reader.isAtEnd else {
        throw RecordDecodingError(offset: reader.offset, reason: .bytesFollow)
      }
      return result
    }
  }

  /// How many bytes were read.
  public var offset: Int { reader.offset }

  /// Whether all bytes were read.
  public var isAtEnd: Bool { reader.remaining == 0 }

  /// All bytes that are left.
  mutating func takeRest() -> ByteView {
    let rest = reader.bytes.dropFirst(reader.offset)
    reader = ByteReader(reader.bytes, at: reader.bytes.count)
    return rest
  }
}
