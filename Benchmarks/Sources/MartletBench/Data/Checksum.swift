/// A sum over consumed bytes that proves that every engine returned the same records.
///
/// Each run of bytes is folded to a word that depends on every byte and its place; words are added
/// up, so the total does not depend on the order in which threads or engines visit records.
/// Folding 100 bytes costs some 5 ns, for every engine alike.
struct Checksum: Sendable, Equatable {
  private(set) var total: UInt64 = 0
  private(set) var count = 0

  /// Consumes the value of a point read.
  @inline(__always)
  mutating func add(_ value: RawSpan) {
    total &+= SeededGenerator.mix(Self.fold(value))
    count &+= 1
  }

  /// Consumes a record met by a scan.
  @inline(__always)
  mutating func add(key: RawSpan, value: RawSpan) {
    total &+= SeededGenerator.mix(Self.fold(key) &* 31 &+ Self.fold(value))
    count &+= 1
  }

  mutating func add(_ other: Checksum) {
    total &+= other.total
    count &+= other.count
  }

  /// A sum of words, each weighted by its place: independent products, so that they overlap.
  @inline(__always)
  private static func fold(_ bytes: RawSpan) -> UInt64 {
    var weight: UInt64 = 0x9E37_79B9_7F4A_7C15
    var sum = UInt64(truncatingIfNeeded: bytes.byteCount)
    var offset = 0
    // SAFETY: each load ends at or before `byteCount`, by the condition of its loop.
    while offset &+ 8 <= bytes.byteCount {
      let word = unsafe bytes.unsafeLoadUnaligned(
        fromUncheckedByteOffset: offset, as: UInt64.self)
      sum &+= word &* weight
      weight &+= 0xD1B5_4A32_D192_ED04
      offset &+= 8
    }
    while offset < bytes.byteCount {
      let byte = unsafe bytes.unsafeLoad(fromUncheckedByteOffset: offset, as: UInt8.self)
      sum &+= UInt64(truncatingIfNeeded: byte) &* weight
      weight &+= 0xD1B5_4A32_D192_ED04
      offset &+= 1
    }
    return sum
  }
}
