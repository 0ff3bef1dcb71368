extension Optional: KeyElement where Wrapped: KeyElement {
  /// True.
  @inlinable
  public static var encodesNull: Bool { true }

  /// Appends null, which sorts first, or the value. A value that may be null itself is appended as
  /// a nested tuple of one, so that "nothing" and "a nothing" stay apart.
  @inlinable
  public func encode(into encoder: inout KeyEncoder) {
    guard let value = self else { return encoder.appendNull() }
    guard Wrapped.encodesNull else { return value.encode(into: &encoder) }
    encoder.beginTuple()
    value.encode(into: &encoder)
    encoder.endTuple()
  }

  /// Reads null or a value.
  @inlinable
  public init(from decoder: inout KeyDecoder) throws(KeyDecodingError) {
    guard !decoder.readNull() else {
      self = nil
      return
    }
    guard Wrapped.encodesNull else {
      self = try Wrapped(from: &decoder)
      return
    }
    try decoder.beginTuple()
    self = try Wrapped(from: &decoder)
    try decoder.endTuple()
  }
}
