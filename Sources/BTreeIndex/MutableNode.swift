package import Primitives
package import RawBytes

/// A node under an exclusive latch, to be changed.
///
/// The caller has checked `hasSoundHeader`, the bounds of the slots it names (a search does), and
/// that there is room. Garbage and the gap between slots and heap are kept zero, because images
/// are compressed.
package struct MutableNode: BitwiseCopyable {
  package let bytes: MutableByteView

  @inline(__always) package init(_ bytes: MutableByteView) { self.bytes = bytes }

  @inline(__always) package var view: NodeView { NodeView(bytes.view) }

  // MARK: Making

  /// Makes an empty node of a page with any content; its id stays.
  package func format(
    level: Int, lowerFence: ByteView, upperFence: ByteView?
  ) {
    bytes.zero(NodeLayout.slotCount..<bytes.count)
    let upper = upperFence ?? .empty
    bytes[NodeLayout.kind] = level == 0 ? PageKind.leaf.rawValue : PageKind.inner.rawValue
    bytes[NodeLayout.flags] = upperFence == nil ? NodeLayout.hasNoUpperFence : 0
    bytes.store(UInt16(0), at: NodeLayout.reserved)
    bytes.store(UInt16(lowerFence.count), at: NodeLayout.lowerFenceCount)
    bytes.store(UInt16(upper.count), at: NodeLayout.upperFenceCount)
    bytes.store(
      UInt16(upperFence == nil ? 0 : lowerFence.commonPrefixCount(upper)),
      at: NodeLayout.prefixCount)
    bytes.store(UInt16(level), at: NodeLayout.level)
    let heapEnd = bytes.count - lowerFence.count - upper.count
    bytes.store(UInt32(heapEnd), at: NodeLayout.heapStart)
    bytes.copy(lowerFence, at: heapEnd)
    bytes.copy(upper, at: heapEnd + lowerFence.count)
  }

  // MARK: Header

  package func setFirstChild(_ child: PageID) {
    bytes.store(child.rawValue, at: NodeLayout.firstChild)
  }

  @inline(__always) package func raiseNewestTimestamp(to timestamp: Timestamp) {
    if timestamp > view.newestTimestamp {
      bytes.store(timestamp.rawValue, at: NodeLayout.newestTimestamp)
    }
  }

  @inline(__always) func changeTombstoneCount(by difference: Int) {
    if difference != 0 {
      // Wrapping: a forged count must not trap.
      bytes.store(
        UInt32(truncatingIfNeeded: view.tombstoneCount &+ difference),
        at: NodeLayout.tombstoneCount)
    }
  }

  // MARK: Slots and heap

  /// Opens a slot and takes heap bytes for its entry. Requires that many contiguous bytes.
  @inline(__always)
  func open(at index: Int, suffix: ByteView, entryByteCount: Int) -> Int {
    let count = view.slotCount
    let slotAt = NodeLayout.headerByteCount + index * NodeLayout.slotByteCount
    let slotsEnd = NodeLayout.headerByteCount + count * NodeLayout.slotByteCount
    if index < count {
      bytes.move(
        from: slotAt, to: slotAt + NodeLayout.slotByteCount, byteCount: slotsEnd - slotAt)
    }
    let offset = view.heapStart - entryByteCount
    precondition(offset >= slotsEnd + NodeLayout.slotByteCount, "a node's heap grew into its slots")
    bytes.store(
      Slot(head: KeyOrder.head(suffix), offset: offset, suffixCount: suffix.count).rawValue,
      at: slotAt)
    bytes.store(UInt16(count + 1), at: NodeLayout.slotCount)
    bytes.store(UInt32(offset), at: NodeLayout.heapStart)
    return offset
  }

  /// Zeroes heap bytes and counts them as garbage, or as gap where they touch it.
  @inline(__always)
  private func discard(_ range: Range<Int>) {
    bytes.zero(range)
    if range.lowerBound == view.heapStart {
      bytes.store(UInt32(range.upperBound), at: NodeLayout.heapStart)
    } else {
      bytes.store(
        UInt32(truncatingIfNeeded: view.garbageByteCount &+ range.count),
        at: NodeLayout.garbageByteCount)
    }
  }

  /// Removes a slot and its entry.
  package func remove(at index: Int) {
    let offset = view.slot(index).offset
    let byteCount = view.entryByteCount(index)
    if view.isLeaf, view.entry(index).flags.contains(.tombstone) { changeTombstoneCount(by: -1) }
    discard(offset..<offset + byteCount)
    let slotAt = NodeLayout.headerByteCount + index * NodeLayout.slotByteCount
    let next = slotAt + NodeLayout.slotByteCount
    let slotsEnd = view.slotsEnd
    bytes.move(from: next, to: slotAt, byteCount: slotsEnd - next)
    bytes.zero(slotsEnd - NodeLayout.slotByteCount..<slotsEnd)
    bytes.store(UInt16(view.slotCount - 1), at: NodeLayout.slotCount)
    if view.slotCount == 0 { bytes[NodeLayout.headSkip] = 0 }
  }

  // MARK: Leaves

  /// What an entry takes in the heap.
  @inline(__always)
  package static func leafEntryByteCount(suffixCount: Int, valueCount: Int) -> Int {
    NodeLayout.leafEntryHeaderByteCount + suffixCount + valueCount
  }

  /// Inserts an entry before the one at `index`.
  @inline(__always)
  package func insert(
    at index: Int, suffix: ByteView, timestamp: Timestamp, flags: EntryFlags, value: ByteView
  ) {
    let offset = open(
      at: index, suffix: suffix,
      entryByteCount: Self.leafEntryByteCount(suffixCount: suffix.count, valueCount: value.count))
    bytes.copy(suffix, at: offset + NodeLayout.leafEntryHeaderByteCount)
    write(offset, suffix.count, timestamp, flags, value)
    if flags.contains(.tombstone) { changeTombstoneCount(by: 1) }
    raiseNewestTimestamp(to: timestamp)
  }

  /// Puts another value into the entry at `index`, whose present value is at least as long.
  @inline(__always)
  package func overwrite(
    at index: Int, timestamp: Timestamp, flags: EntryFlags, value: ByteView
  ) {
    let slot = view.slot(index)
    let old = view.entry(index)
    let wasTombstone = old.flags.contains(.tombstone)
    let unused = old.value.count - value.count
    write(slot.offset, slot.suffixCount, timestamp, flags, value)
    if unused > 0 {
      let end =
        slot.offset + NodeLayout.leafEntryHeaderByteCount + slot.suffixCount + value.count
      bytes.zero(end..<end + unused)
      bytes.store(
        UInt32(truncatingIfNeeded: view.garbageByteCount &+ unused),
        at: NodeLayout.garbageByteCount)
    }
    let isTombstone = flags.contains(.tombstone)
    if wasTombstone != isTombstone { changeTombstoneCount(by: isTombstone ? 1 : -1) }
    raiseNewestTimestamp(to: timestamp)
  }

  @inline(__always)
  private func write(
    _ offset: Int, _ suffixCount: Int, _ timestamp: Timestamp, _ flags: EntryFlags,
    _ value: ByteView
  ) {
    bytes.store(timestamp.rawValue, at: offset)
    bytes[offset + NodeLayout.entryFlags] = flags.rawValue
    bytes.store(UInt16(value.count), at: offset + NodeLayout.entryValueCount)
    bytes.copy(value, at: offset + NodeLayout.leafEntryHeaderByteCount + suffixCount)
  }

  // MARK: Inner nodes

  /// Inserts a separator and the child right of it before the slot at `index`.
  package func insert(at index: Int, separatorSuffix: ByteView, child: PageID) {
    let offset = open(
      at: index, suffix: separatorSuffix,
      entryByteCount: NodeLayout.innerEntryHeaderByteCount + separatorSuffix.count)
    bytes.store(child.rawValue, at: offset)
    bytes.copy(separatorSuffix, at: offset + NodeLayout.innerEntryHeaderByteCount)
    let skip = sharedByteCount
    if skip != view.headSkip {
      setHeadSkip(skip)
    } else if skip > 0 {
      setHead(at: index, skip: skip)
    }
  }

  /// How many bytes all separators of an inner node share after the prefix: as keys are in order,
  /// what the first and the last one do.
  private var sharedByteCount: Int {
    let count = view.slotCount
    guard count > 1 else { return 0 }
    return Swift.min(view.suffix(0).commonPrefixCount(view.suffix(count - 1)), 255)
  }

  private func setHeadSkip(_ skip: Int) {
    bytes[NodeLayout.headSkip] = UInt8(skip)
    for index in 0..<view.slotCount { setHead(at: index, skip: skip) }
  }

  private func setHead(at index: Int, skip: Int) {
    let slot = view.slot(index)
    let suffix = view.suffix(index)
    // Clamped: separators out of order are another check's finding, not a trap.
    let head = KeyOrder.head(suffix.dropFirst(Swift.min(skip, suffix.count)))
    bytes.store(
      Slot(head: head, offset: slot.offset, suffixCount: slot.suffixCount).rawValue,
      at: NodeLayout.headerByteCount + index * NodeLayout.slotByteCount)
  }

  /// Makes the heads of an inner node begin behind what its separators share.
  func refreshHeads() { setHeadSkip(sharedByteCount) }
}
