import Paging
package import Primitives
package import RawBytes

/// Giving space back: tombstones that nobody needs, and nodes that are nearly empty.
extension Tree {
  /// Drops the tombstones of a key's leaf that are not newer than `horizon`, and merges the leaf
  /// with a neighbour when less than a third of it is used; then its parent, and so on.
  ///
  /// The caller guarantees that no snapshot needs what those tombstones hide (rules V1, V4).
  package func purgeTombstones(
    around key: ByteView, olderThan horizon: Timestamp
  ) throws(TreeError) -> PurgeOutcome {
    var outcome = PurgeOutcome()
    if try dropTombstones(around: key, horizon, &outcome) {
      outcome.mergeCount = try mergeUpwards(from: key)
    }
    return outcome
  }

  /// - Returns: whether the leaf is worth merging.
  private func dropTombstones(
    around key: ByteView, _ horizon: Timestamp, _ outcome: inout PurgeOutcome
  ) throws(TreeError) -> Bool {
    while true {
      let seen = try descend(to: key, .covering)
      guard let page = pager.upgrade(seen) else { continue }
      let node = MutableNode(page.bytes)
      let view = node.view
      if let fault = view.structuralFault() { throw .corrupt(view.corruption(fault)) }
      if view.tombstoneCount > 0 {
        for index in (0..<view.slotCount).reversed() {
          let entry = view.entry(index)
          guard entry.flags.contains(.tombstone), entry.timestamp <= horizon else { continue }
          if outcome.removedCount == 0 { pager.willModify(page) }
          node.remove(at: index)
          outcome.removedCount += 1
        }
      }
      outcome.remainingCount = view.tombstoneCount
      return page.id != root && view.isUnderfull
    }
  }

  /// Merges along the path to a key as long as that leaves another node to merge.
  private func mergeUpwards(from key: ByteView) throws(TreeError) -> Int {
    var mergeCount = 0
    for level in 0...NodeLayout.maximumLevel {
      var mergedHere = false
      while try mergeNode(level: level, around: key) {
        mergeCount += 1
        mergedHere = true
      }
      if !mergedHere { break }
    }
    return mergeCount
  }

  /// Merges the node at a level on the path to a key with a neighbour under the same parent, when
  /// it is underfull and both fit one page with room to spare.
  private func mergeNode(level: Int, around key: ByteView) throws(TreeError) -> Bool {
    // Merging is never urgent: whoever is in the way may stay there.
    for _ in 0..<16 {
      guard let step = try descend(to: key, level: level) else { return false }
      guard let seenParent = step.parent else { return try pullUpOnlyChild(step.node) }
      guard let parent = pager.upgrade(seenParent) else { continue }
      let view = NodeView(parent.bytes.view)
      if let fault = view.structuralFault() { throw .corrupt(view.corruption(fault)) }
      let position = UnvalidatedNode(parent.bytes.view).search(
        key, entryHeaderByteCount: NodeLayout.innerEntryHeaderByteCount)
      guard position.finding != .impossible else {
        throw .corrupt(view.corruption("an impossible separator"))
      }
      let index = position.finding == .found ? position.index + 1 : position.index
      if view.slotCount == 0 { return false }
      var missing = PageID.none
      if index < view.slotCount, try merge(parent, leftIndex: index, index, &missing) {
        return true
      }
      if missing == .none, index > 0,
        try merge(parent, leftIndex: index - 1, index, &missing)
      {
        return true
      }
      if missing == .none { return false }
      // T5: fault in with nothing held, and begin again. An error says nothing: the page may be
      // freed by now; if not, whoever needs it will meet the error.
      _ = consume parent
      _ = try? pager.read(missing)
    }
    return false
  }

