internal import RawBytes

/// Bounds of keys that are tuples. The half-open range between two tuples is `range(from:to:)`.
extension KeyBounds {
  /// The tuples that begin with the elements of this one, itself among them.
  public static func prefix<each Element: KeyElement>(
    _ prefix: KeyTuple<repeat each Element>
  ) throws -> KeyBounds {
    let lower = try bytes(of: prefix)
    return KeyBounds(lower: lower, upper: end(under: lower))
  }

  /// The tuples that begin with the elements of this one and go on with a text that begins so.
  public static func prefix<each Element: KeyElement>(
    _ prefix: KeyTuple<repeat each Element>, beginningOf text: String
  ) throws -> KeyBounds {
    var encoder = KeyEncoder()
    prefix.encodeElements(into: &encoder)
    encoder.append(beginningOf: text)
    let lower = encoder.bytes
    return KeyBounds(lower: lower, upper: successor(ofPrefix: lower))
  }

  /// The tuples from `lower` up to and with all that begin with the elements of `upper`.
  public static func range<each Lower: KeyElement, each Upper: KeyElement>(
    from lower: KeyTuple<repeat each Lower>, through upper: KeyTuple<repeat each Upper>
  ) throws -> KeyBounds {
    KeyBounds(lower: try bytes(of: lower), upper: end(under: try bytes(of: upper)))
  }

  /// The tuples that come after all that begin with the elements of this one.
  public static func after<each Element: KeyElement>(
    _ prefix: KeyTuple<repeat each Element>
  ) throws -> KeyBounds {
    KeyBounds(lower: end(under: try bytes(of: prefix)), upper: nil)
  }

  /// The least key above every tuple that begins with an encoded one: no element begins with the
  /// byte 255.
  static func end(under tuple: [UInt8]) -> [UInt8] { tuple + [255] }
}
