import Primitives
package import RawBytes

/// Building nodes from the entries of others: compaction, split, merge.
extension MutableNode {
  /// Appends entries of another node of the same kind, whose fences enclose this one's or lie
  /// inside them: keys lose or gain the bytes by which the prefixes differ. The source is
  /// elsewhere in memory and has no structural fault.
  package func append(_ range: Range<Int>, of source: NodeView) {
    let isLeaf = source.isLeaf
    let fixed = source.entryHeaderByteCount
    let gained = view.prefixCount - source.prefixCount
    // Bytes of the source's prefix that are not in this node's.
    let extra =
      gained < 0 ? source.prefix.dropFirst(view.prefixCount) : ByteView.empty
    var slotAt = view.slotsEnd
    var heapStart = view.heapStart
    var newest = view.newestTimestamp
    var tombstones = 0
    for index in range {
      let slot = source.slot(index)
      // Clamped: keys outside the fences are another check's finding, not a trap.
      let dropped = Swift.min(Swift.max(gained, 0), slot.suffixCount)
      let suffixAt = slot.offset + fixed
      let byteCount = source.entryByteCount(index)
      heapStart -= byteCount - dropped + extra.count
      bytes.copy(source.bytes[slot.offset..<suffixAt], at: heapStart)
      bytes.copy(extra, at: heapStart + fixed)
      bytes.copy(
        source.bytes[suffixAt + dropped..<slot.offset + byteCount],
        at: heapStart + fixed + extra.count)
      let suffixCount = slot.suffixCount - dropped + extra.count
      let head =
        gained == 0
        ? slot.head
        : KeyOrder.head(bytes.view[heapStart + fixed..<heapStart + fixed + suffixCount])
      bytes.store(
        Slot(head: head, offset: heapStart, suffixCount: suffixCount).rawValue, at: slotAt)
      slotAt += NodeLayout.slotByteCount
      if isLeaf {
        newest = Swift.max(newest, Timestamp(source.bytes.load(UInt64.self, at: slot.offset)))
        let flags = EntryFlags(rawValue: source.bytes[slot.offset + NodeLayout.entryFlags])
        tombstones += flags.contains(.tombstone) ? 1 : 0
      }
    }
    bytes.store(UInt16(view.slotCount + range.count), at: NodeLayout.slotCount)
    bytes.store(UInt32(heapStart), at: NodeLayout.heapStart)
    if isLeaf {
      bytes.store(newest.rawValue, at: NodeLayout.newestTimestamp)
      changeTombstoneCount(by: tombstones)
    } else {
      refreshHeads()
    }
  }

  /// Moves the entries together, so that all free bytes lie between slots and heap. The node has
  /// no structural fault; `scratch` is as large as the page.
  package func compact(scratch: MutableByteView) {
    scratch.copy(bytes.view)
    let source = NodeView(scratch.view)
    let count = source.slotCount
    let newest = source.newestTimestamp
    bytes.zero(NodeLayout.headerByteCount..<source.heapEnd)
    bytes.store(UInt16(0), at: NodeLayout.slotCount)
    bytes.store(UInt32(source.heapEnd), at: NodeLayout.heapStart)
    bytes.store(UInt32(0), at: NodeLayout.garbageByteCount)
    if source.isLeaf {
      bytes.store(UInt32(0), at: NodeLayout.tombstoneCount)
    } else {
      bytes[NodeLayout.headSkip] = 0
    }
    append(0..<count, of: source)
    if source.isLeaf { bytes.store(newest.rawValue, at: NodeLayout.newestTimestamp) }
  }

  /// What the entries of `source` would take, slots included, in a node with that prefix.
  package static func byteCount(of source: NodeView, prefixCount: Int) -> Int {
    source.usedByteCount + (source.prefixCount - prefixCount) * source.slotCount
  }
}
