import Foundation
import KeyCoding
import Testing

/// The examples of FoundationDB's tuple specification, and those that its bindings are tested with,
/// as far as the types are the same.
@Suite struct `Published examples` {
  private func expect<each Element: KeyElement & Equatable>(
    _ tuple: KeyTuple<repeat each Element>, _ bytes: [UInt8],
    at location: SourceLocation = #_sourceLocation
  ) throws {
    #expect(tuple.keyBytes == bytes, sourceLocation: location)
    let decoded = try KeyTuple<repeat each Element>(keyBytes: bytes)
    #expect(decoded == tuple, sourceLocation: location)
  }

  private func text(_ string: String) -> [UInt8] { Array(string.utf8) }

  @Test func `of the specification are encoded as it says`() throws {
    try expect(
      KeyTuple(text("foo\0bar")), [1] + text("foo") + [0, 0xFF] + text("bar") + [0])
    try expect(
      KeyTuple("F\u{d4}O\0bar"),
      [2, 0x46, 0xC3, 0x94, 0x4F, 0, 0xFF] + text("bar") + [0])
    try expect(
      KeyTuple(KeyTuple(text("foo\0bar"), Int?.none, KeyTuple())),
      [5, 1] + text("foo") + [0, 0xFF] + text("bar") + [0, 0, 0xFF, 5, 0, 0])
    try expect(KeyTuple(-5_551_212), [0x11, 0xAB, 0x4B, 0x93])
    try expect(KeyTuple(Float(-42)), [0x20, 0x3D, 0xD7, 0xFF, 0xFF])
  }

  @Test func `of integers are encoded as by other bindings`() throws {
    try expect(KeyTuple(), [])
    try expect(KeyTuple(0), [0x14])
    try expect(KeyTuple(1), [0x15, 1])
    try expect(KeyTuple(-1), [0x13, 0xFE])
    try expect(KeyTuple(255), [0x15, 0xFF])
    try expect(KeyTuple(-255), [0x13, 0])
    try expect(KeyTuple(256), [0x16, 1, 0])
    try expect(KeyTuple(-256), [0x12, 0xFE, 0xFF])
    try expect(KeyTuple(65_536), [0x17, 1, 0, 0])
    try expect(KeyTuple(-65_536), [0x11, 0xFE, 0xFF, 0xFF])
    try expect(KeyTuple(Int64.max), [0x1C, 0x7F] + Array(repeating: 0xFF, count: 7))
    try expect(KeyTuple(UInt64(1) << 63), [0x1C, 0x80, 0, 0, 0, 0, 0, 0, 0])
    try expect(KeyTuple(UInt64.max), [0x1C] + Array(repeating: 0xFF, count: 8))
    try expect(KeyTuple(1 - 1 << 32), [0x10, 0, 0, 0, 0])
    try expect(KeyTuple(Int64.min + 2), [0x0C, 0x80, 0, 0, 0, 0, 0, 0, 1])
    try expect(KeyTuple(Int64.min + 1), [0x0C, 0x80, 0, 0, 0, 0, 0, 0, 0])
    try expect(KeyTuple(Int64.min), [0x0C, 0x7F] + Array(repeating: 0xFF, count: 7))
    try expect(KeyTuple(Int16(0x3019)), [0x16, 0x30, 0x19])
    try expect(KeyTuple(Int8(3)), [0x15, 3])
  }

  @Test func `of numbers with fractions are encoded as by other bindings`() throws {
    try expect(KeyTuple(Float(3.14)), [0x20, 0xC0, 0x48, 0xF5, 0xC3])
    try expect(KeyTuple(Float(-3.14)), [0x20, 0x3F, 0xB7, 0x0A, 0x3C])
    try expect(KeyTuple(3.14), [0x21, 0xC0, 0x09, 0x1E, 0xB8, 0x51, 0xEB, 0x85, 0x1F])
    try expect(KeyTuple(-3.14), [0x21, 0x3F, 0xF6, 0xE1, 0x47, 0xAE, 0x14, 0x7A, 0xE0])
    try expect(KeyTuple(Float(0)), [0x20, 0x80, 0, 0, 0])
    try expect(KeyTuple(0.0), [0x21, 0x80, 0, 0, 0, 0, 0, 0, 0])
    try expect(KeyTuple(Float.infinity), [0x20, 0xFF, 0x80, 0, 0])
    try expect(KeyTuple(-Float.infinity), [0x20, 0, 0x7F, 0xFF, 0xFF])
    try expect(KeyTuple(Double.infinity), [0x21, 0xFF, 0xF0, 0, 0, 0, 0, 0, 0])
    try expect(KeyTuple(-Double.infinity), [0x21, 0, 0x0F, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF])
  }

