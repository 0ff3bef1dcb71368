import Foundation
import KeyCoding
import Seeds

/// An element type with a source of values and an order of its own, against which the order of the
/// encodings is held.
protocol Sample: KeyElement {
  static func random(_ chance: inout SplitMix) -> Self
  /// Below zero when this sorts before the other, zero when they are one key.
  func order(_ other: Self) -> Int
}

func order<Value: Comparable>(of left: Value, _ right: Value) -> Int {
  left < right ? -1 : left > right ? 1 : 0
}

private func lexicographic(_ left: [UInt8], _ right: [UInt8]) -> Int {
  left.lexicographicallyPrecedes(right) ? -1 : right.lexicographicallyPrecedes(left) ? 1 : 0
}

extension FixedWidthInteger where Self: Sample {
  /// Of all magnitudes, and often at the edges of a byte count.
  static func random(_ chance: inout SplitMix) -> Self {
    let bits =
      Self(truncatingIfNeeded: chance.next()) >> Int.random(in: 0..<bitWidth, using: &chance)
    return bits &+ Self(truncatingIfNeeded: Int.random(in: -1...1, using: &chance))
  }

  func order(_ other: Self) -> Int { KeyCodingTests.order(of: self, other) }
}

extension Int: Sample {}
extension Int8: Sample {}
extension Int64: Sample {}
extension UInt16: Sample {}
extension UInt64: Sample {}

extension Double: Sample {
  static func random(_ chance: inout SplitMix) -> Double {
    let special: [Double] = [
      0, -0.0, .infinity, -.infinity, .nan, -.nan, .leastNonzeroMagnitude, 1,
    ]
    if Bool.random(using: &chance) { return special.randomElement(using: &chance) ?? 0 }
    return Double(bitPattern: chance.next())
  }

  func order(_ other: Double) -> Int {
    if isNaN || other.isNaN { return KeyCodingTests.order(of: isNaN ? 1 : 0, other.isNaN ? 1 : 0) }
    return KeyCodingTests.order(of: self, other)
  }
}

extension Float: Sample {
  static func random(_ chance: inout SplitMix) -> Float { Float(Double.random(&chance)) }

  func order(_ other: Float) -> Int { Double(self).order(Double(other)) }
}

extension Bool: Sample {
  static func random(_ chance: inout SplitMix) -> Bool { Bool.random(using: &chance) }

  func order(_ other: Bool) -> Int { KeyCodingTests.order(of: self ? 1 : 0, other ? 1 : 0) }
}

extension String: Sample {
  static func random(_ chance: inout SplitMix) -> String {
    let pieces = ["\0", "a", "b", "\u{1}", "é", "\u{ff}", "\u{ffff}", "🔥", "7"]
    return (0..<Int.random(in: 0...4, using: &chance))
      .map { _ in pieces.randomElement(using: &chance) ?? "" }.joined()
  }

  func order(_ other: String) -> Int { lexicographic(Array(utf8), Array(other.utf8)) }
}

extension [UInt8]: Sample {
  static func random(_ chance: inout SplitMix) -> [UInt8] {
    let choices: [UInt8] = [0, 0, 1, 0x61, 0xFE, 0xFF]
    return (0..<Int.random(in: 0...4, using: &chance))
      .map { _ in choices.randomElement(using: &chance) ?? 0 }
  }

  func order(_ other: [UInt8]) -> Int { lexicographic(self, other) }
}

extension Data: Sample {
  static func random(_ chance: inout SplitMix) -> Data { Data([UInt8].random(&chance)) }

  func order(_ other: Data) -> Int { lexicographic([UInt8](self), [UInt8](other)) }
}

extension UUID: Sample {
  static func random(_ chance: inout SplitMix) -> UUID { UUID.random(using: &chance) }

  func order(_ other: UUID) -> Int { KeyCodingTests.order(of: uuidString, other.uuidString) }
}

extension Date: Sample {
  static func random(_ chance: inout SplitMix) -> Date {
    let seconds = Double.random(&chance)
    return Date(timeIntervalSinceReferenceDate: seconds.isNaN ? 0 : seconds)
  }

  func order(_ other: Date) -> Int {
    timeIntervalSinceReferenceDate.order(other.timeIntervalSinceReferenceDate)
  }
}

extension Optional: Sample where Wrapped: Sample {
  static func random(_ chance: inout SplitMix) -> Wrapped? {
    Int.random(in: 0..<4, using: &chance) == 0 ? nil : .some(Wrapped.random(&chance))
  }

  func order(_ other: Wrapped?) -> Int {
    guard let left = self else { return other == nil ? 0 : -1 }
    guard let right = other else { return 1 }
    return left.order(right)
  }
}

extension Descending: Sample where Element: Sample {
  static func random(_ chance: inout SplitMix) -> Descending { Descending(.random(&chance)) }

  func order(_ other: Descending) -> Int { other.element.order(element) }
}

extension KeyTuple: Sample where repeat each Element: Sample {
  static func random(_ chance: inout SplitMix) -> KeyTuple {
    KeyTuple(repeat (each Element).random(&chance))
  }

  func order(_ other: KeyTuple) -> Int {
    for (left, right) in repeat (each elements, each other.elements) {
      let order = left.order(right)
      if order != 0 { return order }
    }
    return 0
  }
}

extension UUID {
  static func random(using chance: inout SplitMix) -> UUID {
    let (a, b) = (chance.next(), chance.next())
    func byte(_ bits: UInt64, _ index: UInt64) -> UInt8 {
      UInt8(truncatingIfNeeded: bits >> (8 * index))
    }
    return UUID(
      uuid: (
        byte(a, 0), byte(a, 1), byte(a, 2), byte(a, 3), byte(a, 4), byte(a, 5), byte(a, 6),
        byte(a, 7), byte(b, 0), byte(b, 1), byte(b, 2), byte(b, 3), byte(b, 4), byte(b, 5),
        byte(b, 6), byte(b, 7)
      ))
  }
}
