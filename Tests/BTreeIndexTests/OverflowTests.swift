import BTreeIndex
import Environment
import Paging
import Primitives
import RawBytes
import Testing

@Suite struct OverflowTests {
  /// Byte n of every value in these tests.
  private func byte(_ position: Int) -> UInt8 { UInt8(truncatingIfNeeded: position &* 31 >> 3) }

  private func bytes(_ range: Range<Int>) -> [UInt8] { range.map { byte($0) } }

  private func write(_ byteCount: Int, piece: Int, to pager: Pager) throws -> OverflowReference {
    var writer = OverflowWriter(pager: pager, byteCount: UInt64(byteCount))
    var done = 0
    while done < byteCount {
      let end = min(done + piece, byteCount)
      try bytes(done..<end).withByteView { try writer.append($0) }
      done = end
    }
    return try writer.finish()
  }

  private func read(
    _ reference: OverflowReference, _ offset: Int, _ count: Int, _ pager: Pager
  ) throws -> [UInt8] {
    let memory = AlignedMemory(byteCount: count)
    let read = try Overflow.read(
      reference, at: UInt64(offset), into: memory.bytes[0..<count], pager: pager)
    return memory.bytes.view.prefix(read).array
  }

  private func pages(_ reference: OverflowReference, _ pager: Pager) throws -> [PageID] {
    var ids: [PageID] = []
    try Overflow.forEachPage(reference, pager: pager) { id throws(TreeError) in ids.append(id) }
    return ids
  }

  /// Whether the pager has no pages but the tree's root.
  private func isAlone(_ tree: Tree) -> Bool {
    Array(tree.pager.mappedPages) == [tree.root]
      && tree.pager.statistics.volatilePageCount == 0
  }

  @Test func `values of every length around the boundaries come back whole and in parts`() throws {
    let tree = try makeTree()
    let data = OverflowLayout(pageSize: 4096).dataByteCount
    let fanout = OverflowLayout(pageSize: 4096).fanout
    var lengths = [1, 2]
    for boundary in [data, 2 * data, 3 * data, fanout * data] {
      lengths += [boundary - 1, boundary, boundary + 1]
    }
    for length in lengths {
      let reference = try write(length, piece: 5_000, to: tree.pager)
      let dataPages = (length + data - 1) / data
      let indexPages = dataPages == 1 ? 0 : dataPages <= fanout ? 1 : 3
      #expect(try pages(reference, tree.pager).count == dataPages + indexPages)
      #expect(
        try read(reference, 0, min(length, 100_000), tree.pager) == bytes(0..<min(length, 100_000)))
      for offset in [length - 1, length / 2, data - 1, data, max(0, length - data - 1)]
      where offset < length {
        let end = min(offset + 10, length)
        #expect(try read(reference, offset, 10, tree.pager) == bytes(offset..<end))
      }
      #expect(try read(reference, length, 10, tree.pager) == [])
      try Overflow.free(reference, pager: tree.pager)
      #expect(isAlone(tree))
    }
  }

  @Test(arguments: [1, 7, 4_079, 4_080, 4_081, 100_000])
  func `the pieces a value arrives in do not matter`(piece: Int) throws {
    let tree = try makeTree()
    let length = piece < 100 ? 20_000 : 200_000
    let reference = try write(length, piece: piece, to: tree.pager)
    #expect(try read(reference, 0, length, tree.pager) == bytes(0..<length))
  }

  @Test(arguments: [16384, 65536])
  func `values in larger pages`(pageSize: Int) throws {
    let tree = try makeTree(pageSize: pageSize)
    let reference = try write(1_000_000, piece: 12_345, to: tree.pager)
    #expect(try read(reference, 0, 1_000_000, tree.pager) == bytes(0..<1_000_000))
  }

  @Test func `an unfinished writer leaves nothing behind`() throws {
    let tree = try makeTree()
    do {
      // Deep enough that whole index pages stand already.
      var writer = OverflowWriter(pager: tree.pager, byteCount: 1 << 30)
      let piece = [UInt8](repeating: 1, count: 1 << 20)
      for _ in 0..<6 { try piece.withByteView { try writer.append($0) } }
      #expect(tree.pager.statistics.volatilePageCount > 1_500)
    }
    #expect(isAlone(tree))
  }

  @Test func `a value that ends short or runs over is refused and freed`() throws {
    let tree = try makeTree()
    #expect(throws: TreeError.lengthMismatch(announced: 10_000, given: 9_000)) {
      var writer = OverflowWriter(pager: tree.pager, byteCount: 10_000)
      try bytes(0..<9_000).withByteView { try writer.append($0) }
      _ = try writer.finish()
    }
    #expect(throws: TreeError.lengthMismatch(announced: 10_000, given: 10_001)) {
      var writer = OverflowWriter(pager: tree.pager, byteCount: 10_000)
      try bytes(0..<10_001).withByteView { try writer.append($0) }
    }
    #expect(isAlone(tree))
  }

  @Test func `a value larger than memory streams through`() throws {
    #if DEBUG
      let length = 8 << 20
    #else
      let length = 256 << 20
    #endif
    let tree = try makeTree(pageSize: 16384, cacheByteCount: 2 << 20)
    let piece = [UInt8](repeating: 0, count: 1 << 20)
    var writer = OverflowWriter(pager: tree.pager, byteCount: UInt64(length) + 3)
    for _ in 0..<length >> 20 { try piece.withByteView { try writer.append($0) } }
    try [1, 2, 3].withByteView { try writer.append($0) }
    let reference = try writer.finish()
    #expect(try read(reference, length - 2, 100, tree.pager) == [0, 0, 1, 2, 3])
    #expect(try read(reference, length / 3, 5, tree.pager) == [0, 0, 0, 0, 0])
    try Overflow.publish(reference, pager: tree.pager)
    try Overflow.retire(reference, pager: tree.pager)
    try Overflow.free(reference, pager: tree.pager)
    #expect(isAlone(tree))
  }

  @Test func `a reference survives its bytes, and other bytes are none`() {
    let reference = OverflowReference(byteCount: 0x0102_0304_0506, root: PageID(0xA0B0_C0D0))
    var buffer = ByteBuffer()
    buffer.append(zeros: OverflowReference.encodedByteCount)
    reference.encode(into: buffer.mutableView)
    #expect(OverflowReference(decoding: buffer.view) == reference)
    #expect(OverflowReference(decoding: buffer.view.prefix(11)) == nil)
    #expect(
      [UInt8](repeating: 0, count: 12).withByteView { OverflowReference(decoding: $0) } == nil)
    #expect(
      [UInt8](repeating: 0xFF, count: 12).withByteView { OverflowReference(decoding: $0) } == nil)
  }

  @Test func `a reference to something else is corruption, not a trap`() throws {
    let tree = try makeTree()
    let reference = try write(100_000, piece: 5_000, to: tree.pager)
    let wrong = [
      OverflowReference(byteCount: 10, root: tree.root),
      OverflowReference(byteCount: 10, root: reference.root),
      OverflowReference(byteCount: 100_001_000, root: reference.root),
      OverflowReference(byteCount: UInt64(Int64.max), root: reference.root),
    ]
    for reference in wrong {
      #expect(throws: TreeError.self) {
        _ = try read(reference, Int(reference.byteCount / 2), 10, tree.pager)
      }
    }
    for reference in wrong[2...] {
      #expect(throws: TreeError.self) { _ = try pages(reference, tree.pager) }
    }
  }
}