  /// Merges two neighbouring children of a latched parent into the left one.
  ///
  /// - Parameter underfullIndex: which of the two must be underfull.
  /// - Parameter missing: set when a child is not in memory.
  private func merge(
    _ parent: borrowing ExclusivePage, leftIndex: Int, _ underfullIndex: Int,
    _ missing: inout PageID
  ) throws(TreeError) -> Bool {
    let parentView = NodeView(parent.bytes.view)
    let leftID = parentView.child(leftIndex)
    let rightID = parentView.child(leftIndex + 1)
    // A thread that waits for a latch of its own waits for ever.
    guard leftID != rightID, leftID != parent.id, rightID != parent.id else {
      throw .corrupt(parentView.corruption("children that are one page, or the node itself"))
    }
    guard let left = pager.exclusiveIfResident(leftID) else {
      missing = leftID
      return false
    }
    guard let right = pager.exclusiveIfResident(rightID) else {
      missing = rightID
      return false
    }
    let leftView = NodeView(left.bytes.view)
    let rightView = NodeView(right.bytes.view)
    if let fault = leftView.structuralFault() { throw .corrupt(leftView.corruption(fault)) }
    if let fault = rightView.structuralFault() { throw .corrupt(rightView.corruption(fault)) }
    guard leftView.level == rightView.level, leftView.level == parentView.level - 1,
      leftView.upperFence == rightView.lowerFence
    else { throw .corrupt(rightView.corruption("fences unlike its neighbour's")) }
    guard (leftIndex == underfullIndex ? leftView : rightView).isUnderfull,
      Self.fitTogether(leftView, rightView)
    else { return false }

    pager.willModify(parent)
    pager.willModify(left)
    let pageSize = left.bytes.count
    let scratch = Processor.threadScratch(2 * pageSize)
    scratch.copy(left.bytes.view)
    scratch.copy(right.bytes.view, at: pageSize)
    Self.unite(
      NodeView(scratch.view[0..<pageSize]), NodeView(scratch.view[pageSize..<2 * pageSize]),
      into: MutableNode(left.bytes))
    MutableNode(parent.bytes).remove(at: leftIndex)
    pager.free(right)
    statistics?.countMerge()
    return true
  }

  /// Whether a merged node would be at most three quarters full, so that it is not split again at
  /// once. An empty node is merged whenever it fits.
  private static func fitTogether(_ left: NodeView, _ right: NodeView) -> Bool {
    let upper = right.upperFence
    let prefixCount = upper.map { left.lowerFence.commonPrefixCount($0) } ?? 0
    var byteCount =
      MutableNode.byteCount(of: left, prefixCount: prefixCount)
      + MutableNode.byteCount(of: right, prefixCount: prefixCount)
    if !left.isLeaf {
      byteCount +=
        NodeLayout.slotByteCount + NodeLayout.innerEntryHeaderByteCount
        + right.lowerFence.count - prefixCount
    }
    let usable =
      left.bytes.count - NodeLayout.headerByteCount - left.lowerFence.count
      - (upper?.count ?? 0)
    if left.slotCount == 0 || right.slotCount == 0 { return byteCount <= usable }
    return byteCount * 4 <= usable * 3
  }

  private static func unite(_ left: NodeView, _ right: NodeView, into node: MutableNode) {
    node.format(level: left.level, lowerFence: left.lowerFence, upperFence: right.upperFence)
    node.append(0..<left.slotCount, of: left)
    if !left.isLeaf {
      node.setFirstChild(left.child(0))
      node.insert(
        at: left.slotCount,
        separatorSuffix: right.lowerFence.dropFirst(node.view.prefixCount),
        child: right.child(0))
    }
    node.append(0..<right.slotCount, of: right)
  }

  /// Moves the content of the root's only child into the root (T1).
  private func pullUpOnlyChild(_ seen: OptimisticPage) throws(TreeError) -> Bool {
    guard let root = pager.upgrade(seen) else { return false }
    let view = NodeView(root.bytes.view)
    if let fault = view.structuralFault() { throw .corrupt(view.corruption(fault)) }
    guard !view.isLeaf, view.slotCount == 0 else { return false }
    guard view.child(0) != root.id else {
      throw .corrupt(view.corruption("a node that is its own child"))
    }
    guard let child = pager.exclusiveIfResident(view.child(0)) else { return false }
    let childView = NodeView(child.bytes.view)
    guard childView.hasSoundHeader, childView.level == view.level - 1,
      childView.lowerFence.isEmpty, !childView.hasUpperFence
    else { throw .corrupt(childView.corruption("unlike an only child")) }
    pager.willModify(root)
    Self.moveContent(from: child.bytes.view, to: root.bytes)
    pager.free(child)
    statistics?.countMerge()
    return true
  }
}
