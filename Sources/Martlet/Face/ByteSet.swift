internal import RawBytes

/// A set of byte strings as a value: what the merge operations `insert` and `remove` change.
///
/// Stored as `format-spec/merged-values.md` says: the elements in ascending order, each its length as
/// a varint and its bytes. Made for sets of up to some thousand elements: each change writes the
/// whole value.
public struct ByteSet: Sendable, Hashable {
  /// Ascending bytewise, each once.
  public private(set) var elements: [[UInt8]]

  /// A set of these elements.
  public init(_ elements: [[UInt8]] = []) {
    self.elements = Set(elements).sorted { $0.lexicographicallyPrecedes($1) }
  }

  /// How many elements it has.
  public var count: Int { elements.count }

  /// Whether an element is in it.
  ///
  /// - Complexity: O(log n) comparisons
  public func contains(_ element: [UInt8]) -> Bool {
    let index = index(of: element)
    return index < elements.count && elements[index] == element
  }

  /// Whether the UTF-8 of a text is in it.
  public func contains(_ element: String) -> Bool { contains([UInt8](element.utf8)) }

  mutating func insert(_ element: [UInt8]) {
    let index = index(of: element)
    if index < elements.count, elements[index] == element { return }
    elements.insert(element, at: index)
  }

  mutating func remove(_ element: [UInt8]) {
    let index = index(of: element)
    if index < elements.count, elements[index] == element { elements.remove(at: index) }
  }

  /// Puts some elements in and takes others out.
  ///
  /// - Complexity: O(n + m log m) comparisons for m changes.
  mutating func change(_ isIn: [[UInt8]: Bool]) {
    let changed = isIn.keys.sorted { $0.lexicographicallyPrecedes($1) }
    var result: [[UInt8]] = []
    result.reserveCapacity(elements.count + changed.count)
    var rest = elements[...]
    for element in changed {
      while let next = rest.first, next.lexicographicallyPrecedes(element) {
        result.append(next)
        rest = rest.dropFirst()
      }
      if rest.first == element { rest = rest.dropFirst() }
      if isIn[element] == true { result.append(element) }
    }
    result += rest
    elements = result
  }

  /// Of the first element that is not below one.
  private func index(of element: [UInt8]) -> Int {
    var low = 0
    var high = elements.count
    while low < high {
      let middle = (low + high) / 2
      if elements[middle].lexicographicallyPrecedes(element) {
        low = middle + 1
      } else {
        high = middle
      }
    }
    return low
  }
}

extension ByteSet {
  var encoded: [UInt8] {
    var buffer = ByteBuffer(capacity: 64)
    for element in elements { element.withByteView { buffer.append(counted: $0) } }
    return buffer.view.array
  }

  /// Nil when the bytes are no set.
  init?(encoded bytes: [UInt8]) {
    guard let set = bytes.withByteView({ ByteSet(decoding: $0) }) else { return nil }
    self = set
  }

  private init?(decoding bytes: ByteView) {
    elements = []
    var reader = ByteReader(bytes)
    while reader.remaining > 0 {
      guard let element = reader.counted()?.array else { return nil }
      if let last = elements.last, !last.lexicographicallyPrecedes(element) { return nil }
      elements.append(element)
    }
  }
}

extension ByteSet: StoredValue {
  /// The elements, each behind its length.
  public func withValueBytes<Result>(_ body: (RawSpan) throws -> Result) throws -> Result {
    try encoded.withValueBytes(body)
  }

  /// Nil when the bytes are no set.
  public init?(valueBytes: RawSpan) {
    guard let set = valueBytes.withByteView({ ByteSet(decoding: $0) }) else { return nil }
    self = set
  }
}
