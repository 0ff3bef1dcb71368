import Paging
import Primitives
import RawBytes
import Seeds
import Simulation
import Testing

@Suite struct `The page map` {
  @Test func `packs an entry into sixteen bytes and back`() {
    let place = Place(start: (1 << 40) - 1, unitCount: 256)
    let entry = PageMapEntry(
      place: place, flags: .compressed, checksum: 0xDEAD_BEEF, birth: Generation(0xFFFF_FFFE))
    #expect(entry.place == place && entry.flags == .compressed)
    #expect(entry.checksum == 0xDEAD_BEEF && entry.birth == Generation(0xFFFF_FFFE))
    #expect(entry.born(in: Generation(7)).birth == Generation(7))
    #expect(entry.born(in: Generation(7)).checksum == 0xDEAD_BEEF)
    let memory = AlignedMemory(byteCount: 32)
    entry.encode(into: memory.bytes, at: 16)
    #expect(PageMapEntry(memory.bytes.view, at: 16) == entry)
    #expect(PageMapEntry(memory.bytes.view, at: 0).isAbsent)
  }

  @Test func `judges entries that lie`() {
    func problem(_ start: Int, _ count: Int, birth: UInt64 = 1, flags: UInt16 = 0) -> String? {
      PageMapEntry(
        place: Place(start: start, unitCount: count), flags: ImageFlags(rawValue: flags),
        checksum: 0, birth: Generation(birth)
      ).problem(blockCount: 10, generation: Generation(5))
    }
    #expect(problem(32, 8) == nil)
    #expect(problem(72, 8) == nil)
    #expect(problem(31, 8) != nil)
    #expect(problem(73, 8) != nil)
    #expect(problem(32, 8, birth: 6) != nil)
    #expect(problem(32, 8, flags: 2) != nil)
    #expect(PageMapEntry.absent.problem(blockCount: 0, generation: Generation(0)) == nil)
  }

  @Test func `counts what it holds`() {
    var random = SeededGenerator(seed: Seed.take(for: #function))
    var map = PageMap()
    var model: [UInt32: PageMapEntry] = [:]
    for _ in 0..<2_000 {
      let id = UInt32(random.below(200_000))
      if random.oneIn(3) {
        map[id] = .absent
        model[id] = nil
      } else {
        let entry = PageMapEntry(
          place: Place(start: 1 + random.below(1 << 30), unitCount: 1 + random.below(256)),
          flags: [], checksum: UInt32(truncatingIfNeeded: random.next()), birth: Generation(1))
        map[id] = entry
        model[id] = entry
      }
    }
    #expect(map.mappedCount == model.count)
    #expect(map.storedUnitCount == model.values.reduce(0) { $0 + $1.unitCount })
    for id in 0..<UInt32(200_000) { #expect(map[id] == model[id] ?? .absent) }
  }

  /// A chunk of 65,536 entries was once made for each id, a megabyte.
  @Test func `takes no more memory than blocks of the file would, wherever ids lie`() {
    var random = SeededGenerator(seed: Seed.take(for: #function))
    var map = PageMap()
    var ids: Set<UInt32> = [.max - 1]
    for _ in 0..<3_000 { ids.insert(UInt32(truncatingIfNeeded: random.next())) }
    let entry = PageMapEntry(
      place: Place(start: 32, unitCount: 1), flags: [], checksum: 0, birth: Generation(1))
    for id in ids { map[id] = entry }
    #expect(map.mappedCount == ids.count)
    #expect(map.roomCount <= ids.count * PageMap.entriesPerBlock)
    var walked: [UInt32] = []
    map.forEachPresent { id, _ in walked.append(id) }
    #expect(walked == ids.sorted())
    var next = map.firstPresent(from: 0)
    var found: [UInt32] = []
    while let id = next {
      found.append(id)
      next = map.firstPresent(from: UInt64(id) + 1)
    }
    #expect(found == walked)
  }

  @Test func `walks a set of blocks in order`() {
    var random = SeededGenerator(seed: Seed.take(for: #function))
    var set = BlockSet()
    var other = BlockSet()
    var model: Set<Int> = []
    for _ in 0..<300 {
      let block = random.below(5_000)
      if random.oneIn(2) { set.insert(block) } else { other.insert(block) }
      model.insert(block)
    }
    set.formUnion(other)
    #expect(set.blocks == model.sorted() && set.count == model.count)
    #expect((0..<5_000).allSatisfy { set.contains($0) == model.contains($0) })
  }

  @Test(
    arguments: [
      (0, []), (1, [1]), (2, [2, 1]), (256, [256, 1]), (257, [257, 2, 1]),
      (65_537, [65_537, 257, 2, 1]),
    ])
  func `is as deep as its ids need`(_ leafBlocks: Int, _ counts: [Int]) {
    #expect(MapTree.levelCounts(leafBlocks: leafBlocks) == counts)
    #expect(MapTree().resized(leafBlocks: leafBlocks).levels.map(\.count) == counts)
  }

  @Test func `knows which inner entries another tree no longer has`() {
    func entry(_ start: Int) -> PageMapEntry {
      PageMapEntry(
        place: Place(start: start, unitCount: 8), flags: [], checksum: 0, birth: Generation(1))
    }
    let old = MapTree(levels: [[entry(32), entry(40), .absent], [entry(48)]])
    let new = MapTree(levels: [[entry(32), entry(56), entry(64)], [entry(72)]])
    #expect(old.entries(missingFrom: new) == [entry(40), entry(48)])
    #expect(old.entries(missingFrom: old).isEmpty)
    #expect(old.entries(missingFrom: MapTree()).count == 3)
  }
}