  @Test func `of texts, bytes and tuples are encoded as by other bindings`() throws {
    try expect(KeyTuple([UInt8]()), [1, 0])
    try expect(KeyTuple([1, 2, 3] as [UInt8]), [1, 1, 2, 3, 0])
    try expect(KeyTuple([0, 0, 0, 4] as [UInt8]), [1, 0, 0xFF, 0, 0xFF, 0, 0xFF, 4, 0])
    try expect(KeyTuple(Data([1, 2, 3])), [1, 1, 2, 3, 0])
    try expect(KeyTuple(""), [2, 0])
    try expect(KeyTuple("hello"), [2] + text("hello") + [0])
    try expect(KeyTuple("\u{4e2d}\u{6587}"), [2, 0xE4, 0xB8, 0xAD, 0xE6, 0x96, 0x87, 0])
    try expect(KeyTuple("\u{1f525}"), [2, 0xF0, 0x9F, 0x94, 0xA5, 0])
    try expect(KeyTuple("\u{10ffff}"), [2, 0xF4, 0x8F, 0xBF, 0xBF, 0])
    try expect(KeyTuple(KeyTuple(Int?.none)), [5, 0, 0xFF, 0])
    try expect(
      KeyTuple(KeyTuple(Int?.none, "hell\0")), [5, 0, 0xFF, 2] + text("hell") + [0, 0xFF, 0, 0])
    try expect(
      KeyTuple(KeyTuple(Int?.none), "hello", [1, 0] as [UInt8], [UInt8]()),
      [5, 0, 0xFF, 0, 2] + text("hello") + [0, 1, 1, 0, 0xFF, 0, 1, 0])
    try expect(KeyTuple(false, true), [0x26, 0x27])
    let uuid = try #require(UUID(uuidString: "FFFFFFFF-BA5E-BA11-0000-00005CA1AB1E"))
    try expect(
      KeyTuple(uuid),
      [0x30, 0xFF, 0xFF, 0xFF, 0xFF, 0xBA, 0x5E, 0xBA, 0x11, 0, 0, 0, 0, 0x5C, 0xA1, 0xAB, 0x1E])
  }

  @Test func `of malformed tuples are refused by every type`() {
    let malformed: [[UInt8]] = [
      [1, 0xDE, 0xAD, 0xC0, 0xDE], [1, 0xDE, 0xAD, 0, 0xFF, 0xC0, 0xDE], [2] + text("hello"),
      [2] + text("hel") + [0, 0xFF] + text("lo"), [2] + text("utf") + [8, 0x80, 0],
      [2] + text("utf") + [8, 0xC0, 1, 0], [2] + text("utf") + [0x10, 0xED, 0xA0, 0xBD, 0],
      [2] + text("utf") + [0x10, 0xED, 0xB4, 0xA5, 0],
      [2] + text("utf") + [0x10, 0xED, 0xA0, 0xBD, 0xED, 0xB4, 0xA5, 0],
      [5, 2] + text("hello") + [0],
      [5, 2] + text("hello") + [0, 0, 0xFF, 2] + text("there") + [0], [0x16, 1], [0x12, 1],
      [0x1D, 9, 1, 2, 3, 4, 5, 6, 7, 8], [0x0B, 0xF6, 1, 2, 3, 4, 5, 6, 7, 8],
      [0x20, 1, 2, 3], [0x21, 1, 2, 3, 4, 5, 6, 7],
      [0x30, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14], [0xFF],
    ]
    func refuses<Element: KeyElement>(_ type: Element.Type, _ bytes: [UInt8]) {
      #expect(throws: KeyDecodingError.self, "\(bytes) as \(type)") {
        try KeyTuple<Element>(keyBytes: bytes)
      }
    }
    for bytes in malformed {
      refuses([UInt8].self, bytes)
      refuses(String.self, bytes)
      refuses(KeyTuple<String>.self, bytes)
      refuses(KeyTuple<String, Int?, String>.self, bytes)
      refuses(Int.self, bytes)
      refuses(Float.self, bytes)
      refuses(Double.self, bytes)
      refuses(UUID.self, bytes)
    }
  }

  /// Where this encoding differs from the specification: it has one encoding a value.
  @Test func `of second encodings are refused`() {
    #expect(throws: KeyDecodingError.self) {
      try KeyTuple<Double>(
        keyBytes: ([0x21, 0x7F] + Array(repeating: 0xFF, count: 7)))
    }
    #expect(throws: KeyDecodingError.self) {
      try KeyTuple<Float>(keyBytes: ([0x20, 0xFF, 0xFF, 0xFF, 0xFF] as [UInt8]))
    }
    #expect(throws: KeyDecodingError.self) {
      try KeyTuple<Int>(keyBytes: ([0x15, 0] as [UInt8]))
    }
  }
}
