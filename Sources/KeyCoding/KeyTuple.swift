/// Several elements that make one key, compared one after the other.
///
/// ```swift
/// let key = KeyTuple("orders", customer.id, Date.now)
/// ```
///
/// As a key of its own its bytes are those of its elements, one after the other; as an element of
/// another tuple it is nested, and compares as one.
public struct KeyTuple<each Element: KeyElement> {
  // Not a `var`: the compiler of Swift 6.3 crashes over an element that is read in a place that may be
  // assigned to, be it a variable, an `inout` parameter or a stored property of some type.
  /// The elements: `key.elements.0` is the first one. A key is not changed; make another one.
  public let elements: (repeat each Element)

  /// A tuple of elements; of none, it is the empty key.
  @inlinable
  public init(_ elements: repeat each Element) {
    self.elements = (repeat each elements)
  }

  /// Appends the elements, one after the other, as a key of its own has them.
  @inlinable
  public func encodeElements(into encoder: inout KeyEncoder) {
    repeat (each elements).encode(into: &encoder)
  }

  /// The bytes of the tuple as a key of its own.
  @inlinable
  public var keyBytes: [UInt8] {
    var encoder = KeyEncoder()
    encodeElements(into: &encoder)
    return encoder.bytes
  }

  /// Reads elements one after the other, as a key of its own has them.
  @inlinable
  public init(elementsFrom decoder: inout KeyDecoder) throws(KeyDecodingError) {
    self.elements = (repeat try (each Element)(from: &decoder))
  }

  /// The tuple that a key stands for.
  ///
  /// - Throws: `KeyDecodingError` when the bytes are not exactly such a tuple.
  @inlinable
  public init(keyBytes: RawSpan) throws(KeyDecodingError) {
    self = try KeyDecoder.decode(keyBytes) { decoder throws(KeyDecodingError) in
      try KeyTuple(elementsFrom: &decoder)
    }
  }
}

extension KeyTuple {
  /// The tuple that a key stands for.
  ///
  /// - Throws: `KeyDecodingError` when the bytes are not exactly such a tuple.
  @inlinable
  public init(keyBytes: [UInt8]) throws(KeyDecodingError) {
    try unsafe self.init(keyBytes: keyBytes.span.bytes)
  }
}

extension KeyTuple: Sendable where repeat each Element: Sendable {}

extension KeyTuple: Equatable where repeat each Element: Equatable {
  /// Whether all elements are equal.
  @inlinable
  public static func == (left: KeyTuple, right: KeyTuple) -> Bool {
    for (leftElement, rightElement) in repeat (each left.elements, each right.elements) {
      guard leftElement == rightElement else { return false }
    }
    return true
  }
}

extension KeyTuple: Hashable where repeat each Element: Hashable {
  /// Feeds all elements.
  @inlinable
  public func hash(into hasher: inout Hasher) {
    repeat (each elements).hash(into: &hasher)
  }
}

/// A tuple within a tuple.
extension KeyTuple: KeyElement {
  /// Appends the tuple as one element: nested.
  @inlinable
  public func encode(into encoder: inout KeyEncoder) {
    encoder.beginTuple()
    encodeElements(into: &encoder)
    encoder.endTuple()
  }

  /// Reads a nested tuple.
  @inlinable
  public init(from decoder: inout KeyDecoder) throws(KeyDecodingError) {
    try decoder.beginTuple()
    try self.init(elementsFrom: &decoder)
    try decoder.endTuple()
  }
}
