import BTreeIndex
import Paging
import Primitives
import RawBytes
import Seeds
import Testing

@Suite struct TreeShapeTests {
  private func fill(_ tree: Tree, _ keys: some Sequence<[UInt8]>, valueCount: Int = 50) throws {
    let value = [UInt8](repeating: 7, count: valueCount)
    var cursor = tree.makeWriteCursor()
    for key in keys {
      try key.withByteView { key throws(TreeError) in
        _ = try cursor.seek(key)
        try value.withByteView { value throws(TreeError) in
          try cursor.put(key, timestamp: Timestamp(1), flags: [], value: value)
        }
      }
    }
  }

  @Test func `keys in order fill their leaves`() throws {
    let tree = try makeTree()
    try fill(tree, (0..<20_000).lazy.map { key($0) })
    let census = try tree.expectSound()
    #expect(census.entryCount == 20_000)
    // 4,056 bytes for entries of 8 + 11 + at most 8 + 50: at least 52 a leaf, and the prefixes
    // leave little empty.
    #expect(census.leafCount <= 20_000 / 48)
  }

  @Test func `keys in order among others fill their leaves`() throws {
    let tree = try makeTree()
    try fill(tree, (0..<100).lazy.map { textKey($0, prefix: "a/") })
    try fill(tree, (0..<100).lazy.map { textKey($0, prefix: "z/") })
    let before = try tree.expectSound().leafCount
    try fill(tree, (0..<10_000).lazy.map { textKey($0, prefix: "m/") })
    let census = try tree.expectSound()
    #expect(census.leafCount - before <= 10_000 / 45)
  }

  @Test func `keys in random order fill two thirds of their leaves`() throws {
    var random = SplitMix(Seed.take(for: #function))
    let tree = try makeTree()
    for number in (0..<20_000).shuffled(using: &random) { try fill(tree, [key(number)]) }
    let census = try tree.expectSound()
    #expect(census.leafCount < 20_000 / 32)
  }

  @Test func `removing everything leaves one empty leaf`() throws {
    var random = SplitMix(Seed.take(for: #function))
    let statistics = TreeStatistics()
    let tree = try makeTree(statistics: statistics)
    let count = operationCount(debug: 3_000, release: 50_000)
    // Long keys, so that inner nodes hold few separators and the tree is high.
    func textKey(_ number: Int) -> [UInt8] {
      BTreeIndexTests.textKey(number, prefix: String(repeating: "prefix/", count: 20))
    }
    try fill(tree, (0..<count).lazy.map { textKey($0) })
    #expect(try tree.expectSound().height >= 3)
    for number in (0..<count).shuffled(using: &random) {
      let name = textKey(number)
      try tree.put(name, [], timestamp: 2, flags: .tombstone)
      if number % 3 == 0 {
        _ = try name.withByteView { name throws(TreeError) in
          try tree.purgeTombstones(around: name, olderThan: Timestamp(2))
        }
      }
    }
    // What is left needs a sweep: a purge looks at one leaf.
    for number in 0..<count {
      _ = try textKey(number).withByteView { name throws(TreeError) in
        try tree.purgeTombstones(around: name, olderThan: Timestamp(2))
      }
    }
    let census = try tree.expectSound()
    #expect(
      census
        == {
          var one = TreeCensus(); one.leafCount = 1; one.height = 1; return one
        }())
    #expect(statistics.mergeCount > 0)
    try fill(tree, (0..<200).lazy.map { textKey($0) })
    #expect(try tree.expectSound().entryCount == 200)
  }

  @Test func `a purge keeps tombstones above the horizon and all entries`() throws {
    let tree = try makeTree()
    for number in 0..<30 {
      try tree.put(
        key(number), number % 2 == 0 ? [] : [1], timestamp: UInt64(number + 1),
        flags: number % 2 == 0 ? .tombstone : [])
    }
    let outcome = try key(3).withByteView { name throws(TreeError) in
      try tree.purgeTombstones(around: name, olderThan: Timestamp(11))
    }
    #expect(outcome.removedCount == 6)
    #expect(outcome.remainingCount == 9)
    #expect(try tree.get(key(10)) == nil)
    #expect(try tree.get(key(12))?.flags == .tombstone)
    #expect(try tree.contents().count == 24)
    try tree.expectSound()
  }

  @Test(arguments: [4096, 16384, 65536])
  func `greatest keys and values in any order`(pageSize: Int) throws {
    var random = SplitMix(Seed.take(for: #function))
    let tree = try makeTree(pageSize: pageSize)
    let keyLimit = Tree.maximumKeyByteCount(pageSize: pageSize)
    let inlineLimit = Tree.maximumInlineByteCount(pageSize: pageSize)
    // They differ in the last bytes only, so that separators are as long as keys.
    func longKey(_ number: Int) -> [UInt8] {
      [UInt8](repeating: 0xFF, count: keyLimit - 8) + key(number)
    }
    let numbers = (0..<120).shuffled(using: &random)
    for number in numbers {
      try tree.put(longKey(number), [UInt8](repeating: 1, count: inlineLimit - keyLimit))
    }
    try tree.expectSound()
    for number in numbers {
      #expect(try tree.get(longKey(number))?.value.count == inlineLimit - keyLimit)
    }
    // Growing values: replaced in leaves that are full.
    for number in numbers { try tree.put(longKey(number), []) }
    for number in numbers {
      try tree.put(longKey(number), [UInt8](repeating: 2, count: inlineLimit - keyLimit))
    }
    #expect(try tree.expectSound().entryCount == 120)
  }

  @Test func `a key too long is refused and nothing changes`() throws {
    let tree = try makeTree()
    let long = [UInt8](repeating: 1, count: 513)
    #expect(throws: TreeError.keyTooLong(byteCount: 513, limit: 512)) {
      try tree.put(long, [])
    }
    #expect(try tree.get(long) == nil)
    #expect(try tree.expectSound().entryCount == 0)
  }

  @Test func `a tree is freed in bounded steps and stays sound between them`() throws {
    let tree = try makeTree()
    let other = try Tree.create(in: tree.pager)
    try fill(tree, (0..<5_000).lazy.map { key($0) })
    try other.put([1], [1])
    let large = [UInt8](repeating: 5, count: 100_000)
    var writer = OverflowWriter(pager: tree.pager, byteCount: UInt64(large.count))
    try large.withByteView { try writer.append($0) }
    let reference = try writer.finish()
    try Overflow.publish(reference, pager: tree.pager)
    var encoded = ByteBuffer()
    encoded.append(zeros: OverflowReference.encodedByteCount)
    reference.encode(into: encoded.mutableView)
    try tree.put(key(4_999), encoded.view.array, flags: .overflow)
    var steps = 0
    while try !tree.destroySome(limit: 10) {
      steps += 1
      if steps % 7 == 1 {
        try tree.expectSound(ownsAllPages: false, isBeingDestroyed: true)
      }
    }
    #expect(steps > 5)
    #expect(Array(tree.pager.mappedPages) == [other.root])
    #expect(try other.get([1])?.value == [1])
  }
}
