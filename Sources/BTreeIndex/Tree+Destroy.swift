import Paging
import Primitives
import RawBytes

/// Freeing a whole tree, a little at a time.
///
/// After every call the tree is sound, only smaller: it loses its last leaf with its large values,
/// and every inner node above that has no other child. So it does not matter where a crash or a
/// checkpoint falls between two calls.
extension Tree {
  /// Frees about `limit` pages of a tree that nobody reads or writes any more. One call is one
  /// structure change as far as checkpoints are concerned.
  ///
  /// - Returns: whether nothing is left, not even the root: the caller forgets the tree before the
  ///   next checkpoint.
  package func destroySome(limit: Int) throws(TreeError) -> Bool {
    var freed = 0
    while freed < limit {
      let path = try lastPath()
      let leaf = path[path.count - 1].id
      let valuePages = try shedOverflow(of: leaf, limit: limit - freed)
      if valuePages > 0 {
        freed += valuePages
        continue
      }
      if path.count == 1 {
        pager.free(leaf)
        return true
      }
      freed += try dropLastChain(path)
    }
    return false
  }

  /// A node on the way to the last leaf.
  private struct PathNode {
    let id: PageID
    let slotCount: Int
  }

  /// The nodes from the root to the last leaf.
  private func lastPath() throws(TreeError) -> [PathNode] {
    var path: [PathNode] = []
    var id = root
    while true {
      let page = try pager.share(id)
      let view = NodeView(page.bytes)
      if let fault = view.structuralFault() { throw .corrupt(view.corruption(fault)) }
      guard path.count <= NodeLayout.maximumLevel else {
        throw .corrupt(view.corruption("a node too deep"))
      }
      path.append(PathNode(id: id, slotCount: view.slotCount))
      if view.isLeaf { return path }
      id = view.child(view.slotCount)
      guard id != .none else { throw .corrupt(view.corruption("no last child")) }
    }
  }

  /// Frees pages of the leaf's last large value, from the value's end.
  ///
  /// - Returns: how many; zero when the leaf has no large value.
  private func shedOverflow(of leaf: PageID, limit: Int) throws(TreeError) -> Int {
    guard let (index, reference) = try lastOverflow(of: leaf) else { return 0 }
    let layout = OverflowLayout(pageSize: pager.pageSize)
    let pageCount = layout.dataPageCount(reference.byteCount)
    let kept = max(0, pageCount - max(limit, 1))
    // Everything that may fail comes before the first change.
    var ids: [PageID] = []
    var walker = OverflowWalker(reference, pager: pager)
    try walker.forEachPage(from: kept) { (id, _) throws(TreeError) in ids.append(id) }
    try shorten(leaf, index, reference, to: UInt64(kept) * UInt64(layout.dataByteCount))
    for id in ids { pager.free(id) }
    return ids.count
  }

  /// Makes the entry's large value so short, or removes the entry.
  private func shorten(
    _ leaf: PageID, _ index: Int, _ reference: OverflowReference, to byteCount: UInt64
  ) throws(TreeError) {
    let page = try pager.hold(leaf)
    pager.willModify(page)
    let node = MutableNode(page.bytes)
    guard byteCount > 0 else { return node.remove(at: index) }
    let encoded = Processor.threadScratch(OverflowReference.encodedByteCount)
    OverflowReference(byteCount: byteCount, root: reference.root).encode(into: encoded)
    let entry = node.view.entry(index)
    node.overwrite(
      at: index, timestamp: entry.timestamp, flags: .overflow, value: encoded.view)
  }

  /// The last entry of a leaf that refers to overflow pages.
  private func lastOverflow(
    of leaf: PageID
  ) throws(TreeError) -> (index: Int, reference: OverflowReference)? {
    let page = try pager.share(leaf)
    let view = NodeView(page.bytes)
    if let fault = view.structuralFault() { throw .corrupt(view.corruption(fault)) }
    for index in (0..<view.slotCount).reversed() {
      let entry = view.entry(index)
      guard entry.flags.contains(.overflow) else { continue }
      guard let reference = entry.overflowReference else {
        throw .corrupt(view.corruption("an impossible overflow reference"))
      }
      return (index, reference)
    }
    return nil
  }

  /// Frees the last leaf and every node above it that has no other child. When that is all of
  /// them, the root becomes an empty leaf.
  ///
  /// - Returns: how many pages were freed.
  private func dropLastChain(_ path: [PathNode]) throws(TreeError) -> Int {
    var top = path.count - 2
    while top > 0, path[top].slotCount == 0 { top -= 1 }
    try cutLastChild(of: path[top].id)
    for node in path[(top + 1)...] { pager.free(node.id) }
    return path.count - 1 - top
  }

  private func cutLastChild(of id: PageID) throws(TreeError) {
    let page = try pager.hold(id)
    pager.willModify(page)
    let node = MutableNode(page.bytes)
    if node.view.slotCount > 0 {
      node.remove(at: node.view.slotCount - 1)
    } else {
      node.format(level: 0, lowerFence: .empty, upperFence: nil)
    }
  }
}

extension Pager {
  fileprivate func hold(_ id: PageID) throws(TreeError) -> ExclusivePage {
    do throws(PagingError) {
      return try exclusive(id)
    } catch {
      throw TreeError.paging(error)
    }
  }

  fileprivate func share(_ id: PageID) throws(TreeError) -> SharedPage {
    do throws(PagingError) {
      return try shared(id)
    } catch {
      throw TreeError.paging(error)
    }
  }
}
