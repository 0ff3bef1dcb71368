internal import CMartlet

/// The allocator of the C library.
package enum MemoryAllocator {
  /// Keeps freed blocks of any size for the next to ask, for the rest of the process. For programs
  /// that make and drop megabytes again and again: giving them back to the system each time costs
  /// more than their work.
  package static func keepLargeBlocks() { martlet_keep_large_blocks() }
}
