import BTreeIndex
import Environment
import Paging
import Primitives
import RawBytes
import SystemEnvironment
import Testing

/// A change that the pager is not told of beforehand lives as long as its frame. Here a checkpoint
/// makes every page clean, one change of each kind follows, another checkpoint, and what is opened
/// again must be the tree that was there.
@Suite struct DurableShapeTests {
  private static let configuration = PagingConfiguration(
    pageSize: 4096, cacheByteCount: 2 << 20, compression: .lz4)

  /// Builds a tree, checkpoints it, changes it, checkpoints it again, and expects it after opening.
  private func expectDurable(
    build: (Tree) throws -> Void, change: (Tree) throws -> Void,
    sourceLocation: SourceLocation = #_sourceLocation
  ) throws {
    let effects = Effects.memory()
    var root = PageID.none
    let pager = try Pager.create(
      path: "/pages", configuration: Self.configuration, id: DatabaseID(high: 1, low: 2),
      ownerState: [], timestamp: Timestamp(1), effects: effects
    ) { (pager) throws(PagingError) -> [UInt8] in
      do throws(TreeError) {
        root = try Tree.create(in: pager).root
      } catch {
        guard case .paging(let cause) = error else { return [] }
        throw cause
      }
      return []
    }
    let tree = Tree(pager: pager, root: root)
    func checkpoint() throws {
      try pager.write(
        pager.captureCheckpoint(ownerState: [], timestamp: Timestamp(2), rootTable: []))
    }
    try build(tree)
    try checkpoint()
    try change(tree)
    try checkpoint()
    let before = try tree.contents()
    pager.close()
    let (again, _) = try Pager.open(
      path: "/pages", configuration: Self.configuration, effects: effects)
    defer { again.close() }
    let reopened = Tree(pager: again, root: root)
    try reopened.expectSound(sourceLocation: sourceLocation)
    let after = try reopened.contents()
    #expect(after.map(\.key) == before.map(\.key), sourceLocation: sourceLocation)
    #expect(after.map(\.value) == before.map(\.value), sourceLocation: sourceLocation)
  }

  private func fill(_ tree: Tree, _ count: Int) throws {
    for number in 0..<count { try tree.put(key(number), [UInt8](repeating: 1, count: 100)) }
  }

  @Test func `of one cursor over many leaves each change is kept`() throws {
    try expectDurable { tree in
      try fill(tree, 1_000)
    } change: { tree in
      var cursor = tree.makeWriteCursor()
      for number in stride(from: 0, to: 1_000, by: 10) {
        try key(number).withByteView { name throws(TreeError) in
          _ = try cursor.seek(name)
          try cursor.put(name, timestamp: Timestamp(2), flags: [], value: name)
        }
      }
      cursor.release()
    }
  }

  @Test func `of a split both halves and the parent are kept`() throws {
    try expectDurable { tree in
      try fill(tree, 200)
    } change: { tree in
      // The first leaf is split, and no other.
      for number in 0..<30 {
        try tree.put(key(3) + [UInt8(number)], [UInt8](repeating: 2, count: 100))
      }
    }
  }

  @Test func `of a merge the united leaf and the parent are kept`() throws {
    try expectDurable { tree in
      try fill(tree, 300)
    } change: { tree in
      for number in 0..<80 { _ = try tree.remove(key(number)) }
      let outcome = try key(40).withByteView { name throws(TreeError) in
        try tree.purgeTombstones(around: name, olderThan: .zero)
      }
      #expect(outcome.mergeCount > 0)
    }
  }

  /// A merge moves keys that were shown already into the leaf that comes next (S3).
  @Test func `a walk goes on behind its fence in a leaf that was merged`() throws {
    let tree = try makeTree()
    try fill(tree, 300)
    var cursor = tree.makeReadCursor()
    var isThere = try cursor.seekFirst()
    var last: [UInt8] = []
    var number = 0
    while isThere {
      #expect(last.isEmpty || precedes(last, cursor.key.array), "a key is shown twice")
      last = cursor.key.array
      if number == 5 {
        // The leaf being walked and the next ones become one, the shown keys still in it.
        for gone in 10..<90 { _ = try tree.remove(key(gone)) }
        let outcome = try key(60).withByteView { name throws(TreeError) in
          try tree.purgeTombstones(around: name, olderThan: .zero)
        }
        #expect(outcome.mergeCount > 0)
      }
      number += 1
      isThere = try cursor.next()
    }
    #expect(last == key(299))
  }

  @Test func `a value over a tombstone leaves no tombstone to be counted`() throws {
    let tree = try makeTree()
    try tree.put(key(1), [1, 2, 3, 4])
    try tree.put(key(1), [], timestamp: 2, flags: .tombstone)
    #expect(try tree.expectSound().tombstoneCount == 1)
    try tree.put(key(1), [], timestamp: 3)
    #expect(try tree.expectSound().tombstoneCount == 0)
  }
}
