internal import RawBytes

/// A value by its recipe: the same recipe gives the same bytes, and histories keep hashes only.
package struct TortureValue: Sendable, Hashable {
  package let seed: UInt64
  package let byteCount: Int

  package init(seed: UInt64, byteCount: Int) {
    self.seed = seed
    self.byteCount = byteCount
  }

  /// The bytes. Half of them repeat, so that compression has something to do.
  package var bytes: [UInt8] {
    var generator = ScriptGenerator(seed: seed)
    var bytes: [UInt8] = []
    bytes.reserveCapacity(byteCount + 16)
    while bytes.count < byteCount {
      let word = generator.next()
      for shift in stride(from: 0, to: 64, by: 8) {
        bytes.append(UInt8(truncatingIfNeeded: word >> UInt64(shift)))
      }
      bytes.append(contentsOf: repeatElement(UInt8(truncatingIfNeeded: word), count: 8))
    }
    bytes.removeLast(bytes.count - byteCount)
    return bytes
  }

  /// A counter as it is stored: eight bytes, little-endian.
  package static func bytes(ofCounter counter: Int) -> [UInt8] {
    (0..<8).map { UInt8(truncatingIfNeeded: counter >> ($0 * 8)) }
  }

  /// The counter that these bytes are; nil when they are none.
  package static func counter(ofBytes bytes: [UInt8]) -> Int? {
    guard bytes.count == 8 else { return nil }
    return bytes.withByteView { Int(truncatingIfNeeded: $0.load(UInt64.self, at: 0)) }
  }

  /// A set of one-byte elements as `format-spec/merged-values.md` stores it.
  package static func bytes(ofSet elements: Set<UInt8>) -> [UInt8] {
    elements.sorted().flatMap { [1, $0] }
  }

  /// The elements of such a set.
  package static func elements(ofSet bytes: [UInt8]) -> Set<UInt8> {
    Set(stride(from: 1, to: bytes.count, by: 2).map { bytes[$0] })
  }

  /// The counter that these bytes are; nil when they are none.
  package static func counter(_ bytes: RawSpan) -> Int? {
    guard bytes.byteCount == 8 else { return nil }
    return bytes.withByteView { Int(truncatingIfNeeded: $0.load(UInt64.self, at: 0)) }
  }

  package static func hash(_ bytes: [UInt8]) -> UInt64 {
    bytes.withByteView { Hash64.hash($0, seed: 0) }
  }

  package static func hash(_ bytes: RawSpan) -> UInt64 {
    bytes.withByteView { Hash64.hash($0, seed: 0) }
  }

  package static func hash(ofCounter counter: Int) -> UInt64 { hash(bytes(ofCounter: counter)) }
}

/// Keys are numbers in decimal, wide enough to sort as numbers do.
///
/// Behind those that sessions set there are some that they merge into: counters, texts and sets.
package enum TortureKey {
  package static let counterCount = 4
  package static let textCount = 2
  package static let setCount = 2
  /// How many of all three kinds.
  package static let mergedCount = counterCount + textCount + setCount

  package static func bytes(_ number: Int) -> [UInt8] {
    var digits = Array(String(number).utf8)
    digits.insert(
      contentsOf: repeatElement(UInt8(ascii: "0"), count: max(0, 6 - digits.count)), at: 0)
    return Array("key/".utf8) + digits
  }

  /// Nil for a key that no run writes.
  package static func number(_ bytes: RawSpan) -> Int? {
    guard bytes.byteCount == 10 else { return nil }
    return bytes.withByteView { view in
      var number = 0
      for (index, expected) in "key/".utf8.enumerated() where view[index] != expected { return nil }
      for index in 4..<10 {
        guard (48...57).contains(view[index]) else { return nil }
        number = number * 10 + Int(view[index] - 48)
      }
      return number
    }
  }
}
