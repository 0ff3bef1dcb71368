import BTreeIndex
import Environment
import Paging
import Primitives
import RawBytes
import Seeds
import Testing

@Suite struct TreeBuilderTests {
  /// Builds a tree of ascending entries in a pager that holds nothing else.
  private func build(
    _ entries: [(key: [UInt8], value: [UInt8])], pageSize: Int, cacheByteCount: Int = 8 << 20
  ) throws -> Tree {
    let other = try makeTree(pageSize: pageSize, cacheByteCount: cacheByteCount)
    let pager = other.pager
    pager.free(other.root)
    let pages = PageBuild(pager: pager)
    do {
      var builder = TreeBuilder(pages: pages, timestamp: Timestamp(7))
      for entry in entries {
        let outcome = try entry.key.withByteView { key throws(TreeError) in
          try entry.value.withByteView { value throws(TreeError) in try builder.append(key, value) }
        }
        #expect(outcome == .added)
      }
      #expect(builder.entryCount == entries.count)
      let root = try builder.finish()
      #expect(Array(pager.mappedPages) == [], "PB1: private until published")
      pages.finish()
      pages.publish()
      return Tree(pager: pager, root: root)
    } catch {
      pages.abandon()
      throw error
    }
  }

  private func expect(
    _ tree: Tree, toHold entries: [(key: [UInt8], value: [UInt8])],
    sourceLocation: SourceLocation = #_sourceLocation
  ) throws {
    var next = 0
    var wrong = 0
    for (key, found) in try tree.contents() {
      guard next < entries.count else { break }
      let value: [UInt8]
      if found.flags.contains(.overflow) {
        let reference = try #require(found.value.withByteView { OverflowReference(decoding: $0) })
        let bytes = AlignedMemory(byteCount: Int(reference.byteCount))
        _ = try Overflow.read(reference, at: 0, into: bytes.bytes, pager: tree.pager)
        value = bytes.bytes.view.array
      } else {
        value = found.value
      }
      if key != entries[next].key || value != entries[next].value
        || found.timestamp != 7
      {
        wrong += 1
      }
      next += 1
    }
    #expect(next == entries.count, sourceLocation: sourceLocation)
    #expect(wrong == 0, sourceLocation: sourceLocation)
    let census = try tree.expectSound(sourceLocation: sourceLocation)
    #expect(census.entryCount == entries.count, sourceLocation: sourceLocation)
  }

  private func sorted(
    _ entries: [[UInt8]: [UInt8]]
  ) -> [(key: [UInt8], value: [UInt8])] {
    entries.map { (key: $0.key, value: $0.value) }.sorted { precedes($0.key, $1.key) }
  }

