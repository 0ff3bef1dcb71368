import Foundation
import KeyCoding
import Seeds
import Testing

/// What must hold of every shape of tuple, on random values of it.
@Suite struct `Random tuples` {
  private func check<each Element: Sample>(
    _ shape: KeyTuple<repeat each Element>.Type, count: Int = 250
  ) throws {
    var chance = SplitMix(Seed.take(for: "\(shape)"))
    let samples = try (0..<count).map { _ in
      let tuple = shape.random(&chance)
      let bytes = tuple.keyBytes
      // K3: what is decoded is the same key, and has the same bytes.
      let decoded = try shape.init(keyBytes: bytes)
      #expect(decoded.order(tuple) == 0)
      #expect(decoded.keyBytes == bytes)
      return (tuple, bytes)
    }
    for (left, leftBytes) in samples {
      for (right, rightBytes) in samples {
        // K1, and that equal keys are those with equal bytes.
        let order = left.order(right)
        let byteOrder =
          leftBytes == rightBytes ? 0 : leftBytes.lexicographicallyPrecedes(rightBytes) ? -1 : 1
        guard order == byteOrder else {
          Issue.record("\(left) and \(right): \(order), but \(leftBytes) and \(rightBytes)")
          return
        }
        // K2: no element begins with 255, so what is under a tuple ends before that.
        if order != 0, rightBytes.starts(with: leftBytes) {
          guard rightBytes[leftBytes.count] == 255 else {
            Issue.record("\(leftBytes) is continued by \(rightBytes)")
            return
          }
        }
      }
    }
    // K4: bytes that lie are refused, or are the very encoding of what they were read as.
    for _ in 0..<count {
      var bytes = samples.randomElement(using: &chance)?.1 ?? []
      for _ in 0..<Int.random(in: 1...3, using: &chance) { Self.damage(&bytes, &chance) }
      do {
        #expect(try shape.init(keyBytes: bytes).keyBytes == bytes)
      } catch {
        #expect(error.offset <= bytes.count && !error.description.isEmpty)
      }
    }
  }

  private static func damage(_ bytes: inout [UInt8], _ chance: inout SplitMix) {
    let position = Int.random(in: 0...bytes.count, using: &chance)
    let byte = [0, 1, 2, 5, 0x14, 0x21, 0x40, 0xFF, UInt8.random(in: 0 ... .max, using: &chance)]
      .randomElement(using: &chance)
    switch Int.random(in: 0..<3, using: &chance) {
    case 0 where position < bytes.count: bytes.remove(at: position)
    case 1 where position < bytes.count: bytes[position] = byte ?? 0
    default: bytes.insert(byte ?? 0, at: position)
    }
  }

  @Test func `of integers of all widths`() throws {
    try check(KeyTuple<Int, Int>.self)
    try check(KeyTuple<Int8, UInt16>.self)
    try check(KeyTuple<Int64, UInt64>.self)
  }

  @Test func `of numbers with fractions`() throws {
    try check(KeyTuple<Double, Float>.self)
    try check(KeyTuple<Date>.self)
  }

  @Test func `of texts and bytes`() throws {
    try check(KeyTuple<String, String>.self)
    try check(KeyTuple<[UInt8], Int?>.self)
    try check(KeyTuple<Data, Bool>.self)
    try check(KeyTuple<UUID, String>.self)
  }

  @Test func `of optionals, and optionals of optionals`() throws {
    try check(KeyTuple<String?, Int?>.self)
    try check(KeyTuple<Int??, String?>.self)
    try check(KeyTuple<[UInt8]???>.self)
  }

  @Test func `within tuples`() throws {
    try check(KeyTuple<KeyTuple<String, Int?>, String>.self)
    try check(KeyTuple<KeyTuple<KeyTuple<[UInt8]?>?, String>?, Int?>.self)
    try check(KeyTuple<KeyTuple<>, KeyTuple<Int?>>.self)
  }

  @Test func `that descend`() throws {
    try check(KeyTuple<Descending<String>, Int>.self)
    try check(KeyTuple<String, Descending<Int?>, String?>.self)
    try check(KeyTuple<Descending<KeyTuple<[UInt8], String?>>, Int?>.self)
    try check(KeyTuple<Descending<Descending<String>>, String?>.self)
    try check(KeyTuple<Descending<[UInt8]>?, Descending<Double>>.self)
  }

