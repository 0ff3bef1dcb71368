#if canImport(Glibc)
  internal import Glibc
#endif

/// The C library's allocator.
enum Allocator {
  /// Keeps what is freed, for the next to ask. A torture makes and drops megabytes with each
  /// world; giving them back to the system each time costs more than the runs themselves.
  static func keepLargeBlocks() {
    #if canImport(Glibc)
      mallopt(M_MMAP_THRESHOLD, 1 << 30)
      mallopt(M_TRIM_THRESHOLD, 1 << 30)
      mallopt(M_ARENA_MAX, 2)
    #endif
  }
}
