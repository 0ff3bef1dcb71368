package import RawBytes

/// A hash of everything that a state machine has applied, in order: equal at equal slots in all
/// replicas of a group, or one of them has gone astray. The same function tells the chunks of an
/// image apart.
///
/// Stored and sent, so its definition stays: words of eight bytes, little-endian, the last one
/// filled up with zeros, then the count of bytes; each is xored in, multiplied by an odd constant and
/// folded. It finds accidents and no forgeries. Normative: `format-spec/replicated-state.md`.
package struct StateHash: Hashable, Sendable, BitwiseCopyable {
  package private(set) var value: UInt64

  /// Of a new group.
  package static let founding = StateHash(0x4D41_5254_4C45_5401)

  package init(_ value: UInt64) { self.value = value }

  package mutating func mix(_ word: UInt64) {
    value = (value ^ word) &* 0x9E37_79B9_7F4A_7C15
    value ^= value >> 29
  }

  package mutating func mix(_ bytes: ByteView) {
    var offset = 0
    while offset &+ 8 <= bytes.count {
      mix(bytes.load(UInt64.self, at: offset))
      offset &+= 8
    }
    if offset < bytes.count {
      var last: UInt64 = 0
      for index in stride(from: bytes.count - 1, through: offset, by: -1) {
        last = last << 8 | UInt64(bytes[index])
      }
      mix(last)
    }
    mix(UInt64(bytes.count))
  }

  /// The hash of one piece of bytes by itself.
  package static func of(_ bytes: ByteView) -> StateHash {
    var hash = founding
    hash.mix(bytes)
    return hash
  }
}
