/// The sizes of a log. The defaults are meant for every use; tests make them small.
package struct LogConfiguration: Sendable, Equatable {
  /// The first segment's size in bytes; each further one is twice the one before.
  package var firstSegmentByteCount: Int
  /// Where doubling ends. Only a batch that needs more makes a bigger segment.
  package var largestSegmentByteCount: Int
  /// How many bytes of segments that a checkpoint made superfluous are kept for reuse.
  package var spareByteCount: Int
  /// How many bytes of segments that no recovery needs are kept for followers.
  package var retainedByteCount: Int
  /// Bytes appended and not yet flushed beyond which `reserve` first waits for a flush.
  package var unflushedByteLimit: Int

  package init(
    firstSegmentByteCount: Int = 1 << 20, largestSegmentByteCount: Int = 64 << 20,
    spareByteCount: Int = 128 << 20, retainedByteCount: Int = 0,
    unflushedByteLimit: Int = 16 << 20
  ) {
    precondition(retainedByteCount >= 0)
    precondition(firstSegmentByteCount >= 65536 && firstSegmentByteCount % 4096 == 0)
    precondition(largestSegmentByteCount >= firstSegmentByteCount)
    precondition(largestSegmentByteCount % 4096 == 0 && spareByteCount >= 0)
    precondition(unflushedByteLimit > 0 && unflushedByteLimit <= 1 << 30)
    self.firstSegmentByteCount = firstSegmentByteCount
    self.largestSegmentByteCount = largestSegmentByteCount
    self.spareByteCount = spareByteCount
    self.retainedByteCount = retainedByteCount
    self.unflushedByteLimit = unflushedByteLimit
  }
}
