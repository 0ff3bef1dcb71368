import Paging
import Primitives
import RawBytes

/// Making room: a full node is split under its parent's latch, the parent first when it has no
/// room for another separator.
extension Tree {
  private enum SplitOutcome: ~Copyable {
    /// The node that covers the key, with room unless its entries are unlucky.
    case held(ExclusivePage)
    /// Something changed meanwhile, or the root was pushed down.
    case again
    /// The parent must have this many free bytes first.
    case parentFull(needed: Int)
    /// The tree is lower than that.
    case noSuchLevel
  }

  /// Splits the leaf of a key unless it has room by now.
  ///
  /// - Returns: the leaf that covers the key, latched. It may still lack room when entries are
  ///   large; then ask again. (Any leaf has room for two, so that ends.)
  func splitLeaf(
    for key: ByteView, pattern: SplitPlan.Pattern, needed: Int
  ) throws(TreeError) -> ExclusivePage {
    while true {
      switch try attemptSplit(level: 0, for: key, pattern, needed: needed) {
      case .held(let page): return page
      case .again: continue
      case .noSuchLevel: continue
      case .parentFull(let parentNeeded): try splitInner(1, for: key, needed: parentNeeded)
      }
    }
  }

  private func splitInner(_ level: Int, for key: ByteView, needed: Int) throws(TreeError) {
    while true {
      switch try attemptSplit(level: level, for: key, .anywhere, needed: needed) {
      case .held: return
      case .noSuchLevel: return
      case .again: continue
      case .parentFull(let parentNeeded):
        try splitInner(level + 1, for: key, needed: parentNeeded)
      }
    }
  }

  private func attemptSplit(
    level: Int, for key: ByteView, _ pattern: SplitPlan.Pattern, needed: Int
  ) throws(TreeError) -> SplitOutcome {
    // T6: the frame first, then the latches.
    var frames = try pager.reserveFrames(1)
    guard let step = try descend(to: key, level: level) else { return .noSuchLevel }
    guard let seenParent = step.parent else {
      try pushDownRoot(step.node, needed: needed, &frames)
      return .again
    }
    guard let parent = pager.upgrade(seenParent), let node = pager.upgrade(step.node) else {
      return .again
    }
    let parentView = NodeView(parent.bytes.view)
    let view = NodeView(node.bytes.view)
    if let fault = parentView.structuralFault() { throw .corrupt(parentView.corruption(fault)) }
    if let fault = view.structuralFault() { throw .corrupt(view.corruption(fault)) }
    if view.freeByteCount >= needed { return .held(node) }

    let plan =
      level == 0
      ? SplitPlan(leaf: view, key: key, pattern: pattern) : SplitPlan(inner: view)
    guard let plan,
      plan.separatorCount <= NodeLayout.maximumKeyByteCount(pageSize: pager.pageSize)
    else { throw .corrupt(view.corruption("full with too few entries, or keys too long")) }
    let position = UnvalidatedNode(parent.bytes.view).search(
      key, entryHeaderByteCount: NodeLayout.innerEntryHeaderByteCount)
    let childIndex = position.finding == .found ? position.index + 1 : position.index
    let suffixCount = plan.separatorCount - parentView.prefixCount
    guard position.finding != .impossible, parentView.child(childIndex) == node.id,
      suffixCount >= 0
    else { throw .corrupt(parentView.corruption("not the parent of page \(node.id.rawValue)")) }
    let neededInParent =
      NodeLayout.slotByteCount + NodeLayout.innerEntryHeaderByteCount + suffixCount
    guard parentView.freeByteCount >= neededInParent else {
      return .parentFull(needed: neededInParent)
    }

    pager.willModify(parent)
    pager.willModify(node)
    let right = pager.allocate(from: &frames)
    // The pager is not called while the thread's scratch is in use.
    let pageSize = node.bytes.count
    let scratch = Processor.threadScratch(2 * pageSize)
    let copy = scratch[0..<pageSize]
    copy.copy(node.bytes.view)
    let source = NodeView(copy.view)
    let separator = plan.writeSeparator(
      of: source, newKey: key, into: scratch[pageSize..<2 * pageSize])
    Self.divide(source, plan, separator, left: node.bytes, right: right.bytes)

    let parentNode = MutableNode(parent.bytes)
    if parentNode.view.contiguousFreeByteCount < neededInParent {
      parentNode.compact(scratch: copy)
    }
    parentNode.insert(
      at: childIndex, separatorSuffix: separator.dropFirst(parentNode.view.prefixCount),
      child: right.id)
    statistics?.countSplit()
    return KeyOrder.compare(key, separator) < 0 ? .held(node) : .held(right)
  }

  /// Distributes the entries of a node, of which `source` is a copy.
  private static func divide(
    _ source: NodeView, _ plan: SplitPlan, _ separator: ByteView, left: MutableByteView,
    right: MutableByteView
  ) {
    let leftNode = MutableNode(left)
    let rightNode = MutableNode(right)
    leftNode.format(level: source.level, lowerFence: source.lowerFence, upperFence: separator)
    rightNode.format(level: source.level, lowerFence: separator, upperFence: source.upperFence)
    leftNode.append(0..<plan.position, of: source)
    if source.isLeaf {
      rightNode.append(plan.position..<source.slotCount, of: source)
    } else {
      leftNode.setFirstChild(source.child(0))
      rightNode.setFirstChild(source.child(plan.position + 1))
      rightNode.append(plan.position + 1..<source.slotCount, of: source)
    }
  }

  /// Moves the root's content into a new child, which can then be split (T1).
  private func pushDownRoot(
    _ seen: OptimisticPage, needed: Int, _ frames: inout FrameReservation
  ) throws(TreeError) {
    guard let root = pager.upgrade(seen) else { return }
    let view = NodeView(root.bytes.view)
    if let fault = view.structuralFault() { throw .corrupt(view.corruption(fault)) }
    guard view.level < NodeLayout.maximumLevel else {
      throw .corrupt(view.corruption("a tree of \(view.level) levels"))
    }
    pager.willModify(root)
    let child = pager.allocate(from: &frames)
    let level = view.level
    Self.moveContent(from: root.bytes.view, to: child.bytes)
    let node = MutableNode(root.bytes)
    node.format(level: level + 1, lowerFence: .empty, upperFence: nil)
    node.setFirstChild(child.id)
    statistics?.countSplit()
  }

  /// Copies everything of a node but its page id.
  static func moveContent(from source: ByteView, to target: MutableByteView) {
    target.copy(source.prefix(NodeLayout.pageID))
    target.copy(source.dropFirst(NodeLayout.slotCount), at: NodeLayout.slotCount)
  }
}
