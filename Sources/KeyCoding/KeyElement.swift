/// A value that can stand in a key: its encoding sorts as the value does.
///
/// Keys compare bytewise, so a number written as text, or little-endian, sorts wrongly. The tuple
/// encoding gives every value one type byte and then bytes whose order is the value's. It is that of
/// FoundationDB's tuple layer, of which `format-spec/key-tuple.md` says what is kept and what not.
///
/// - Invariant K1: of two values of one type, the lesser has the lesser encoding.
/// - Invariant K2: no encoded element sequence continues another but by further elements: tuples
///   compare element by element, and one that begins another sorts directly before all of those.
/// - Invariant K3: a value has one encoding, and equal values have the same. Decoding takes no other.
/// - Invariant K4: bytes that are no encoding give a `KeyDecodingError`, never a trap.
///
/// Elements are the integers, `Double`, `Float`, `Bool`, `String`, `UUID`, `Date`, `Data`, `[UInt8]`,
/// optionals (nil first), `KeyTuple` (nested) and `Descending`; and any type of yours whose
/// conformance encodes through those, such as an `enum` with raw values, which needs no code.
public protocol KeyElement: SendableMetatype {
  /// Appends the value's encoding.
  func encode(into encoder: inout KeyEncoder)

  /// Reads one value.
  ///
  /// - Throws: `KeyDecodingError` when the bytes there are no value of this type.
  init(from decoder: inout KeyDecoder) throws(KeyDecodingError)

  /// Whether some value of the type is encoded as null. True of optionals only.
  static var encodesNull: Bool { get }

  /// Appends what the value is as a key of its own: its encoding, and of a tuple its elements one
  /// after the other.
  func encodeElements(into encoder: inout KeyEncoder)

  /// Reads a value that is a key of its own, or stands at its beginning.
  ///
  /// - Throws: `KeyDecodingError` when the bytes there are no value of this type.
  init(elementsFrom decoder: inout KeyDecoder) throws(KeyDecodingError)
}

extension KeyElement {
  /// False.
  @inlinable
  public static var encodesNull: Bool { false }

  /// Appends the encoding.
  @inlinable
  public func encodeElements(into encoder: inout KeyEncoder) { encode(into: &encoder) }

  /// Reads one value.
  @inlinable
  public init(elementsFrom decoder: inout KeyDecoder) throws(KeyDecodingError) {
    try self.init(from: &decoder)
  }
}

/// An enumeration with raw values is encoded as its raw value, and sorts as that does.
extension KeyElement where Self: RawRepresentable, RawValue: KeyElement {
  /// Appends the raw value's encoding.
  @inlinable
  public func encode(into encoder: inout KeyEncoder) {
    rawValue.encode(into: &encoder)
  }

  /// Reads a raw value.
  ///
  /// - Throws: `KeyDecodingError` when it is a raw value of no case.
  @inlinable
  public init(from decoder: inout KeyDecoder) throws(KeyDecodingError) {
    let start = decoder.offset
    let raw = try RawValue(from: &decoder)
    guard let value = Self(rawValue: raw) else {
      throw KeyDecodingError(offset: start, reason: .noValue(of: "\(Self.self)"))
    }
    self = value
  }
}
