#if canImport(Darwin)
  internal import Darwin
#elseif canImport(Glibc)
  internal import Glibc
#elseif canImport(Musl)
  internal import Musl
#endif

/// A block of zeroed memory of its own, aligned for direct I/O, freed with its owner.
// SAFETY: `bytes` is valid for the life of the object. False if a view outlives it.
@safe
package final class AlignedMemory: @unchecked Sendable {
  // SENDABLE: the object only owns; whoever shares the bytes orders the accesses.
  package let bytes: MutableByteView

  /// Allocates `byteCount` zeroed bytes.
  package init(byteCount: Int, alignment: Int = 4096) {
    let memory = UnsafeMutableRawPointer.allocate(
      byteCount: Swift.max(byteCount, 1), alignment: alignment)
    unsafe memset(memory, 0, byteCount)
    bytes = unsafe MutableByteView(base: memory, count: byteCount)
  }

  deinit { unsafe bytes.base.deallocate() }

  package var count: Int { bytes.count }
}
