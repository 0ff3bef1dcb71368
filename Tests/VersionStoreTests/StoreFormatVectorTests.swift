import Foundation
import Primitives
import RawBytes
import Testing
import VersionStore

/// The files in `format-spec/vectors`: what they say is read, and what is written for it is the
/// same bytes.
@Suite struct StoreFormatVectorTests {
  private func vector(_ name: String) throws -> [UInt8] {
    let folder = URL(filePath: #filePath)
      .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
      .appending(path: "format-spec/vectors")
    return [UInt8](try Data(contentsOf: folder.appending(path: name)))
  }

  @Test func `the write batch of the specification`() throws {
    let bytes = try vector("write-batch.bin")
    let entries = [
      OwnedEntry(1, Array("a".utf8), .set(Array("xyz".utf8))),
      OwnedEntry(1, Array("b".utf8), .remove),
      OwnedEntry(300, Array("c".utf8), .large(ordinal: 2, byteCount: 70_000)),
    ]
    #expect(try decode(bytes) == entries)
    #expect(encode(entries) == bytes)
  }

  @Test func `the catalog entry of the specification`() throws {
    let bytes = try vector("catalog-value.bin")
    let entry = CatalogEntry(name: "accounts", state: .live, options: [10, 11])
    #expect(try bytes.withByteView { try CatalogEntry(decoding: $0) } == entry)
    #expect(entry.encoded == bytes)
    #expect(CatalogEntry.key(of: KeyspaceID(258)) == [0, 0, 1, 2])
  }

  @Test func `the root table of the specification`() throws {
    let bytes = try vector("root-table.bin")
    #expect(try bytes.withByteView { try RootTable(decoding: $0) } == RootTableTests.sample)
    #expect(RootTableTests.sample.encoded == bytes)
  }
}
