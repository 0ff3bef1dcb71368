import BTreeIndex
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
}
