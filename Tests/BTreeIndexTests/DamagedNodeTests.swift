import BTreeIndex
import Paging
import Primitives
import RawBytes
import Testing

/// Structure changes that meet a node whose bytes lie: they end with a typed error, and hold
/// nothing afterwards.
///
/// Forged pages of the damage tests showed it: maintenance met the same bad neighbour a second time
/// and waited for a latch that its own first attempt had kept.
@Suite(.timeLimit(.minutes(20))) struct DamagedNodeTests {
  /// A root over leaves, the first of which has nothing but tombstones.
  private func makeTreeWithEmptyLeaf() throws -> (tree: Tree, leaves: [PageID]) {
    let tree = try makeTree()
    for number in 0..<200 {
      try tree.put(textKey(number), [UInt8](repeating: 1, count: 50), timestamp: 5)
    }
    var ids: [PageID] = []
    try tree.verify(visit: { ids.append($0) }, report: { _ in })
    let leaves = Array(ids.dropFirst())
    let first = try tree.pager.shared(leaves[0])
    let count = NodeView(first.bytes).slotCount
    _ = consume first
    for number in 0..<count { try tree.put(textKey(number), [], timestamp: 6, flags: .tombstone) }
    return (tree, leaves)
  }

  private func change(
    _ id: PageID, of tree: Tree, _ body: (MutableNode) -> Void
  ) throws {
    let page = try tree.pager.exclusive(id)
    tree.pager.willModify(page)
    body(MutableNode(page.bytes))
  }

  private func purge(_ tree: Tree) throws {
    try textKey(0).withByteView { key throws(TreeError) in
      _ = try tree.purgeTombstones(around: key, olderThan: Timestamp(9))
    }
  }

  @Test func `a neighbour that cannot be merged is refused each time`() throws {
    let (tree, leaves) = try makeTreeWithEmptyLeaf()
    try change(leaves[1], of: tree) { $0.bytes.store(UInt32(1), at: NodeLayout.garbageByteCount) }
    for _ in 0..<3 { #expect(throws: TreeError.self) { try purge(tree) } }
    for leaf in leaves { _ = try tree.pager.exclusive(leaf) }
  }

  @Test func `a node that is its own neighbour is refused`() throws {
    let (tree, leaves) = try makeTreeWithEmptyLeaf()
    try change(tree.root, of: tree) { root in
      root.bytes.store(leaves[0].rawValue, at: root.view.slot(0).offset)
    }
    for _ in 0..<3 { #expect(throws: TreeError.self) { try purge(tree) } }
  }

  @Test func `a node that is its own parent is refused`() throws {
    let (tree, _) = try makeTreeWithEmptyLeaf()
    try change(tree.root, of: tree) { root in
      root.bytes.store(tree.root.rawValue, at: root.view.slot(0).offset)
    }
    for _ in 0..<3 { #expect(throws: TreeError.self) { try purge(tree) } }
  }
}
