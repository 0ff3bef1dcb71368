import BTreeIndex
import Paging
import Primitives
import RawBytes
import Testing

@Suite struct ReadCursorTests {
  private func makeTree(_ keys: [[UInt8]]) throws -> Tree {
    let tree = try BTreeIndexTests.makeTree()
    for key in keys.shuffled() { try tree.put(key, key) }
    return tree
  }

  @Test func `seeks find the neighbours of every key, present or absent`() throws {
    let keys = stride(from: 0, to: 2_000, by: 2).map { key($0) }
    let tree = try makeTree(keys)
    var cursor = tree.makeReadCursor()
    for number in stride(from: 0, through: 2_000, by: 37) {
      for probe in [key(number), key(number) + [0], Array(key(number).dropLast())] {
        let after = keys.first { precedes(probe, $0) }
        let atOrAfter = keys.first { !precedes($0, probe) }
        let before = keys.last { precedes($0, probe) }
        let atOrBefore = keys.last { !precedes(probe, $0) }
        try probe.withByteView { probe throws(TreeError) in
          #expect(try cursor.seek(after: probe) == (after != nil))
          if let after { #expect(cursor.key.array == after) }
          #expect(try cursor.seek(atOrAfter: probe) == (atOrAfter != nil))
          if let atOrAfter { #expect(cursor.key.array == atOrAfter) }
          #expect(try cursor.seek(before: probe) == (before != nil))
          if let before { #expect(cursor.key.array == before) }
          #expect(try cursor.seek(atOrBefore: probe) == (atOrBefore != nil))
          if let atOrBefore {
            #expect(cursor.key.array == atOrBefore)
            #expect(cursor.entry.value.array == atOrBefore)
          }
        }
      }
    }
  }

  @Test func `a cursor walks both ways and turns back at both ends`() throws {
    let keys = (0..<3_000).map { textKey($0) }
    let tree = try makeTree(keys)
    var cursor = tree.makeReadCursor()
    var forward: [[UInt8]] = []
    // A new cursor stands before everything.
    while try cursor.next() { forward.append(cursor.key.array) }
    #expect(forward == keys)
    #expect(try !cursor.next())
    var backward: [[UInt8]] = []
    while try cursor.previous() { backward.append(cursor.key.array) }
    #expect(backward == keys.reversed())
    #expect(try !cursor.previous())
    #expect(try cursor.next())
    #expect(cursor.key.array == keys[0])
    #expect(try cursor.seekLast())
    #expect(cursor.key.array == keys[2_999])
    #expect(try cursor.previous())
    #expect(cursor.key.array == keys[2_998])
    #expect(try cursor.next())
    #expect(cursor.key.array == keys[2_999])
  }

  @Test func `an empty tree has no entries in either direction`() throws {
    let tree = try makeTree([])
    var cursor = tree.makeReadCursor()
    #expect(try !cursor.next())
    #expect(try !cursor.seekFirst())
    #expect(try !cursor.seekLast())
    #expect(try !cursor.seek(before: .empty))
    #expect(try !cursor.seek(atOrBefore: .empty))
    #expect(try !cursor.previous())
  }

  @Test func `the empty key is the first and nothing is before it`() throws {
    let tree = try makeTree([[], [0], [0, 0]])
    var cursor = tree.makeReadCursor()
    #expect(try cursor.seek(atOrAfter: .empty))
    #expect(cursor.key.isEmpty)
    #expect(try !cursor.seek(before: .empty))
    #expect(try cursor.seek(atOrBefore: .empty))
    #expect(cursor.key.isEmpty)
    #expect(try cursor.seek(after: .empty))
    #expect(cursor.key.array == [0])
  }

  @Test func `a walk goes on over leaves that were emptied but not merged`() throws {
    let keys = (0..<2_000).map { key($0) }
    let tree = try makeTree(keys)
    for number in 100..<1_900 { #expect(try tree.remove(key(number))) }
    let left = keys[0..<100] + keys[1_900...]
    #expect(try tree.contents().map(\.key) == Array(left))
    var cursor = tree.makeReadCursor()
    #expect(try cursor.seekLast())
    var backward = [cursor.key.array]
    while try cursor.previous() { backward.append(cursor.key.array) }
    #expect(backward == left.reversed())
    try key(1_000).withByteView { middle throws(TreeError) in
      #expect(try cursor.seek(before: middle))
      #expect(cursor.key.array == key(99))
      #expect(try cursor.seek(atOrAfter: middle))
      #expect(cursor.key.array == key(1_900))
    }
  }

  @Test func `a walk survives splits and merges of what lies ahead`() throws {
    let tree = try makeTree((0..<1_000).map { key($0 * 10) })
    var cursor = tree.makeReadCursor()
    var seen: [Int] = []
    var turn = 0
    while try cursor.next() {
      let number = Int(cursor.key.array.reduce(0) { $0 << 8 | UInt64($1) })
      seen.append(number)
      turn += 1
      if turn % 50 == 0, turn < 1_000 {
        // New keys right ahead, and old ones gone for good.
        for ahead in 1..<200 { try tree.put(key(number + ahead * 10 + 1), [1]) }
        for ahead in 100..<200 { _ = try tree.remove(key(number + ahead * 10)) }
        for ahead in 100..<200 {
          _ = try key(number + ahead * 10).withByteView { name throws(TreeError) in
            try tree.purgeTombstones(around: name, olderThan: Timestamp.zero)
          }
        }
      }
      if turn > 100_000 { break }
    }
    #expect(seen == seen.sorted())
    #expect(Set(seen).count == seen.count)
    #expect(turn < 100_000)
  }

  @Test func `skipping from leaf to leaf meets every leaf once`() throws {
    let tree = try makeTree((0..<3_000).map { key($0) })
    var cursor = tree.makeReadCursor()
    var count = 0
    var last: [UInt8] = []
    while try cursor.nextLeaf() {
      #expect(count == 0 || precedes(last, cursor.key.array))
      last = cursor.key.array
      count += 1
    }
    #expect(count == (try tree.expectSound().leafCount))
  }

  /// 64 frames of 4 KiB for far more leaves.
  private func makeLargeTree() throws -> (Tree, [[UInt8]]) {
    let tree = try BTreeIndexTests.makeTree(cacheByteCount: 256 << 10)
    let keys = (0..<8_000).map { key($0) }
    for key in keys { try tree.put(key, [UInt8](repeating: 7, count: 100)) }
    try tree.pager.write(
      tree.pager.captureCheckpoint(ownerState: [], timestamp: Timestamp(1), rootTable: []))
    return (tree, keys)
  }

  @Test func `a long walk reads ahead, and leaves the leaves of others in memory`() throws {
    let (tree, keys) = try makeLargeTree()
    tree.pager.close()
    let hot = stride(from: 0, to: 600, by: 10).map { keys[$0] }
    func misses() throws -> Int {
      let before = tree.pager.statistics.pageReads
      for key in hot { _ = try tree.get(key) }
      return tree.pager.statistics.pageReads - before
    }
    for _ in 0..<3 { _ = try misses() }
    #expect(try misses() == 0)
    var cursor = tree.makeReadCursor()
    var forward: [[UInt8]] = []
    while try cursor.next() { forward.append(cursor.key.array) }
    #expect(forward == keys)
    #expect(tree.pager.statistics.readAheads > 150)
    #expect(try misses() <= 3)
    var backward: [[UInt8]] = []
    while try cursor.previous() { backward.append(cursor.key.array) }
    #expect(backward == keys.reversed())
    #expect(tree.pager.statistics.readAheads > 300)
    #expect(try misses() <= 3)
  }

  @Test func `a short walk asks for nothing ahead`() throws {
    let (tree, keys) = try makeLargeTree()
    defer { tree.pager.close() }
    var cursor = tree.makeReadCursor()
    for start in stride(from: 0, to: 7_000, by: 500) {
      try keys[start].withByteView { key throws(TreeError) in
        #expect(try cursor.seek(atOrAfter: key))
      }
      for _ in 0..<50 { #expect(try cursor.next()) }
    }
    #expect(tree.pager.statistics.readAheads == 0)
  }
}
