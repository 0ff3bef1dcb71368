package import Primitives
import RawBytes

/// Structure of a node: what must hold before its offsets are followed, and everything else.
extension NodeView {
  /// - Invariant N1: 40 + 8 x slot count <= heap start <= heap end = page size - fence bytes.
  /// - Invariant N2: each fence is at most an eighth of a page; the prefix is inside both.
  /// - Invariant N3: an inner node is at level 1 to 32, a leaf at 0.
  @inline(__always)
  package var hasSoundHeader: Bool {
    let pageSize = bytes.count
    let lowerCount = Int(bytes.load(UInt16.self, at: NodeLayout.lowerFenceCount))
    let upperCount = Int(bytes.load(UInt16.self, at: NodeLayout.upperFenceCount))
    let limit = NodeLayout.maximumKeyByteCount(pageSize: pageSize)
    guard lowerCount <= limit, upperCount <= limit, prefixCount <= lowerCount,
      prefixCount <= upperCount || upperCount == 0 && prefixCount == 0
    else { return false }
    let heapStart = self.heapStart
    let heapEnd = pageSize - lowerCount - upperCount
    guard slotsEnd <= heapStart, heapStart <= heapEnd,
      garbageByteCount <= heapEnd - heapStart
    else { return false }
    switch bytes[NodeLayout.kind] {
    case PageKind.leaf.rawValue: return level == 0 && bytes[NodeLayout.headSkip] == 0
    case PageKind.inner.rawValue: return level >= 1 && level <= NodeLayout.maximumLevel
    default: return false
    }
  }

  /// - Invariant N4: every entry lies between heap start and heap end.
  /// - Invariant N5: the entries' bytes and the garbage are exactly the heap.
  ///
  /// With N4 and N5 a compaction, a split or a merge of the node stays inside pages.
  ///
  /// - Returns: what is wrong, nil when nothing is.
  /// - Complexity: O(slots)
  package func structuralFault() -> String? {
    guard hasSoundHeader else { return "impossible header" }
    let heapStart = self.heapStart
    let heapEnd = self.heapEnd
    let fixed = entryHeaderByteCount
    let isLeaf = self.isLeaf
    var total = 0
    for index in 0..<slotCount {
      let slot = slot(index)
      guard slot.offset >= heapStart, slot.offset + fixed + slot.suffixCount <= heapEnd else {
        return "slot \(index) outside the heap"
      }
      var byteCount = fixed + slot.suffixCount
      if isLeaf {
        byteCount += Int(bytes.load(UInt16.self, at: slot.offset + NodeLayout.entryValueCount))
      }
      guard slot.offset + byteCount <= heapEnd else { return "entry \(index) outside the heap" }
      total += byteCount
    }
    guard total + garbageByteCount == heapEnd - heapStart else {
      return "heap of \(heapEnd - heapStart) bytes with \(total) used, \(garbageByteCount) free"
    }
    return nil
  }

  /// N4 for one entry of a leaf: what a writer checks before it changes that entry.
  @inline(__always)
  package func hasSoundEntry(_ index: Int) -> Bool {
    let slot = slot(index)
    let suffixEnd = slot.offset + NodeLayout.leafEntryHeaderByteCount + slot.suffixCount
    guard slot.offset >= heapStart, suffixEnd <= heapEnd else { return false }
    let valueCount = Int(bytes.load(UInt16.self, at: slot.offset + NodeLayout.entryValueCount))
    return suffixEnd + valueCount <= heapEnd
  }

  /// Everything that can be known from the node alone, for `verify`:
  ///
  /// - Invariant N6: keys ascend strictly, inside the fences; the prefix is all the fences share.
  /// - Invariant N7: each slot's head is that of its suffix after the bytes that all separators
  ///   share; a leaf skips none.
  /// - Invariant N8: the tombstone count is exact; no timestamp is above the newest one.
  /// - Invariant N9: reserved bytes, those between slots and heap, and garbage are zero; no two
  ///   entries share a byte.
  package func fault(pageID expected: PageID) -> String? {
    if let fault = structuralFault() { return fault }
    guard pageID == expected else { return "page id \(pageID.rawValue)" }
    guard bytes[NodeLayout.flags] <= NodeLayout.hasNoUpperFence,
      bytes.load(UInt16.self, at: NodeLayout.reserved) == 0, bytes[NodeLayout.headSkip + 1] == 0
    else { return "flags or reserved bytes" }
    let lower = lowerFence
    if let upper = upperFence {
      guard lower < upper else { return "fences out of order" }
      guard prefixCount == lower.commonPrefixCount(upper) else { return "prefix \(prefixCount)" }
    } else {
      guard bytes.load(UInt16.self, at: NodeLayout.upperFenceCount) == 0, prefixCount == 0
      else { return "prefix without an upper fence" }
    }
    for offset in slotsEnd..<heapStart where bytes[offset] != 0 {
      return "byte \(offset) of the gap is not zero"
    }
    return heapFault() ?? keyFault() ?? (isLeaf ? leafFault() : innerFault())
  }

