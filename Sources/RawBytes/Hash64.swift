/// A fast 64-bit hash of bytes for tables in memory: never stored, so it may change.
///
/// Built on 64x64 -> 128 bit multiplication folded in half, the construction of wyhash (Wang Yi).
package enum Hash64 {
  @usableFromInline static let a: UInt64 = 0xa076_1d64_78bd_642f
  @usableFromInline static let b: UInt64 = 0xe703_7ed1_a0b4_28db

  @inlinable package static func fold(_ left: UInt64, _ right: UInt64) -> UInt64 {
    let product = left.multipliedFullWidth(by: right)
    return product.high ^ product.low
  }

  /// The hash of some bytes under a seed.
  @inlinable package static func hash(_ bytes: ByteView, seed: UInt64) -> UInt64 {
    var state = seed ^ a
    var offset = 0
    let count = bytes.count
    while offset &+ 16 <= count {
      state = fold(
        bytes.load(UInt64.self, at: offset) ^ b, bytes.load(UInt64.self, at: offset &+ 8) ^ state)
      offset &+= 16
    }
    var low: UInt64 = 0
    var high: UInt64 = 0
    let rest = count &- offset
    if rest >= 8 {
      low = bytes.load(UInt64.self, at: offset)
      if rest > 8 { high = bytes.load(UInt64.self, at: count &- 8) }
    } else if rest >= 4 {
      low = UInt64(bytes.load(UInt32.self, at: offset))
      high = UInt64(bytes.load(UInt32.self, at: count &- 4))
    } else {
      var index = offset
      while index < count {
        low = low << 8 | UInt64(bytes[index])
        index &+= 1
      }
    }
    return fold(fold(low ^ b, high ^ state), UInt64(truncatingIfNeeded: count) ^ a)
  }
}
