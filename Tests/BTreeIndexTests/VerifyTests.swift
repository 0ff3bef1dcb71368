import BTreeIndex
import Paging
import Primitives
import RawBytes
import Seeds
import Testing

@Suite struct VerifyTests {
  private func findings(_ tree: Tree) throws -> [CorruptionError] {
    var findings: [CorruptionError] = []
    try tree.verify(visit: { _ in }, report: { findings.append($0) })
    return findings
  }

  /// A tree of two levels and more.
  private func makeFullTree() throws -> Tree {
    let tree = try makeTree()
    for number in 0..<500 {
      try tree.put(textKey(number), [UInt8](repeating: 1, count: 50), timestamp: 5)
    }
    return tree
  }

  private func change(
    _ id: PageID, of tree: Tree, _ body: (MutableNode) -> Void
  ) throws {
    let page = try tree.pager.exclusive(id)
    tree.pager.willModify(page)
    body(MutableNode(page.bytes))
  }

  /// Ids of root and leaves.
  private func pages(_ tree: Tree) throws -> [PageID] {
    var ids: [PageID] = []
    try tree.verify(visit: { ids.append($0) }, report: { _ in })
    return ids
  }

  private func expectFinding(
    _ text: String, in tree: Tree, sourceLocation: SourceLocation = #_sourceLocation
  ) throws {
    let found = try findings(tree)
    #expect(
      found.contains { $0.found.contains(text) }, "\(found)", sourceLocation: sourceLocation)
  }

  @Test func `each kind of damage to a leaf is found, and only that leaf is blamed`() throws {
    let damages: [(String, (MutableNode) -> Void)] = [
      ("head of slot 3", { $0.bytes[NodeLayout.headerByteCount + 8 * 3 + 4] ^= 1 }),
      ("timestamp", { $0.bytes.store(UInt64(9), at: $0.view.slot(2).offset) }),
      ("tombstones", { $0.bytes.store(UInt32(1), at: NodeLayout.tombstoneCount) }),
      ("page id", { $0.bytes.store(UInt32(77_777), at: NodeLayout.pageID) }),
      ("heap of", { $0.bytes.store(UInt32(1), at: NodeLayout.garbageByteCount) }),
      ("impossible header", { $0.bytes[NodeLayout.level] = 1 }),
      ("outside the heap", { $0.bytes.store(UInt16(0), at: NodeLayout.headerByteCount + 2) }),
      ("gap", { $0.bytes[$0.view.slotsEnd + 1] = 1 }),
      ("flags", { $0.bytes[$0.view.slot(2).offset + NodeLayout.entryFlags] = 8 }),
      (
        "overflow reference",
        { $0.bytes[$0.view.slot(2).offset + NodeLayout.entryFlags] = 2 }
      ),
      (
        "tombstone 2 with a value",
        { $0.bytes[$0.view.slot(2).offset + NodeLayout.entryFlags] = 1 }
      ),
      (
        "order",
        { node in
          let slots = NodeLayout.headerByteCount
          let one = node.bytes.load(UInt64.self, at: slots + 8)
          node.bytes.store(node.bytes.load(UInt64.self, at: slots + 16), at: slots + 8)
          node.bytes.store(one, at: slots + 16)
        }
      ),
    ]
    for (text, damage) in damages {
      let tree = try makeFullTree()
      let leaf = try pages(tree)[2]
      try change(leaf, of: tree, damage)
      try expectFinding(text, in: tree)
      let blamed = Set(try findings(tree).map(\.location))
      #expect(blamed == ["page \(leaf.rawValue)"])
    }
  }

  @Test func `a fence that differs from the parent's separator is found`() throws {
    let tree = try makeFullTree()
    let leaf = try pages(tree)[2]
    try change(leaf, of: tree) { $0.bytes[$0.view.heapEnd] ^= 0x40 }
    #expect(try !findings(tree).isEmpty)
  }

  @Test func `a child at the wrong place is found and the walk goes on`() throws {
    let tree = try makeFullTree()
    let ids = try pages(tree)
    try change(tree.root, of: tree) { node in
      node.bytes.store(ids[1].rawValue, at: node.view.slot(2).offset)
    }
    try expectFinding("unlike what its parent says", in: tree)
    // Leaves behind the damage are visited all the same.
    #expect(try pages(tree).contains(ids[ids.count - 1]))
  }

  @Test func `reads of a node that cannot be throw and do not trap`() throws {
    var random = SplitMix(Seed.take(for: #function))
    for turn in 0..<operationCount(debug: 60, release: 300) {
      let tree = try makeTree()
      for number in 0..<(turn % 2 == 0 ? 20 : 400) {
        try tree.put(textKey(number), [UInt8](repeating: 1, count: 50), timestamp: 5)
      }
      let victim = try pages(tree).randomElement(using: &random)!
      try change(victim, of: tree) { node in
        for _ in 0..<Int.random(in: 1...8, using: &random) {
          // Header and slots, not the page's kind alone.
          let offset = Int.random(in: 0..<200, using: &random)
          if offset >= NodeLayout.slotCount || offset == 0 {
            node.bytes[offset] = UInt8.random(in: 0...255, using: &random)
          }
        }
      }
      // Whatever happens is an answer or a TreeError; and the walks end.
      for number in stride(from: 0, to: 420, by: 13) {
        let name = textKey(number)
        do throws(TreeError) { _ = try tree.get(name) } catch {}
        do throws(TreeError) {
          try tree.put(name, [UInt8](repeating: 2, count: number % 120))
        } catch {}
        do throws(TreeError) { _ = try tree.remove(name) } catch {}
        do throws(TreeError) {
          _ = try name.withByteView { name throws(TreeError) in
            try tree.purgeTombstones(around: name, olderThan: .max)
          }
        } catch {}
      }
      var cursor = tree.makeReadCursor()
      do throws(TreeError) { while try cursor.next() {} } catch {}
      do throws(TreeError) {
        _ = try cursor.seekLast()
        while try cursor.previous() {}
      } catch {}
      _ = try findings(tree)
    }
  }

  @Test func `a short or misplaced page of a large value is found`() throws {
    let tree = try makeTree()
    let large = [UInt8](repeating: 5, count: 30_000)
    var writer = OverflowWriter(pager: tree.pager, byteCount: UInt64(large.count))
    try large.withByteView { try writer.append($0) }
    let reference = try writer.finish()
    var encoded = ByteBuffer()
    encoded.append(zeros: OverflowReference.encodedByteCount)
    reference.encode(into: encoded.mutableView)
    try Overflow.publish(reference, pager: tree.pager)
    try tree.put([1], encoded.view.array, flags: .overflow)
    let census = try tree.expectSound()
    #expect(census.overflowPageCount == 9)
    var ids: [PageID] = []
    try Overflow.forEachPage(reference, pager: tree.pager) { id throws(TreeError) in
      ids.append(id)
    }
    let page = try tree.pager.exclusive(ids[3])
    tree.pager.willModify(page)
    page.bytes.store(UInt32(4), at: OverflowLayout.ordinalOrLevel)
    _ = consume page
    #expect(try findings(tree).count == 1)
  }
}
