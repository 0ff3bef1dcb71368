#if canImport(Darwin)
  public import Darwin
#elseif canImport(Glibc)
  public import Glibc
#elseif canImport(Musl)
  public import Musl
#endif

/// Bytes that someone else owns and that may be changed: a page under an exclusive latch, a
/// buffer being filled.
///
/// The contract is that of `ByteView`, and in addition whoever holds one is the only writer.
// SAFETY: the pointer is only dereferenced inside `0..<count`. False if a maker lets the memory go
// while the view is in use, or if two write at once.
@safe
@frozen
@usableFromInline
package struct MutableByteView: BitwiseCopyable, @unchecked Sendable {
  // SENDABLE: a view carries no ownership; its maker orders the accesses.
  @usableFromInline package let base: UnsafeMutableRawPointer
  @usableFromInline package let count: Int

  @inlinable package init(base: UnsafeMutableRawPointer, count: Int) {
    precondition(count >= 0)
    unsafe self.base = unsafe base
    self.count = count
  }

  @inlinable package init(_ buffer: UnsafeMutableRawBufferPointer) {
    unsafe self.base =
      unsafe buffer.baseAddress ?? UnsafeMutableRawPointer(bitPattern: 1).unsafelyUnwrapped
    self.count = buffer.count
  }

  /// The same bytes, to be read.
  @inlinable package var view: ByteView { unsafe ByteView(base: base, count: count) }

  @inlinable package var buffer: UnsafeMutableRawBufferPointer {
    @unsafe get { unsafe UnsafeMutableRawBufferPointer(start: base, count: count) }
  }

  /// The bytes of a half-open range.
  @inlinable package subscript(range: Range<Int>) -> MutableByteView {
    precondition(range.lowerBound >= 0 && range.upperBound <= count)
    return unsafe MutableByteView(base: base + range.lowerBound, count: range.count)
  }

  @inlinable package subscript(index: Int) -> UInt8 {
    get {
      precondition(index >= 0 && index < count)
      return unsafe base.load(fromByteOffset: index, as: UInt8.self)
    }
    nonmutating set {
      precondition(index >= 0 && index < count)
      unsafe base.storeBytes(of: newValue, toByteOffset: index, as: UInt8.self)
    }
  }

  /// A little-endian integer at a byte offset, aligned or not.
  @inlinable package func load<Integer: FixedWidthInteger & BitwiseCopyable>(
    _ type: Integer.Type, at offset: Int
  ) -> Integer {
    precondition(offset >= 0 && offset &+ MemoryLayout<Integer>.size <= count)
    return unsafe Integer(littleEndian: base.loadUnaligned(fromByteOffset: offset, as: type))
  }

  /// Stores an integer little-endian at a byte offset, aligned or not.
  @inlinable package func store<Integer: FixedWidthInteger & BitwiseCopyable>(
    _ value: Integer, at offset: Int
  ) {
    precondition(offset >= 0 && offset &+ MemoryLayout<Integer>.size <= count)
    unsafe base.storeBytes(of: value.littleEndian, toByteOffset: offset, as: Integer.self)
  }

  /// Copies other bytes here; they may overlap.
  @inlinable package func copy(_ source: ByteView, at offset: Int = 0) {
    precondition(offset >= 0 && offset &+ source.count <= count)
    unsafe memmove(base + offset, source.base, source.count)
  }

  /// Moves bytes within; source and target may overlap.
  @inlinable package func move(from source: Int, to target: Int, byteCount: Int) {
    precondition(byteCount >= 0 && source >= 0 && target >= 0)
    precondition(source &+ byteCount <= count && target &+ byteCount <= count)
    unsafe memmove(base + target, base + source, byteCount)
  }

  /// Fills a range with zeros.
  @inlinable package func zero(_ range: Range<Int>) {
    precondition(range.lowerBound >= 0 && range.upperBound <= count)
    unsafe memset(base + range.lowerBound, 0, range.count)
  }
}
