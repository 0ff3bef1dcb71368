internal import Synchronization

// SAFETY: frame numbers come from the pool or from words, so they are below `count`.
extension FramePool {
  // MARK: The page in a frame

  func pageID(of frame: Int) -> UInt32 {
    unsafe pageIDs[frame].load(ordering: .acquiring)
  }

  func bind(_ frame: Int, to id: UInt32) {
    unsafe pageIDs[frame].store(id, ordering: .releasing)
  }

  func unbind(_ frame: Int) { bind(frame, to: 0) }

  // MARK: Dirty since when
  //
  //  63       62        40 39              0
  // ┌────────┬────────────┬─────────────────┐
  // │ copied │ image      │ epoch           │
  // └────────┴────────────┴─────────────────┘

  private static let copiedBit: UInt64 = 1 << 63
  private static let epochMask: UInt64 = 1 << 40 - 1

  /// Dirty since an epoch, and image number `image` of the run at hand shows the bytes as they
  /// are. The number matters: a page may be changed and copied again within one run, and then only
  /// its last copy is current.
  static func copiedWord(epoch: UInt64, image: Int) -> UInt64 {
    copiedBit | UInt64(image) << 40 | epoch
  }

  /// Whether the run at hand shows the bytes as they are.
  func isCopied(_ frame: Int) -> Bool { dirty(of: frame) & Self.copiedBit != 0 }

  func dirty(of frame: Int) -> UInt64 {
    unsafe dirty[frame].load(ordering: .acquiring)
  }

  /// The epoch, whether or not a copy is on its way to the file; 0 when clean.
  func dirtyEpoch(of frame: Int) -> UInt64 { dirty(of: frame) & Self.epochMask }

  func setDirty(_ epoch: UInt64, frame: Int) {
    unsafe dirty[frame].store(epoch, ordering: .releasing)
  }

  func replaceDirty(_ expected: UInt64, by epoch: UInt64, frame: Int) {
    _ = unsafe dirty[frame].compareExchange(
      expected: expected, desired: epoch, ordering: .acquiringAndReleasing)
  }

  // MARK: Pins

  func isPinned(_ frame: Int) -> Bool {
    unsafe pins[frame].load(ordering: .acquiring) != 0
  }

  func pin(_ frame: Int) {
    _ = unsafe pins[frame].wrappingAdd(1, ordering: .acquiringAndReleasing)
  }

  /// True for the last one of a page that is to be freed: the caller frees it.
  func unpin(_ frame: Int) -> Bool {
    let count = unsafe pins[frame].wrappingSubtract(1, ordering: .acquiringAndReleasing).newValue
    guard count == Self.freePendingBit else { return false }
    unsafe pins[frame].store(0, ordering: .releasing)
    return true
  }

  /// True when the page may be freed now; otherwise whoever unpins it last frees it.
  func mayFree(_ frame: Int) -> Bool {
    let old = unsafe pins[frame].bitwiseOr(
      Self.freePendingBit, ordering: .acquiringAndReleasing
    ).oldValue
    precondition(old & Self.freePendingBit == 0, "a page is freed twice")
    guard old == 0 else { return false }
    unsafe pins[frame].store(0, ordering: .releasing)
    return true
  }
}
