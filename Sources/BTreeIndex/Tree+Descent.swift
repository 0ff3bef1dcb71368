import Paging
package import Primitives
package import RawBytes

/// Leave to read the bytes of a page that was seen at some version.
///
/// Usually that is nothing at all: the bytes may change under the reader, who validates afterwards.
/// Under `MARTLET_SHARED_LATCHES` it is a shared latch, so that the thread sanitizer sees an order
/// between readers and writers; no call that may wait happens while it is held.
struct NodeReading: ~Copyable {
  #if MARTLET_SHARED_LATCHES
    private let page: SharedPage
    var bytes: ByteView { page.bytes }

    /// Nil when the page is no longer what was seen.
    init?(_ seen: OptimisticPage, _ pager: Pager) throws(TreeError) {
      guard let held = try Self.share(seen, pager) else { return nil }
      page = held
    }

    private static func share(
      _ seen: OptimisticPage, _ pager: Pager
    ) throws(TreeError) -> SharedPage? {
      do throws(PagingError) {
        let held = try pager.shared(seen.id)
        guard pager.isValid(seen) else { return nil }
        return held
      } catch {
        // A page that was freed meanwhile has no image; that is no error of this tree.
        guard pager.isValid(seen) else { return nil }
        throw TreeError.paging(error)
      }
    }
  #else
    let bytes: ByteView

    @inline(__always)
    init?(_ seen: OptimisticPage, _ pager: Pager) throws(TreeError) { bytes = seen.bytes }
  #endif

  @inline(__always) var node: UnvalidatedNode { UnvalidatedNode(bytes) }
}

/// A leaf as a look-up saw it: good for coming back to it while nobody has changed it.
package struct SeenLeaf: Sendable {
  let page: OptimisticPage
}

/// A node and its parent as a descent saw them, both valid at one moment.
struct DescentStep {
  /// Nil when the node is the root.
  let parent: OptimisticPage?
  let node: OptimisticPage
}

/// Looking up: all that it takes is a pager and the id of a root. As methods of the pager, look-ups
/// count no references to it, which all threads share.
extension Pager {
  /// One step of a descent: what to do next.
  enum Step {
    case leaf
    case child(PageID)
    case restart
  }

  /// Finds out which child of a node to follow. A node that cannot be, although nobody changed it,
  /// is corrupt.
  @inline(__always)
  private func step(
    from page: OptimisticPage, expectedLevel: Int, _ key: ByteView,
    _ target: UnvalidatedNode.Target, stopLevel: Int = 0
  ) throws(TreeError) -> (step: Step, level: Int) {
    guard let reading = try NodeReading(page, self) else { return (.restart, 0) }
    let node = reading.node
    let level = node.level
    if node.isLeaf, level == 0, expectedLevel <= 0 { return (.leaf, 0) }
    if node.isInner, level > 0, level <= NodeLayout.maximumLevel,
      expectedLevel < 0 || level == expectedLevel
    {
      if level <= stopLevel { return (.leaf, level) }
      let child = node.child(for: key, target)
      if child != .none { return (.child(child), level) }
    }
    return (try restartUnlessCorrupt(page, "an impossible node"), 0)
  }

  /// What was seen is impossible: either it was torn, or it is corrupt.
  @inline(never)
  private func restartUnlessCorrupt(
    _ page: OptimisticPage, _ fault: String
  ) throws(TreeError) -> Step {
    if isValid(page) { throw TreeError.corrupt(TreeError.corruption(of: page.id, fault)) }
    return .restart
  }

  /// The child of a node, seen while the node still referred to it; nil when it no longer does.
  @inline(__always)
  private func follow(
    _ parent: OptimisticPage, to id: PageID
  ) throws(TreeError) -> OptimisticPage? {
    let child: OptimisticPage
    do throws(PagingError) {
      child = try optimistic(id)
    } catch {
      // A page that was freed meanwhile has no image; that is no error of this tree.
      guard isValid(parent) else { return nil }
      throw TreeError.paging(error)
    }
    return isValid(parent) ? child : nil
  }

  /// The leaf for a key, as it was while its parent still referred to it. What is read from it
  /// must be validated.
  ///
  /// - Complexity: O(height); begins again when a node on the path changes meanwhile.
  @inline(__always)
  func descend(
    from root: PageID, to key: ByteView, _ target: UnvalidatedNode.Target
  ) throws(TreeError) -> OptimisticPage {
    restart: while true {
      var page = try read(root)
      var expectedLevel = -1
      while true {
        let (step, level) = try step(from: page, expectedLevel: expectedLevel, key, target)
        switch step {
        case .leaf: return page
        case .restart: continue restart
        case .child(let id):
          // Before following: the id is no torn one.
          guard isValid(page) else { continue restart }
          guard let child = try follow(page, to: id) else { continue restart }
          // Header and slots of a leaf: it is the leaf that is not in the processor's cache.
          if level == 1 { Processor.prefetch(child.bytes) }
          page = child
          expectedLevel = level &- 1
        }
      }
    }
  }

