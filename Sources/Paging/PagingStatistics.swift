/// Counts since the pager was opened, and sizes now.
package struct PagingStatistics: Sendable, Equatable {
  package var pageReads = 0
  package var pageWrites = 0
  /// Images that the system was told would be read soon.
  package var readAheads = 0
  /// Pages that left memory.
  package var evictions = 0
  /// Pages that had to be written to leave memory.
  package var dirtyEvictions = 0
  /// Old images handed over to a checkpoint by a thread about to change the page.
  package var handOvers = 0
  /// Those for which no frame was left, so that the thread wrote the image itself.
  package var inlineHandOvers = 0
  package var checkpoints = 0
  package var failedCheckpoints = 0
  package var truncations = 0
  package var holePunches = 0
  package var fileByteCount = 0
  /// Blocks of the file that hold an image some map needs.
  package var usedByteCount = 0
  package var mappedPageCount = 0
  /// Bytes of the images of the current map.
  package var storedByteCount = 0
  /// Checkpoints that are being copied.
  package var pinnedCheckpointCount = 0
  /// Bytes that would be free if no checkpoint were pinned.
  package var heldByteCount = 0
  package var frameCount = 0
  package var freeFrameCount = 0
  package var dirtyPageCount = 0
  package var volatilePageCount = 0

  package init() {}
}
