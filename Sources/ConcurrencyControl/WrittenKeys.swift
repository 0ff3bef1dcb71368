import Primitives

/// The keys that a commit writes, ascending by keyspace and key, the bytes of all in one buffer.
/// The committing thread builds it before it enters the commit section.
package struct WrittenKeys: Sendable {
  private(set) var names: [LockName] = []
  /// Where each key ends in `bytes`; it begins where the one before ends.
  private(set) var ends: [Int] = []
  private(set) var bytes: [UInt8] = []

  package init() {}

  package var count: Int { names.count }

  package var isEmpty: Bool { names.isEmpty }

  /// Adds a key, which stands behind all that are there.
  package mutating func append(_ name: LockName, key: RawSpan) {
    // SAFETY: the bytes are copied before the closure returns. False if it let the buffer escape.
    unsafe key.withUnsafeBytes { buffer in unsafe bytes.append(contentsOf: buffer) }
    names.append(name)
    ends.append(bytes.count)
    let index = names.count - 1
    precondition(
      index == 0 || names[index - 1].keyspace < name.keyspace
        || (names[index - 1].keyspace == name.keyspace
          && KeyOrder.precedes(
            bytes.span.extracting(range(ofKeyAt: index - 1)),
            bytes.span.extracting(range(ofKeyAt: index)))),
      "written keys that do not ascend")
  }

  /// Forgets the keys and keeps the memory.
  package mutating func removeAll() {
    if names.isEmpty { return }
    names.removeAll(keepingCapacity: true)
    ends.removeAll(keepingCapacity: true)
    bytes.removeAll(keepingCapacity: true)
  }

  /// Where the bytes of a key stand in `bytes`.
  @inline(__always)
  func range(ofKeyAt index: Int) -> Range<Int> { (index == 0 ? 0 : ends[index - 1])..<ends[index] }

  func key(at index: Int) -> [UInt8] { Array(bytes[range(ofKeyAt: index)]) }

  /// The first key that an interval contains.
  ///
  /// - Complexity: logarithmic.
  func firstIndex(in interval: KeyInterval) -> Int? {
    let index = KeyOrder.partition(0..<names.count) { index in
      let keyspace = names[index].keyspace
      if keyspace != interval.keyspace { return keyspace < interval.keyspace }
      return KeyOrder.precedes(bytes.span.extracting(range(ofKeyAt: index)), interval.lower.span)
    }
    guard index < names.count, names[index].keyspace == interval.keyspace else { return nil }
    guard let upper = interval.upper else { return index }
    return KeyOrder.precedes(bytes.span.extracting(range(ofKeyAt: index)), upper.span)
      ? index : nil
  }
}