  private func heapFault() -> String? {
    var extents: [Range<Int>] = []
    extents.reserveCapacity(slotCount)
    for index in 0..<slotCount {
      let slot = slot(index)
      let value = isLeaf ? entry(index).value.count : 0
      let end = slot.offset + entryHeaderByteCount + slot.suffixCount + value
      extents.append(slot.offset..<end)
    }
    extents.sort { $0.lowerBound < $1.lowerBound }
    var end = heapStart
    for extent in extents + [heapEnd..<heapEnd] {
      guard extent.lowerBound >= end else { return "entries that overlap" }
      for offset in end..<extent.lowerBound where bytes[offset] != 0 {
        return "byte \(offset) of the garbage is not zero"
      }
      end = extent.upperBound
    }
    return nil
  }

  private func keyFault() -> String? {
    let lower = lowerFence.dropFirst(prefixCount)
    let upper = upperFence?.dropFirst(prefixCount)
    let skip = headSkip
    for index in 0..<slotCount {
      let suffix = suffix(index)
      guard suffix.count >= skip, suffix.prefix(skip) == self.suffix(0).prefix(skip) else {
        return "separator \(index) without the shared bytes"
      }
      guard slot(index).head == KeyOrder.head(suffix.dropFirst(skip)) else {
        return "head of slot \(index)"
      }
      // A separator equal to the lower fence would leave its left child no keys.
      let isAboveLower = isLeaf ? suffix >= lower : suffix > lower
      guard isAboveLower, upper.map({ suffix < $0 }) ?? true else {
        return "key \(index) outside the fences"
      }
      guard index == 0 || self.suffix(index - 1) < suffix else {
        return "key \(index) out of order"
      }
    }
    return nil
  }

  private func leafFault() -> String? {
    var tombstones = 0
    let inlineLimit = NodeLayout.maximumInlineByteCount(pageSize: bytes.count)
    for index in 0..<slotCount {
      let entry = entry(index)
      guard entry.timestamp <= newestTimestamp else {
        return "timestamp \(entry.timestamp) above the newest, \(newestTimestamp)"
      }
      guard entry.flags.rawValue <= 7 else { return "flags \(entry.flags.rawValue)" }
      if entry.flags.contains(.expiry), entry.expiry == 0 { return "expiry of entry \(index)" }
      if entry.flags.contains(.tombstone) {
        guard entry.value.isEmpty, entry.flags == .tombstone else {
          return "tombstone \(index) with a value"
        }
        tombstones += 1
      } else if entry.flags.contains(.overflow) {
        guard entry.overflowReference != nil else {
          return "overflow reference of entry \(index)"
        }
      } else if prefixCount + slot(index).suffixCount + entry.value.count > inlineLimit {
        return "entry \(index) too long"
      }
    }
    return tombstones == tombstoneCount ? nil : "\(tombstoneCount) tombstones, not \(tombstones)"
  }

  private func innerFault() -> String? {
    guard bytes.load(UInt64.self, at: NodeLayout.newestTimestamp) == 0 else {
      return "a timestamp of an inner node"
    }
    for index in 0..<childCount where child(index) == .none { return "child \(index) is none" }
    return nil
  }

  /// What a reader throws who finds this page impossible.
  package func corruption(_ fault: String) -> CorruptionError {
    TreeError.corruption(of: pageID, fault)
  }
}

extension TreeError {
  static func corruption(of page: PageID, _ fault: String) -> CorruptionError {
    CorruptionError(
      location: "page \(page.rawValue)", expected: "a sound tree node", found: fault)
  }
}
