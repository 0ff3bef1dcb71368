internal import CMartlet

#if canImport(Darwin)
  internal import Darwin
#elseif canImport(Glibc)
  internal import Glibc
#elseif canImport(Musl)
  internal import Musl
#endif

/// Zeroed pages of memory straight from the system, on huge pages where it has them; the system
/// backs a page with real memory when it is first touched.
// SAFETY: `bytes` is valid for the life of the object. False if a view outlives it.
@safe
package final class AnonymousMapping: @unchecked Sendable {
  // SENDABLE: the object only owns; whoever shares the bytes orders the accesses.
  package let bytes: MutableByteView
  private let start: UnsafeMutableRawPointer
  private let length: Int

  /// Maps `byteCount` bytes aligned to 2 MiB when they are that many; nil when the system refuses.
  package init?(byteCount: Int, hugePages: Bool) {
    let hugePage = 2 << 20
    let slack = hugePages && byteCount >= hugePage ? hugePage : 0
    length = byteCount + slack
    #if canImport(Darwin)
      let anonymous = MAP_ANON
    #else
      let anonymous = MAP_ANONYMOUS
    #endif
    guard
      let memory = unsafe mmap(
        nil, length, PROT_READ | PROT_WRITE, MAP_PRIVATE | anonymous | MAP_NORESERVE, -1, 0),
      unsafe memory != MAP_FAILED
    else { return nil }
    unsafe start = unsafe memory
    let misalignment = slack == 0 ? 0 : Int(bitPattern: memory) & (hugePage - 1)
    let aligned = unsafe memory + (misalignment == 0 ? 0 : hugePage - misalignment)
    if slack != 0 { _ = unsafe martlet_advise_huge(aligned, byteCount) }
    bytes = unsafe MutableByteView(base: aligned, count: byteCount)
  }

  deinit { _ = unsafe munmap(start, length) }
}