  @Test(arguments: [4096, 16384, 65536])
  func `entries of all shapes come back in order, in a sound tree`(pageSize: Int) throws {
    var random = SplitMix(Seed.take(for: #function))
    for round in 0..<operationCount(debug: 6, release: 40) {
      var entries: [[UInt8]: [UInt8]] = [:]
      for _ in 0..<Int.random(in: 0...(round % 3 == 0 ? 5_000 : 300), using: &random) {
        let key = TreeModelTests.randomKey(&random, pageSize: pageSize)
        entries[key] = TreeModelTests.randomValue(&random, key: key, pageSize: pageSize)
      }
      if round % 2 == 0, let key = entries.keys.min(by: precedes) {
        entries[key] = [UInt8](repeating: 9, count: 40 * pageSize + round)
      }
      let ordered = sorted(entries)
      try expect(try build(ordered, pageSize: pageSize), toHold: ordered)
    }
  }

  @Test(arguments: 0...80)
  func `any number of entries around the end of a page is packed`(_ count: Int) throws {
    let entries = (0..<count).map { (key: textKey($0), value: [UInt8](repeating: 1, count: 80)) }
    try expect(try build(entries, pageSize: 4096), toHold: entries)
  }

  @Test func `keys whose common bytes end inside a leaf are packed`() throws {
    // Long shared beginnings that change: what a leaf leaves out is guessed wrong, and at the last
    // leaf, which has no upper fence, nothing may be left out at all.
    for length in [1, 20, 300, 500] {
      for groupCount in [1, 2, 7, 40] {
        var entries: [(key: [UInt8], value: [UInt8])] = []
        for group in 0..<groupCount {
          let common = [UInt8](repeating: UInt8(group * 3), count: length)
          for number in 0..<(groupCount == 40 ? 13 : 150) {
            entries.append(
              (common + [UInt8(number >> 6), UInt8(number & 63)], [UInt8(number & 1)]))
          }
        }
        entries.append(([UInt8](repeating: 0xFF, count: 512), []))
        entries.sort { precedes($0.key, $1.key) }
        try expect(try build(entries, pageSize: 4096), toHold: entries)
      }
    }
  }

  @Test func `leaves filled in order are full`() throws {
    let count = 20_000
    let entries = (0..<count).map { (key: textKey($0), value: [UInt8](repeating: 5, count: 100)) }
    let tree = try build(entries, pageSize: 16384)
    let census = try tree.expectSound()
    // Slot 8, header 11, three of the key's bytes, value 100.
    let least = count * (8 + 11 + 3 + 100) / (16384 - 40 - 2 * 15) + 1
    #expect(census.leafCount <= least + least / 50, "\(census.leafCount) leaves, \(least) needed")
  }

  @Test func `a built tree is a tree: it takes what random operations do to it`() throws {
    var random = SplitMix(Seed.take(for: #function))
    var model: [[UInt8]: [UInt8]] = [:]
    for number in 0..<3_000 { model[textKey(number * 2)] = [UInt8](repeating: 3, count: 50) }
    let tree = try build(sorted(model), pageSize: 4096, cacheByteCount: 64 * 4096)
    for _ in 0..<operationCount(debug: 5_000, release: 50_000) {
      let key = textKey(Int.random(in: 0..<6_000, using: &random))
      if Bool.random(using: &random) {
        let value = [UInt8](repeating: 4, count: Int.random(in: 0...90, using: &random))
        try tree.put(key, value)
        model[key] = value
      } else {
        #expect(try tree.remove(key) == (model.removeValue(forKey: key) != nil))
      }
    }
    #expect(try tree.contents().map(\.key) == sorted(model).map(\.key))
    try tree.expectSound()
  }

  @Test func `a key at or below the last one is refused and adds nothing`() throws {
    let other = try makeTree()
    let pages = PageBuild(pager: other.pager)
    defer { pages.abandon() }
    var builder = TreeBuilder(pages: pages, timestamp: Timestamp(7))
    func append(_ text: String, _ byteCount: Int = 3) throws -> TreeBuilder.Outcome {
      try Array(text.utf8).withByteView { key in
        try [UInt8](repeating: 1, count: byteCount).withByteView { try builder.append(key, $0) }
      }
    }
    for number in 0..<200 { #expect(try append("key \(1000 + number)", 60) == .added) }
    for text in ["key 1199", "key 1198", "key 1", "key", "a", "", "key 11985"] {
      #expect(try append(text) == .notAscending, "\(text)")
      #expect(try append(text, 9_000) == .notAscending, "\(text)")
    }
    #expect(builder.entryCount == 200)
    #expect(try append("key 1199!") == .added)
    #expect(throws: TreeError.keyTooLong(byteCount: 600, limit: 512)) {
      try append(String(repeating: "z", count: 600))
    }
  }

  @Test func `an abandoned build leaves no page and no place behind (PB2)`() throws {
    let other = try makeTree(pageSize: 4096)
    let pager = other.pager
    let before = pager.statistics
    for count in [0, 1, 5_000, 60_000] {
      let pages = PageBuild(pager: pager)
      var builder = TreeBuilder(pages: pages, timestamp: Timestamp(7))
      for number in 0..<count {
        _ = try textKey(number).withByteView { key in
          try [UInt8](repeating: 1, count: 90).withByteView { try builder.append(key, $0) }
        }
      }
      if count == 5_000 { _ = try builder.finish() }
      pages.abandon()
      let after = pager.statistics
      #expect(after.volatilePageCount == 0)
      #expect(after.mappedPageCount == before.mappedPageCount)
      #expect(after.usedByteCount == before.usedByteCount)
    }
    try other.expectSound()
  }
}
