#if canImport(Darwin)
  public import Darwin
#elseif canImport(Glibc)
  public import Glibc
#elseif canImport(Musl)
  public import Musl
#endif

/// A growing buffer that encoders append to: integers little-endian, varints, bytes.
///
/// One owner, no copies on write, capacity kept when emptied; growth doubles.
// SAFETY: `0..<count` is always initialised and inside the allocation.
@safe
@usableFromInline
package struct ByteBuffer: ~Copyable, @unchecked Sendable {
  // SENDABLE: the buffer is its memory's only owner.
  @usableFromInline package internal(set) var base: UnsafeMutableRawPointer
  @usableFromInline package internal(set) var count: Int
  @usableFromInline package internal(set) var capacity: Int

  package init(capacity: Int = 256) {
    self.capacity = Swift.max(capacity, 16)
    count = 0
    unsafe base = UnsafeMutableRawPointer.allocate(byteCount: self.capacity, alignment: 64)
  }

  deinit { unsafe base.deallocate() }

  /// What has been appended. Valid until the next change.
  @inlinable package var view: ByteView { unsafe ByteView(base: base, count: count) }

  /// What has been appended, to be patched. Valid until the next change.
  @inlinable package var mutableView: MutableByteView {
    unsafe MutableByteView(base: base, count: count)
  }

  @inlinable package mutating func removeAll() { count = 0 }

  /// Forgets everything after the first `newCount` bytes.
  @inlinable package mutating func truncate(to newCount: Int) {
    precondition(newCount >= 0 && newCount <= count)
    count = newCount
  }

  @inlinable package mutating func reserve(_ additional: Int) {
    guard count + additional > capacity else { return }
    grow(additional)
  }

  @inline(never) @usableFromInline
  mutating func grow(_ additional: Int) {
    var wanted = capacity
    while wanted < count + additional { wanted *= 2 }
    let bigger = UnsafeMutableRawPointer.allocate(byteCount: wanted, alignment: 64)
    unsafe memcpy(bigger, base, count)
    unsafe base.deallocate()
    unsafe base = unsafe bigger
    capacity = wanted
  }

  @inlinable package mutating func append(_ bytes: ByteView) {
    reserve(bytes.count)
    unsafe memcpy(base + count, bytes.base, bytes.count)
    count += bytes.count
  }

  @inlinable package mutating func append<Integer: FixedWidthInteger & BitwiseCopyable>(
    integer: Integer
  ) {
    reserve(MemoryLayout<Integer>.size)
    unsafe base.storeBytes(of: integer.littleEndian, toByteOffset: count, as: Integer.self)
    count += MemoryLayout<Integer>.size
  }

  /// Appends an unsigned LEB128 integer.
  @inlinable package mutating func append(varint value: UInt64) {
    reserve(10)
    var rest = value
    while rest >= 128 {
      unsafe base.storeBytes(
        of: UInt8(truncatingIfNeeded: rest) | 128, toByteOffset: count, as: UInt8.self)
      count += 1
      rest >>= 7
    }
    unsafe base.storeBytes(of: UInt8(rest), toByteOffset: count, as: UInt8.self)
    count += 1
  }

  /// Appends bytes preceded by their count as a varint.
  @inlinable package mutating func append(counted bytes: ByteView) {
    append(varint: UInt64(bytes.count))
    append(bytes)
  }

  package mutating func append(zeros byteCount: Int) {
    reserve(byteCount)
    unsafe memset(base + count, 0, byteCount)
    count += byteCount
  }
}
