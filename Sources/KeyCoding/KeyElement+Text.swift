extension String: KeyElement {
  /// Appends the text, ordered by its UTF-8. That is the order of Unicode scalars, so texts that
  /// Swift calls equal but that are composed differently are different keys.
  @inlinable
  public func encode(into encoder: inout KeyEncoder) { encoder.append(self) }

  /// Reads text.
  @inlinable
  public init(from decoder: inout KeyDecoder) throws(KeyDecodingError) {
    self = try decoder.readString()
  }
}

extension Array: KeyElement where Element == UInt8 {
  /// Appends the bytes.
  @inlinable
  public func encode(into encoder: inout KeyEncoder) { unsafe encoder.append(span.bytes) }

  /// Reads bytes.
  @inlinable
  public init(from decoder: inout KeyDecoder) throws(KeyDecodingError) {
    self = try decoder.readBytes()
  }
}
