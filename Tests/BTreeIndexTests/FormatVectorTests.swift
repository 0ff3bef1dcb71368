import BTreeIndex
import Foundation
import Paging
import Primitives
import RawBytes
import Testing

/// The files in `format-spec/vectors`: what they say is read, and what the engine writes for it is
/// them, byte for byte. MARTLET_WRITE_VECTORS=1 writes them anew, for a new format version.
@Suite struct FormatVectorTests {
  private static let folder = URL(filePath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent().deletingLastPathComponent()
    .appending(path: "format-spec/vectors")

  private func vector(_ name: String, _ written: [UInt8]) throws -> [UInt8] {
    let file = Self.folder.appending(path: name)
    if ProcessInfo.processInfo.environment["MARTLET_WRITE_VECTORS"] == "1" {
      try Data(written).write(to: file)
    }
    return [UInt8](try Data(contentsOf: file))
  }

  private static let large = OverflowReference(byteCount: 9_000, root: PageID(14))

  private static var encodedLarge: [UInt8] {
    var buffer = ByteBuffer()
    buffer.append(zeros: OverflowReference.encodedByteCount)
    large.encode(into: buffer.mutableView)
    return buffer.view.array
  }

  private static let entries: [(key: String, value: Expected)] = [
    ("apple", Expected(timestamp: 0x10, flags: [], value: Array("red".utf8))),
    ("apricot", Expected(timestamp: 0x11, flags: .tombstone, value: [])),
    ("aprium", Expected(timestamp: 0x0F, flags: .overflow, value: encodedLarge)),
  ]

  @Test func `leaf`() throws {
    let page = NodeTests.Page(size: 4096, lower: Array("app".utf8), upper: Array("apt".utf8))
    for (key, value) in Self.entries {
      #expect(
        page.put(
          Array(key.utf8), value.value, timestamp: value.timestamp, flags: value.flags))
    }
    let bytes = try vector("tree-leaf.bin", page.memory.bytes.view.array)
    #expect(bytes == page.memory.bytes.view.array)
    bytes.withByteView { bytes in
      let view = NodeView(bytes)
      #expect(view.fault(pageID: PageID(7)) == nil)
      #expect(view.prefix.array == Array("ap".utf8))
      #expect(view.newestTimestamp == Timestamp(0x11))
      #expect(view.tombstoneCount == 1)
      #expect(view.slotCount == Self.entries.count)
      for (index, (key, value)) in Self.entries.enumerated() {
        #expect(view.prefix.array + view.suffix(index).array == Array(key.utf8))
        #expect(Expected(view.entry(index)) == value)
      }
    }
  }

  @Test func `inner node`() throws {
    let separators = ["app", "apt", "b"].map { Array("fruit/\($0)".utf8) }
    let page = NodeTests.Page(size: 4096, level: 1)
    page.node.setFirstChild(PageID(5))
    for (index, separator) in separators.enumerated() {
      separator.withByteView {
        page.node.insert(at: index, separatorSuffix: $0, child: PageID(UInt32(6 + index)))
      }
    }
    let bytes = try vector("tree-inner.bin", page.memory.bytes.view.array)
    #expect(bytes == page.memory.bytes.view.array)
    bytes.withByteView { bytes in
      let view = NodeView(bytes)
      #expect(view.fault(pageID: PageID(7)) == nil)
      #expect(view.level == 1)
      #expect(view.headSkip == 6)
      #expect(!view.hasUpperFence)
      #expect((0..<4).map { view.child($0).rawValue } == [5, 6, 7, 8])
      #expect((0..<3).map { view.suffix($0).array } == separators)
    }
  }

  /// A value of 9,000 bytes: two full data pages, one of 840 bytes, one index page.
  @Test func `overflow value`() throws {
    let tree = try makeTree()
    let value = (0..<9_000).map { UInt8(truncatingIfNeeded: $0 / 16) }
    var writer = OverflowWriter(pager: tree.pager, byteCount: 9_000)
    try value.withByteView { try writer.append($0) }
    let reference = try writer.finish()
    var ids: [PageID] = []
    try Overflow.forEachPage(reference, pager: tree.pager) { id throws(TreeError) in
      ids.append(id)
    }
    #expect(ids.map(\.rawValue) == [2, 3, 4, 5])
    for (id, name) in [(ids[2], "overflow-data.bin"), (ids[3], "overflow-index.bin")] {
      let written = try tree.pager.shared(id).bytes.array
      #expect(try vector(name, written) == written)
    }
    let encoded = try vector("overflow-reference.bin", Self.encodedLarge)
    #expect(encoded == Self.encodedLarge)
    #expect(encoded.withByteView { OverflowReference(decoding: $0) } == Self.large)
    // Decoded: the vectors in the place of the pages just written lead to the same value.
    for (id, name) in [(ids[2], "overflow-data.bin"), (ids[3], "overflow-index.bin")] {
      let page = try tree.pager.exclusive(id)
      tree.pager.willModify(page)
      page.bytes.zero(0..<4096)
      try [UInt8](Data(contentsOf: Self.folder.appending(path: name))).withByteView {
        page.bytes.copy($0)
      }
    }
    let memory = AlignedMemory(byteCount: 9_000)
    let count = try Overflow.read(reference, at: 0, into: memory.bytes, pager: tree.pager)
    #expect(count == 9_000)
    #expect(memory.bytes.view.array == value)
  }
}
