package import Primitives
package import RawBytes

/// A node that nobody changes while it is read: a latched page, or a validated copy of one.
///
/// Requires `hasSoundHeader`, which every access path checks when it gets hold of a page, and for
/// slots and entries that were not bounds-checked another way, `structuralFault() == nil`.
package struct NodeView: BitwiseCopyable, Sendable {
  package let bytes: ByteView

  @inline(__always) package init(_ bytes: ByteView) { self.bytes = bytes }

  @inline(__always) private func field(_ offset: Int) -> Int {
    Int(bytes.load(UInt16.self, at: offset))
  }

  @inline(__always) package var isLeaf: Bool { bytes[0] == PageKind.leaf.rawValue }
  @inline(__always) package var pageID: PageID {
    PageID(bytes.load(UInt32.self, at: NodeLayout.pageID))
  }
  /// 0 for leaves, 1 for their parents.
  @inline(__always) package var level: Int { field(NodeLayout.level) }
  @inline(__always) package var slotCount: Int { field(NodeLayout.slotCount) }
  @inline(__always) package var prefixCount: Int { field(NodeLayout.prefixCount) }
  @inline(__always) package var heapStart: Int {
    Int(bytes.load(UInt32.self, at: NodeLayout.heapStart))
  }
  /// Bytes between heap start and heap end that no entry uses. They are zero.
  @inline(__always) package var garbageByteCount: Int {
    Int(bytes.load(UInt32.self, at: NodeLayout.garbageByteCount))
  }
  /// Where the fence keys begin.
  @inline(__always) package var heapEnd: Int {
    bytes.count - field(NodeLayout.lowerFenceCount) - field(NodeLayout.upperFenceCount)
  }
  @inline(__always) package var slotsEnd: Int {
    NodeLayout.headerByteCount + slotCount * NodeLayout.slotByteCount
  }
  @inline(__always) package var entryHeaderByteCount: Int {
    isLeaf ? NodeLayout.leafEntryHeaderByteCount : NodeLayout.innerEntryHeaderByteCount
  }

  /// No key of this node is smaller; empty when none can be.
  @inline(__always) package var lowerFence: ByteView {
    let start = heapEnd
    return bytes[start..<start + field(NodeLayout.lowerFenceCount)]
  }
  /// Every key of this node is smaller; nil when none is too great.
  @inline(__always) package var upperFence: ByteView? {
    hasUpperFence ? bytes[bytes.count - field(NodeLayout.upperFenceCount)..<bytes.count] : nil
  }
  @inline(__always) package var hasUpperFence: Bool {
    bytes[NodeLayout.flags] & NodeLayout.hasNoUpperFence == 0
  }
  /// What all keys of this node begin with: what the two fences have in common.
  @inline(__always) package var prefix: ByteView { lowerFence.prefix(prefixCount) }

  /// Whether a key belongs here.
  @inline(__always) package func covers(_ key: ByteView) -> Bool {
    guard KeyOrder.compare(lowerFence, key) <= 0 else { return false }
    guard let upper = upperFence else { return true }
    return KeyOrder.compare(key, upper) < 0
  }

  @inline(__always) package func slot(_ index: Int) -> Slot {
    Slot(
      rawValue: bytes.load(
        UInt64.self, at: NodeLayout.headerByteCount + index * NodeLayout.slotByteCount))
  }

  /// The key of a slot after the node's prefix.
  @inline(__always) package func suffix(_ index: Int) -> ByteView {
    let slot = slot(index)
    let start = slot.offset + entryHeaderByteCount
    return bytes[start..<start + slot.suffixCount]
  }

  /// The byte count of a slot's entry in the heap.
  @inline(__always) package func entryByteCount(_ index: Int) -> Int {
    let slot = slot(index)
    return isLeaf
      ? NodeLayout.leafEntryHeaderByteCount + slot.suffixCount
        + field(slot.offset + NodeLayout.entryValueCount)
      : NodeLayout.innerEntryHeaderByteCount + slot.suffixCount
  }

  /// Appends prefix and suffix of a slot's key.
  package func appendKey(_ index: Int, to buffer: inout ByteBuffer) {
    buffer.append(prefix)
    buffer.append(suffix(index))
  }

  // MARK: Leaves

  /// An upper bound of the timestamps in this leaf.
  @inline(__always) package var newestTimestamp: Timestamp {
    Timestamp(bytes.load(UInt64.self, at: NodeLayout.newestTimestamp))
  }
  @inline(__always) package var tombstoneCount: Int {
    Int(bytes.load(UInt32.self, at: NodeLayout.tombstoneCount))
  }

  @inline(__always) package func entry(_ index: Int) -> Entry {
    let slot = slot(index)
    let valueStart = slot.offset + NodeLayout.leafEntryHeaderByteCount + slot.suffixCount
    let valueCount = field(slot.offset + NodeLayout.entryValueCount)
    return Entry(
      timestamp: Timestamp(bytes.load(UInt64.self, at: slot.offset)),
      flags: EntryFlags(rawValue: bytes[slot.offset + NodeLayout.entryFlags]),
      value: bytes[valueStart..<valueStart + valueCount])
  }

  // MARK: Inner nodes

  /// Child 0 is left of slot 0's separator, child n + 1 right of slot n's.
  @inline(__always) package func child(_ index: Int) -> PageID {
    PageID(
      bytes.load(
        UInt32.self, at: index == 0 ? NodeLayout.firstChild : slot(index - 1).offset))
  }
  package var childCount: Int { slotCount + 1 }
  /// How many bytes after the prefix all separators share, so that heads begin behind them.
  package var headSkip: Int { Int(bytes[NodeLayout.headSkip]) }

  // MARK: Space

  @inline(__always) package var contiguousFreeByteCount: Int { heapStart - slotsEnd }
  /// What could be used for slots and entries after compaction.
  @inline(__always) package var freeByteCount: Int { contiguousFreeByteCount + garbageByteCount }
  /// What an empty node with these fences could use.
  package var usableByteCount: Int { heapEnd - NodeLayout.headerByteCount }
  package var usedByteCount: Int { usableByteCount - freeByteCount }
  /// Under a third: worth merging.
  package var isUnderfull: Bool { usedByteCount * 3 < usableByteCount }
}
