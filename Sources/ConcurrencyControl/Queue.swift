/// First in, first out, in one array: elements are named by sequence numbers that are never
/// reused, so that a number kept elsewhere names its element or is seen to be too old.
struct Queue<Element: Sendable>: Sendable {
  private var elements: [Element] = []
  /// The sequence number of `elements[0]`.
  private var base = 0
  /// How many elements in front are dead and wait to be cut off together.
  private var deadCount = 0

  /// The number of the oldest element; the next one's when there is none.
  var start: Int { base + deadCount }

  /// The number that the next element gets.
  var end: Int { base + elements.count }

  var count: Int { elements.count - deadCount }

  var isEmpty: Bool { elements.count == deadCount }

  /// Bytes that elements take, the dead ones too.
  var byteCount: Int { elements.count * MemoryLayout<Element>.stride }

  /// Bytes that the array holds.
  var allocatedByteCount: Int { elements.capacity * MemoryLayout<Element>.stride }

  subscript(sequence: Int) -> Element {
    @inline(__always) get {
      precondition(sequence >= start, "an element that is gone")
      return elements[sequence - base]
    }
    @inline(__always) _modify {
      precondition(sequence >= start, "an element that is gone")
      yield &elements[sequence - base]
    }
  }

  var first: Element? { isEmpty ? nil : elements[deadCount] }

  var last: Element? { isEmpty ? nil : elements[elements.count - 1] }

  mutating func append(_ element: Element) { elements.append(element) }

  mutating func append(contentsOf more: [Element]) { elements.append(contentsOf: more) }

  /// Forgets everything before a number. What lives is moved only after a third as much has died.
  mutating func removeAll(before sequence: Int) {
    precondition(sequence >= start && sequence <= end)
    deadCount = sequence - base
    guard deadCount == elements.count || deadCount > Swift.max(32, elements.count / 4) else {
      return
    }
    elements.removeSubrange(0..<deadCount)
    base = sequence
    deadCount = 0
  }

  mutating func removeAll() { removeAll(before: end) }
}

extension Queue where Element == UInt8 {
  /// Whether the key that stands in a range stands before another one.
  @inline(__always)
  func isKey(at range: Range<Int>, before key: [UInt8]) -> Bool {
    precondition(range.lowerBound >= start)
    let key = key.span
    return KeyOrder.precedes(
      elements.span.extracting(range.lowerBound - base..<range.upperBound - base), key)
  }

  /// A copy of some of the bytes.
  func bytes(_ range: Range<Int>) -> [UInt8] {
    precondition(range.lowerBound >= start)
    return Array(elements[range.lowerBound - base..<range.upperBound - base])
  }
}
