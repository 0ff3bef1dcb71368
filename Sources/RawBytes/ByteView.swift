#if canImport(Darwin)
  public import Darwin
#elseif canImport(Glibc)
  public import Glibc
#elseif canImport(Musl)
  public import Musl
#endif

/// Bytes that someone else owns: the currency in which keys and values travel inside the engine.
///
/// A `ByteView` is a pointer and a count, free to copy and to pass on. Whoever makes one keeps
/// the memory alive and unchanged for as long as it is used; whoever takes one as a parameter
/// uses it only until the call returns. That contract is the fence: everything behind it is
/// bounds-checked.
///
/// - Invariant B1: every access lies inside `0..<count`, or the process traps.
// SAFETY: the pointer is only dereferenced inside `0..<count`. False if a maker lets the memory go
// or lets it change while the view is in use.
@safe
@frozen
@usableFromInline
package struct ByteView: BitwiseCopyable, @unchecked Sendable {
  // SENDABLE: a view carries no ownership; its maker orders the accesses.
  @usableFromInline package let base: UnsafeRawPointer
  @usableFromInline package let count: Int

  @inlinable package init(base: UnsafeRawPointer, count: Int) {
    precondition(count >= 0)
    unsafe self.base = unsafe base
    self.count = count
  }

  @inlinable package init(_ buffer: UnsafeRawBufferPointer) {
    unsafe self.base =
      unsafe buffer.baseAddress ?? UnsafeRawPointer(bitPattern: 1).unsafelyUnwrapped
    self.count = buffer.count
  }

  /// No bytes.
  @inlinable package static var empty: ByteView {
    unsafe ByteView(base: UnsafeRawPointer(bitPattern: 1).unsafelyUnwrapped, count: 0)
  }

  @inlinable package var isEmpty: Bool { count == 0 }

  @inlinable package var buffer: UnsafeRawBufferPointer {
    @unsafe get { unsafe UnsafeRawBufferPointer(start: base, count: count) }
  }

  @inlinable package subscript(index: Int) -> UInt8 {
    precondition(index >= 0 && index < count)
    return unsafe base.load(fromByteOffset: index, as: UInt8.self)
  }

  /// The bytes of a half-open range.
  @inlinable package subscript(range: Range<Int>) -> ByteView {
    precondition(range.lowerBound >= 0 && range.upperBound <= count)
    return unsafe ByteView(base: base + range.lowerBound, count: range.count)
  }

  @inlinable package func dropFirst(_ byteCount: Int) -> ByteView { self[byteCount..<count] }

  @inlinable package func prefix(_ byteCount: Int) -> ByteView { self[0..<byteCount] }

  /// A little-endian integer at a byte offset, aligned or not.
  @inlinable package func load<Integer: FixedWidthInteger & BitwiseCopyable>(
    _ type: Integer.Type, at offset: Int
  ) -> Integer {
    precondition(offset >= 0 && offset &+ MemoryLayout<Integer>.size <= count)
    return unsafe Integer(littleEndian: base.loadUnaligned(fromByteOffset: offset, as: type))
  }

  /// Bytewise order: the order of keys.
  @inlinable package func compare(_ other: ByteView) -> Int {
    let order = unsafe memcmp(base, other.base, Swift.min(count, other.count))
    return order != 0 ? Int(order) : count - other.count
  }

  /// How many first bytes both have in common.
  @inlinable package func commonPrefixCount(_ other: ByteView) -> Int {
    let limit = Swift.min(count, other.count)
    var index = 0
    while index < limit,
      unsafe base.load(fromByteOffset: index, as: UInt8.self)
        == other.base.load(fromByteOffset: index, as: UInt8.self)
    { index &+= 1 }
    return index
  }

  /// Where a byte occurs first, at or after an offset.
  @inlinable package func firstIndex(of byte: UInt8, from offset: Int = 0) -> Int? {
    precondition(offset >= 0 && offset <= count)
    guard let place = unsafe memchr(base + offset, Int32(byte), count - offset) else { return nil }
    return unsafe UnsafeRawPointer(place) - base
  }

  /// Whether both lie at the same place.
  @inlinable package func isSameMemory(as other: ByteView) -> Bool {
    unsafe base == other.base && count == other.count
  }

  /// The text whose UTF-8 this is; nil when it is none.
  package var text: String? {
    let bytes = unsafe UnsafeBufferPointer(
      start: base.assumingMemoryBound(to: UInt8.self), count: count)
    // What is ASCII needs no further look, and takes the path of the library that is compiled.
    guard isASCII else { return unsafe String(validating: bytes, as: UTF8.self) }
    return unsafe String(decoding: bytes, as: UTF8.self)
  }

  private var isASCII: Bool {
    let bits: UInt64 = 0x8080_8080_8080_8080
    guard count >= 8 else {
      var all: UInt8 = 0
      for offset in 0..<count { all |= unsafe base.load(fromByteOffset: offset, as: UInt8.self) }
      return all < 128
    }
    // The last eight may be looked at twice.
    var all = load(UInt64.self, at: count - 8)
    var offset = 0
    while offset + 8 < count {
      all |= unsafe base.loadUnaligned(fromByteOffset: offset, as: UInt64.self)
      offset += 8
    }
    return all & bits == 0
  }

  /// A copy of its own.
  @inlinable package var array: [UInt8] { unsafe [UInt8](buffer) }
}

extension ByteView: Equatable {
  @inlinable package static func == (left: ByteView, right: ByteView) -> Bool {
    unsafe left.count == right.count && memcmp(left.base, right.base, left.count) == 0
  }
}

extension ByteView: Comparable {
  @inlinable package static func < (left: ByteView, right: ByteView) -> Bool {
    left.compare(right) < 0
  }
}

extension Array where Element == UInt8 {
  /// Lends the bytes for the length of a call.
  @inlinable package func withByteView<Result, Failure: Error>(
    _ body: (ByteView) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    try unsafe span.bytes.withByteView(body)
  }
}

extension RawSpan {
  /// Lends the bytes for the length of a call.
  @inlinable package func withByteView<Result, Failure: Error>(
    _ body: (ByteView) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    try unsafe withUnsafeBytes { (buffer: UnsafeRawBufferPointer) throws(Failure) -> Result in
      try unsafe body(ByteView(buffer))
    }
  }
}