  @Test func `that begin others sort directly before all of those`() throws {
    var chance = SplitMix(Seed.take(for: "prefixes"))
    for _ in 0..<2_000 {
      let short = KeyTuple<String, [UInt8]?>.random(&chance)
      let long = KeyTuple(short.elements.0, short.elements.1, Int?.random(&chance))
      let other = KeyTuple<String, [UInt8]?>.random(&chance)
      let (lower, upper) = (short.keyBytes, short.keyBytes + [255])
      #expect(lower.lexicographicallyPrecedes(long.keyBytes))
      #expect(long.keyBytes.lexicographicallyPrecedes(upper))
      if other.order(short) > 0 { #expect(upper.lexicographicallyPrecedes(other.keyBytes)) }
      if other.order(short) < 0 { #expect(other.keyBytes.lexicographicallyPrecedes(lower)) }
    }
  }
}

@Suite struct `A key` {
  // Not private: the name of a private type is another in release builds.
  enum Color: String, KeyElement {
    case red, green
  }

  @Test func `of an enumeration is its raw value's`() throws {
    #expect(KeyTuple(Color.red).keyBytes == KeyTuple("red").keyBytes)
    let tuple = try KeyTuple<Color, Int>(keyBytes: KeyTuple("green", 7).keyBytes)
    #expect(tuple == KeyTuple(Color.green, 7))
    #expect(throws: KeyDecodingError(offset: 0, reason: .noValue(of: "Color"))) {
      try KeyTuple<Color>(keyBytes: KeyTuple("blue").keyBytes)
    }
  }

  @Test func `is found by any integer type, and by no other type`() throws {
    #expect(KeyTuple(UInt8(200)).keyBytes == KeyTuple(200).keyBytes)
    #expect(KeyTuple(200.0).keyBytes != KeyTuple(200).keyBytes)
    #expect(throws: KeyDecodingError(offset: 0, reason: .outOfRange(type: "Int8"))) {
      try KeyTuple<Int8>(keyBytes: KeyTuple(200).keyBytes)
    }
    #expect(throws: KeyDecodingError(offset: 0, reason: .outOfRange(type: "UInt64"))) {
      try KeyTuple<UInt>(keyBytes: KeyTuple(-1).keyBytes)
    }
  }

  @Test func `has one zero and one NaN`() {
    #expect(KeyTuple(-0.0).keyBytes == KeyTuple(0.0).keyBytes)
    #expect(KeyTuple(Float(-0.0)).keyBytes == KeyTuple(Float(0)).keyBytes)
    #expect(KeyTuple(-Double.nan).keyBytes == KeyTuple(Double.signalingNaN).keyBytes)
    #expect(
      KeyTuple(Double.infinity).keyBytes.lexicographicallyPrecedes(KeyTuple(Double.nan).keyBytes))
  }

  @Test func `says what is wrong with it, and where`() {
    func error(_ bytes: [UInt8]) -> String {
      do {
        _ = try KeyTuple<String, Int>(keyBytes: bytes)
        return ""
      } catch {
        return error.description
      }
    }
    let start = "not the key expected, at byte "
    #expect(error([]) == start + "0: the key ends where a String is expected")
    #expect(error([0x15, 1]) == start + "0: an integer where a String is expected")
    #expect(error([2, 0x61, 0]) == start + "3: the key ends where an integer is expected")
    #expect(
      error([2, 0x61, 0, 0x14, 0x14]) == start + "4: 1 bytes after the last element")
    #expect(error([2, 0xFF, 0, 0x14]) == start + "0: a string that is not UTF-8")
    #expect(
      error([2, 0, 0x16, 0, 5])
        == start + "2: an integer of fewer bytes, which is encoded otherwise")
  }

  @Test func `is appended to memory that grows`() throws {
    let long = String(repeating: "long\0", count: 300)
    let bytes = try KeyEncoder.withEncoder { encoder in
      for index in 0..<50 { KeyTuple(long, index).encodeElements(into: &encoder) }
      return encoder.bytes
    }
    #expect(bytes == (0..<50).flatMap { KeyTuple(long, $0).keyBytes })
  }
}
