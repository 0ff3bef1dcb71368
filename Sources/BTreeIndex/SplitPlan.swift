package import RawBytes

/// Where a node that is too full is cut, decided before anything is changed.
///
/// Slots before `position` stay. In a leaf the others move; in an inner node the separator at
/// `position` moves up to the parent and those after it move. The separator is the shortest key
/// that tells the sides apart (Bayer and Unterauer, Prefix B-trees, 1977), found in a window
/// around the middle, because every separator is read by every search.
package struct SplitPlan: BitwiseCopyable, Sendable {
  package let position: Int
  /// How many bytes of its source the separator takes.
  package let separatorCount: Int
  /// The separator is cut from the key about to be inserted, not from the key at `position`.
  package let isFromNewKey: Bool

  /// How the keys arrive.
  package enum Pattern: Sendable, Equatable {
    /// Anyhow: half stays, half goes.
    case anywhere
    /// Ascending, the next one at this position of this leaf: what is before it stays, so that
    /// leaves filled in order stay full.
    case ascending(position: Int)
  }

  /// The plan for a leaf without structural fault that is to take `key`; nil when it has too few
  /// entries to be split.
  package init?(leaf: NodeView, key: ByteView, pattern: Pattern) {
    let count = leaf.slotCount
    let suffix = key.dropFirst(Swift.min(leaf.prefixCount, key.count))
    if case .ascending(let position) = pattern, position >= 1, position <= count,
      leaf.suffix(position - 1) < suffix, position == count || suffix < leaf.suffix(position),
      let plan = Self.keepingLeft(leaf, suffix, position)
    {
      self = plan
      return
    }
    guard count >= 2 else { return nil }
    var best = (position: 0, separatorCount: Int.max)
    for candidate in Self.window(of: leaf, 1..<count) {
      let length = KeyOrder.separatorCount(leaf.suffix(candidate - 1), leaf.suffix(candidate))
      if length < best.separatorCount { best = (candidate, length) }
    }
    self.init(
      position: best.position, separatorCount: leaf.prefixCount + best.separatorCount,
      isFromNewKey: false)
  }

  /// Leaves on the left what comes before a new key, or a little less where the longer upper fence
  /// needs the room.
  private static func keepingLeft(
    _ leaf: NodeView, _ suffix: ByteView, _ position: Int
  ) -> SplitPlan? {
    var byteCount = 0
    for index in 0..<position {
      byteCount += leaf.entryByteCount(index) + NodeLayout.slotByteCount
    }
    let usable = leaf.bytes.count - NodeLayout.headerByteCount - leaf.lowerFence.count
    var cut = position
    while cut >= Swift.max(1, position - 8) {
      // The separator is cut from the least key that goes right: the new one, if nothing else is.
      let isFromNewKey = cut == position && cut == leaf.slotCount
      let least = cut == position && isFromNewKey ? suffix : leaf.suffix(cut)
      let greatestLeft = cut == position && !isFromNewKey ? suffix : leaf.suffix(cut - 1)
      let separatorCount = KeyOrder.separatorCount(greatestLeft, least)
      if byteCount + leaf.prefixCount + separatorCount <= usable {
        return SplitPlan(
          position: cut, separatorCount: leaf.prefixCount + separatorCount,
          isFromNewKey: isFromNewKey)
      }
      cut -= 1
      if cut >= 1 { byteCount -= leaf.entryByteCount(cut) + NodeLayout.slotByteCount }
    }
    return nil
  }

  private init(position: Int, separatorCount: Int, isFromNewKey: Bool) {
    self.position = position
    self.separatorCount = separatorCount
    self.isFromNewKey = isFromNewKey
  }

  /// The plan for an inner node without structural fault; nil when it has too few separators.
  package init?(inner: NodeView) {
    let count = inner.slotCount
    guard count >= 3 else { return nil }
    var best = (position: 0, separatorCount: Int.max)
    for candidate in Self.window(of: inner, 1..<count - 1) {
      let length = inner.slot(candidate).suffixCount
      if length < best.separatorCount { best = (candidate, length) }
    }
    self.init(
      position: best.position, separatorCount: inner.prefixCount + best.separatorCount,
      isFromNewKey: false)
  }

  /// The positions around the middle of a node's bytes, at most nine, none much worse balanced
  /// than the best. With the longest fences either side then takes at most seven eighths of a page.
  private static func window(of node: NodeView, _ allowed: Range<Int>) -> [Int] {
    let half = node.usedByteCount / 2
    let tolerance = node.bytes.count / 16
    var bytesBefore = 0
    var best = (position: allowed.lowerBound, difference: Int.max)
    var positions: [Int] = []
    for position in 1..<allowed.upperBound {
      bytesBefore += node.entryByteCount(position - 1) + NodeLayout.slotByteCount
      guard position >= allowed.lowerBound else { continue }
      let difference = abs(bytesBefore - half)
      if difference < best.difference { best = (position, difference) }
      if difference <= tolerance { positions.append(position) }
    }
    // A thirty-second of the slots either way: with large entries, none.
    let reach = Swift.min(node.slotCount / 32, 4)
    return [best.position]
      + positions.filter { $0 != best.position && abs($0 - best.position) <= reach }
  }

  /// Writes the separator into `target`, which has room for any key.
  package func writeSeparator(of node: NodeView, newKey: ByteView, into target: MutableByteView)
    -> ByteView
  {
    if isFromNewKey {
      target.copy(newKey.prefix(separatorCount))
    } else {
      target.copy(node.prefix)
      target.copy(
        node.suffix(position).prefix(separatorCount - node.prefixCount), at: node.prefixCount)
    }
    return target.view.prefix(separatorCount)
  }
}
