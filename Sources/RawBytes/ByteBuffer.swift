#if canImport(Darwin)
  public import Darwin
#elseif canImport(Glibc)
  public import Glibc
#elseif canImport(Musl)
  public import Musl
#endif

/// A growing buffer that encoders append to: integers little-endian, varints, bytes.
///
/// One owner, no copies on write, capacity kept when emptied; growth doubles. It may begin in memory
/// that is lent to it, such as some of the stack, and moves to the heap when that is full.
// SAFETY: `0..<count` is always initialised and inside the allocation. False if what was lent goes
// before the buffer does.
@safe
@usableFromInline
package struct ByteBuffer: ~Copyable, @unchecked Sendable {
  // SENDABLE: the buffer is its memory's only owner.
  @usableFromInline package internal(set) var base: UnsafeMutableRawPointer
  @usableFromInline package internal(set) var count: Int
  @usableFromInline package internal(set) var capacity: Int
  /// Whether the memory is the buffer's to free.
  private var isOwner = true

  package init(capacity: Int = 256) {
    self.capacity = Swift.max(capacity, 16)
    count = 0
    unsafe base = UnsafeMutableRawPointer.allocate(byteCount: self.capacity, alignment: 64)
  }

  /// A buffer that begins in lent memory.
  package init(borrowing memory: MutableByteView) {
    precondition(memory.count > 0)
    unsafe base = unsafe memory.base
    capacity = memory.count
    count = 0
    isOwner = false
  }

  deinit { if isOwner { unsafe base.deallocate() } }

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
    if isOwner { unsafe base.deallocate() }
    isOwner = true
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

  /// Appends the `byteCount` low bytes of an integer, the least significant first.
  @inlinable package mutating func append(_ value: UInt64, byteCount: Int) {
    precondition(byteCount >= 0 && byteCount <= 8)
    reserve(8)
    unsafe base.storeBytes(of: value.littleEndian, toByteOffset: count, as: UInt64.self)
    count += byteCount
  }

  /// Moves what lies at `offset` and after it, so that `byteCount` bytes fit there. They are zero.
  package mutating func insert(zeros byteCount: Int, at offset: Int) {
    precondition(offset >= 0 && offset <= count && byteCount >= 0)
    reserve(byteCount)
    unsafe memmove(base + offset + byteCount, base + offset, count - offset)
    unsafe memset(base + offset, 0, byteCount)
    count += byteCount
  }

  /// Inserts bytes before what lies at `offset`.
  package mutating func insert(_ bytes: ByteView, at offset: Int) {
    insert(zeros: bytes.count, at: offset)
    unsafe memcpy(base + offset, bytes.base, bytes.count)
  }

  /// Removes bytes; what lies behind them moves.
  package mutating func remove(_ range: Range<Int>) {
    precondition(range.lowerBound >= 0 && range.upperBound <= count)
    unsafe memmove(
      base + range.lowerBound, base + range.upperBound, count - range.upperBound)
    count -= range.count
  }

  package mutating func append(zeros byteCount: Int) {
    reserve(byteCount)
    unsafe memset(base + count, 0, byteCount)
    count += byteCount
  }
}
