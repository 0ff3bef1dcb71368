/// An element that sorts in reverse: `KeyTuple(author, Descending(date))` has the newest first.
public struct Descending<Element: KeyElement> {
  /// What is sorted in reverse.
  public var element: Element

  /// The reverse of an element's order.
  @inlinable
  public init(_ element: Element) {
    self.element = element
  }
}

extension Descending: Sendable where Element: Sendable {}
extension Descending: Equatable where Element: Equatable {}
extension Descending: Hashable where Element: Hashable {}

extension Descending: KeyElement {
  /// Appends the complement of the element's encoding.
  @inlinable
  public func encode(into encoder: inout KeyEncoder) {
    let start = encoder.beginDescending()
    element.encode(into: &encoder)
    encoder.endDescending(from: start)
  }

  /// Reads a complemented element.
  @inlinable
  public init(from decoder: inout KeyDecoder) throws(KeyDecodingError) {
    try decoder.beginDescending()
    element = try Element(from: &decoder)
    try decoder.endDescending()
  }
}
