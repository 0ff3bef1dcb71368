#if canImport(Darwin)
  internal import Darwin
#elseif canImport(Glibc)
  internal import Glibc
#elseif canImport(Musl)
  internal import Musl
#endif
package import RawBytes

/// The order of keys: bytewise, a prefix before what it begins.
///
/// Safe on bytes that change meanwhile: the answer may then be wrong, never a trap.
package enum KeyOrder {
  /// The first four bytes as a number, padded with zeros: its order is the order of keys, up to
  /// ties.
  // SAFETY: reads inside `bytes`. False if the view is.
  @inline(__always)
  package static func head(_ bytes: ByteView) -> UInt32 {
    if bytes.count >= 4 { return unsafe bytes.base.loadUnaligned(as: UInt32.self).bigEndian }
    var head: UInt32 = 0
    var index = 0
    while index < bytes.count {
      let byte = unsafe bytes.base.load(fromByteOffset: index, as: UInt8.self)
      head |= UInt32(byte) << UInt32(truncatingIfNeeded: 24 &- 8 &* index)
      index &+= 1
    }
    return head
  }

  /// Negative when `left` comes first, zero when they are equal.
  // SAFETY: reads inside the views. False if the views are.
  @inline(__always)
  package static func compare(_ left: ByteView, _ right: ByteView) -> Int {
    let count = left.count < right.count ? left.count : right.count
    if count >= 16 {
      let order = unsafe memcmp(left.base, right.base, count)
      return order != 0 ? Int(order) : left.count &- right.count
    }
    var index = 0
    if count >= 8 {
      let one = unsafe left.base.loadUnaligned(as: UInt64.self).bigEndian
      let other = unsafe right.base.loadUnaligned(as: UInt64.self).bigEndian
      if one != other { return one < other ? -1 : 1 }
      index = 8
    }
    if count &- index >= 4 {
      let one = unsafe left.base.loadUnaligned(fromByteOffset: index, as: UInt32.self).bigEndian
      let other = unsafe right.base.loadUnaligned(fromByteOffset: index, as: UInt32.self).bigEndian
      if one != other { return one < other ? -1 : 1 }
      index &+= 4
    }
    while index < count {
      let one = unsafe left.base.load(fromByteOffset: index, as: UInt8.self)
      let other = unsafe right.base.load(fromByteOffset: index, as: UInt8.self)
      if one != other { return one < other ? -1 : 1 }
      index &+= 1
    }
    return left.count &- right.count
  }

  /// How many bytes of `right` suffice to stand above `left` and not above `right`.
  /// Requires `left < right`.
  package static func separatorCount(_ left: ByteView, _ right: ByteView) -> Int {
    Swift.min(left.commonPrefixCount(right) + 1, right.count)
  }
}
