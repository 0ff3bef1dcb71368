public import KeyCoding

/// A range of Swift's as bounds of keys: `a..<b`, `a...b`, `a...`, `..<b` or `...b`.
public protocol KeyRangeExpression<Bound> {
  /// What the range is of.
  associatedtype Bound: KeyElement
  /// The least value inside; nil for no bound.
  var lowerKey: Bound? { get }
  /// The value that ends the range; nil for no bound.
  var upperKey: Bound? { get }
  /// Whether `upperKey` itself is inside.
  var includesUpperKey: Bool { get }
}

extension Range: KeyRangeExpression where Bound: KeyElement {
  /// Its lower bound.
  public var lowerKey: Bound? { lowerBound }
  /// Its upper bound.
  public var upperKey: Bound? { upperBound }
  /// False.
  public var includesUpperKey: Bool { false }
}

extension ClosedRange: KeyRangeExpression where Bound: KeyElement {
  /// Its lower bound.
  public var lowerKey: Bound? { lowerBound }
  /// Its upper bound.
  public var upperKey: Bound? { upperBound }
  /// True.
  public var includesUpperKey: Bool { true }
}

extension PartialRangeFrom: KeyRangeExpression where Bound: KeyElement {
  /// Its lower bound.
  public var lowerKey: Bound? { lowerBound }
  /// Nil.
  public var upperKey: Bound? { nil }
  /// False.
  public var includesUpperKey: Bool { false }
}

extension PartialRangeUpTo: KeyRangeExpression where Bound: KeyElement {
  /// Nil.
  public var lowerKey: Bound? { nil }
  /// Its upper bound.
  public var upperKey: Bound? { upperBound }
  /// False.
  public var includesUpperKey: Bool { false }
}

extension PartialRangeThrough: KeyRangeExpression where Bound: KeyElement {
  /// Nil.
  public var lowerKey: Bound? { nil }
  /// Its upper bound.
  public var upperKey: Bound? { upperBound }
  /// True.
  public var includesUpperKey: Bool { true }
}

/// Bounds of scans over tuple encodings.
///
/// Behind the encoding of some elements come either further elements, none of which begins with the
/// byte 255, or a 255 that belongs to a longer text whose beginning only looks alike. So everything
/// that begins with certain elements lies from their encoding, inclusive, to that and a 255,
/// exclusive.
struct TupleBounds: Sendable {
  var lower: [UInt8]
  /// Exclusive.
  var upper: [UInt8]
  /// Whether nothing but `lower` itself is meant, in an index whose keys end there.
  private(set) var isPoint = false

  /// Everything.
  static let all = TupleBounds(lower: [], upper: [255])

  /// All keys that begin with some elements.
  init(startingWith elements: [UInt8]) {
    lower = elements
    upper = elements + [255]
  }

  /// The keys of some elements, which are all of a key's.
  init(equalTo elements: [UInt8]) {
    self.init(startingWith: elements)
    isPoint = true
  }

  /// All keys that begin with some elements and then a text with a beginning.
  init(startingWith elements: [UInt8], thenText beginning: String) {
    var encoder = KeyEncoder()
    encoder.append(beginningOf: beginning)
    lower = elements + encoder.bytes
    // A text has no byte 255.
    upper = lower + [255]
  }

  /// All keys that begin with some elements and then one of a range.
  init<Bound>(startingWith elements: [UInt8], then range: some KeyRangeExpression<Bound>) {
    self.init(startingWith: elements)
    if let first = range.lowerKey { lower = elements + Self.encoding(of: first) }
    if let last = range.upperKey {
      upper = elements + Self.encoding(of: last) + (range.includesUpperKey ? [255] : [])
    }
  }

  private init(lower: [UInt8], upper: [UInt8]) {
    self.lower = lower
    self.upper = upper
  }

  /// The bounds of what lies behind a key, in the direction of a scan.
  func resuming(after key: [UInt8], isReverse: Bool) -> TupleBounds {
    var rest = self
    rest.isPoint = false
    if isReverse {
      if key.lexicographicallyPrecedes(upper) { rest.upper = key }
    } else if !key.lexicographicallyPrecedes(lower) {
      rest.lower = key.successor
    }
    return rest
  }

  var keyBounds: KeyBounds { KeyBounds(lower: lower, upper: upper) }

  static func encoding(of key: some KeyElement) -> [UInt8] {
    var encoder = KeyEncoder()
    key.encodeElements(into: &encoder)
    return encoder.bytes
  }
}