  /// The node at a level on the path to a key, and its parent. Nil when the tree is lower.
  func descend(
    from root: PageID, to key: ByteView, level stopLevel: Int,
    _ target: UnvalidatedNode.Target = .covering
  ) throws(TreeError) -> DescentStep? {
    restart: while true {
      var parent: OptimisticPage?
      var page = try read(root)
      var expectedLevel = -1
      while true {
        let (step, level) = try step(
          from: page, expectedLevel: expectedLevel, key, target, stopLevel: stopLevel)
        switch step {
        case .leaf:
          guard isValid(page) else { continue restart }
          return level == stopLevel ? DescentStep(parent: parent, node: page) : nil
        case .restart: continue restart
        case .child(let id):
          guard isValid(page) else { continue restart }
          guard let child = try follow(page, to: id) else { continue restart }
          parent = page
          page = child
          expectedLevel = level &- 1
        }
      }
    }
  }

  // MARK: Point reads

  /// Finds the entry of a key and appends its value to a buffer. Waits for no one but the holder
  /// of an exclusive latch on the path, and reads missing pages.
  ///
  /// - Throws: the buffer may hold more than before.
  package func find(
    _ key: ByteView, from root: PageID, appendingValueTo scratch: inout ByteBuffer
  ) throws(TreeError) -> FoundEntry? {
    let start = scratch.count
    while true {
      let page = try descend(from: root, to: key, .covering)
      guard let reading = try NodeReading(page, self) else { continue }
      let node = reading.node
      let position = node.search(
        key, entryHeaderByteCount: NodeLayout.leafEntryHeaderByteCount)
      if position.finding == .found, let place = node.entry(at: position.index) {
        scratch.append(place.value)
        if isValid(page) {
          return FoundEntry(
            timestamp: place.timestamp, flags: place.flags,
            valueRange: start..<start &+ place.value.count)
        }
        scratch.truncate(to: start)
      } else if isValid(page) {
        if position.finding == .absent { return nil }
        throw TreeError.corrupt(TreeError.corruption(of: page.id, "an impossible entry"))
      }
    }
  }

  /// When the key's entry was written; nil when there is none. Leaves the leaf in memory.
  package func newestTimestamp(
    of key: ByteView, from root: PageID
  ) throws(TreeError) -> Timestamp? {
    var leaf: SeenLeaf?
    return try newestTimestamp(of: key, from: root, seeing: &leaf)
  }

  /// The same, and says which leaf it was that was looked at.
  package func newestTimestamp(
    of key: ByteView, from root: PageID, seeing leaf: inout SeenLeaf?
  ) throws(TreeError) -> Timestamp? {
    while true {
      let page = try descend(from: root, to: key, .covering)
      guard let reading = try NodeReading(page, self) else { continue }
      let node = reading.node
      let position = node.search(
        key, entryHeaderByteCount: NodeLayout.leafEntryHeaderByteCount)
      let place = position.finding == .found ? node.entry(at: position.index) : nil
      if isValid(page) {
        leaf = SeenLeaf(page: page)
        if let place { return place.timestamp }
        if position.finding == .absent { return nil }
        throw TreeError.corrupt(TreeError.corruption(of: page.id, "an impossible entry"))
      }
    }
  }

  // MARK: Whole leaves

  /// The leaf for a key and those next to it in one direction, as far as the node above names them,
  /// up to `limit` in all. None when there is no node above.
  func leaves(
    from root: PageID, at key: ByteView, _ target: UnvalidatedNode.Target, isForward: Bool,
    limit: Int
  ) throws(TreeError) -> [PageID] {
    while true {
      guard let step = try descend(from: root, to: key, level: 1, target) else { return [] }
      guard let reading = try NodeReading(step.node, self) else { continue }
      let leaves = reading.node.children(for: key, target, isForward: isForward, limit: limit)
      if isValid(step.node) { return leaves }
    }
  }

  /// Copies the leaf for a key to memory of the caller, as it stood at one moment.
  func copyLeaf(
    from root: PageID, for key: ByteView, _ target: UnvalidatedNode.Target,
    into copy: MutableByteView
  ) throws(TreeError) {
    while true {
      let page = try descend(from: root, to: key, target)
      guard let reading = try NodeReading(page, self) else { continue }
      let isPossible = reading.node.copyUsed(into: copy)
      guard isValid(page) else { continue }
      guard isPossible, NodeView(copy.view).hasSoundHeader else {
        throw TreeError.corrupt(TreeError.corruption(of: page.id, "impossible bounds"))
      }
      return
    }
  }
}

extension Tree {
  /// See `Pager.descend(from:to:_:)`.
  func descend(
    to key: ByteView, _ target: UnvalidatedNode.Target
  ) throws(TreeError) -> OptimisticPage {
    try pager.descend(from: root, to: key, target)
  }

  /// See `Pager.descend(from:to:level:)`.
  func descend(to key: ByteView, level: Int) throws(TreeError) -> DescentStep? {
    try pager.descend(from: root, to: key, level: level)
  }

  /// See `Pager.find`.
  package func find(
    _ key: ByteView, appendingValueTo scratch: inout ByteBuffer
  ) throws(TreeError) -> FoundEntry? {
    try pager.find(key, from: root, appendingValueTo: &scratch)
  }

  /// See `Pager.newestTimestamp`.
  package func newestTimestamp(of key: ByteView) throws(TreeError) -> Timestamp? {
    try pager.newestTimestamp(of: key, from: root)
  }
}
