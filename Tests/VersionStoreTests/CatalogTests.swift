import Primitives
import RawBytes
import Seeds
import Testing
import VersionStore

@Suite struct CatalogTests {
  private func decode(_ bytes: [UInt8]) throws -> CatalogEntry {
    try bytes.withByteView { try CatalogEntry(decoding: $0) }
  }

  @Test func `an entry is read as it was written`() throws {
    for entry in [
      CatalogEntry(name: "a", state: .live),
      CatalogEntry(name: "größe", state: .dropping, options: [1, 2, 3]),
      CatalogEntry(name: String(repeating: "x", count: 255), state: .live, options: [0]),
    ] {
      #expect(try decode(entry.encoded) == entry)
    }
  }

  @Test func `ids sort as numbers`() {
    let ids: [UInt32] = [0, 1, 255, 256, 65_535, 65_536, .max]
    let keys = ids.map { CatalogEntry.key(of: KeyspaceID($0)) }
    for (left, right) in zip(keys, keys.dropFirst()) {
      #expect(left.lexicographicallyPrecedes(right))
    }
    for (id, key) in zip(ids, keys) {
      #expect(key.withByteView { CatalogEntry.id(fromKey: $0) } == KeyspaceID(id))
    }
  }

  @Test(arguments: [
    [], [1, 1, 97], [2, 1, 1], [2, 1, 1, 1, 1, 97], [1, 1, 97, 2, 1, 3], [1, 1, 97, 2, 2, 1, 1],
    [1, 0, 2, 1, 1], [1, 1, 0xff, 2, 1, 1], [1, 1, 97, 2, 1, 1, 3, 0], [1, 1, 97, 2, 1, 1, 4, 0],
    [1, 1, 97, 2, 1, 1, 1], [1, 1, 97, 1, 1, 98, 2, 1, 1], [1, 9, 97],
  ])
  func `bytes that are no entry are refused`(bytes: [UInt8]) {
    #expect(throws: CorruptionError.self) { try decode(bytes) }
  }

  @Test func `a field that may be skipped is skipped`() throws {
    let entry = try decode([1, 1, 97, 2, 1, 1, 0x90, 2, 7, 7])
    #expect(entry == CatalogEntry(name: "a", state: .live))
  }
}

@Suite struct RootTableTests {
  private func decode(_ bytes: [UInt8]) throws -> RootTable {
    try bytes.withByteView { try RootTable(decoding: $0) }
  }

  static let sample = RootTable(
    nextKeyspaceID: KeyspaceID(9),
    roots: [
      RootTable.Root(keyspace: .catalog, page: PageID(1)),
      RootTable.Root(keyspace: KeyspaceID(2), page: PageID(77)),
      RootTable.Root(keyspace: KeyspaceID(8), page: PageID(5)),
    ],
    tombstones: [TombstoneHint(keyspace: KeyspaceID(2), key: [1, 2, 3])],
    unswept: [KeyspaceID(8)])

  @Test func `a table is read as it was written`() throws {
    #expect(try decode(Self.sample.encoded) == Self.sample)
    let plain = RootTable(
      nextKeyspaceID: KeyspaceID(1), roots: [RootTable.Root(keyspace: .catalog, page: PageID(3))])
    #expect(try decode(plain.encoded) == plain)
  }

  @Test func `a table without a catalog, with ids out of order or at the next id is refused`() {
    var table = Self.sample
    table.roots.removeFirst()
    #expect(throws: CorruptionError.self) { try decode(table.encoded) }
    table = Self.sample
    table.roots.swapAt(1, 2)
    #expect(throws: CorruptionError.self) { try decode(table.encoded) }
    table = Self.sample
    table.nextKeyspaceID = KeyspaceID(8)
    #expect(throws: CorruptionError.self) { try decode(table.encoded) }
    table = Self.sample
    table.roots[1] = RootTable.Root(keyspace: KeyspaceID(2), page: .none)
    #expect(throws: CorruptionError.self) { try decode(table.encoded) }
    table = Self.sample
    table.roots = []
    #expect(throws: CorruptionError.self) { try decode(table.encoded) }
  }

  @Test func `damaged bytes never trap`() {
    var random = SplitMix(Seed.take(for: "root table damage"))
    for _ in 0..<2000 {
      var bytes = Self.sample.encoded
      if random.chance(70) {
        bytes[random.below(bytes.count)] = UInt8(random.below(256))
      } else {
        bytes.removeLast(1 + random.below(bytes.count))
      }
      do {
        let table = try decode(bytes)
        #expect(try decode(table.encoded) == table)
      } catch {
        #expect(error is CorruptionError)
      }
    }
  }
}
