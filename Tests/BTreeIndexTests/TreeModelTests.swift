import BTreeIndex
import Primitives
import RawBytes
import Seeds
import Testing

@Suite struct TreeModelTests {
  /// Keys of many shapes: short ones that begin alike, text, numbers, long ones.
  static func randomKey(_ random: inout SplitMix, pageSize: Int) -> [UInt8] {
    switch Int.random(in: 0..<10, using: &random) {
    case 0:
      let bytes: [UInt8] = [0x00, 0x01, 0xFE, 0xFF]
      return (0..<Int.random(in: 0...6, using: &random)).map { _ in
        bytes.randomElement(using: &random)!
      }
    case 1...4: return textKey(Int.random(in: 0..<3_000, using: &random))
    case 5...8: return key(Int.random(in: 0..<3_000, using: &random))
    default:
      let limit = NodeLayout.maximumKeyByteCount(pageSize: pageSize)
      let count = limit - Int.random(in: 0..<8, using: &random)
      var key = [UInt8](repeating: UInt8.random(in: 0...3, using: &random), count: count)
      key[Int.random(in: 0..<count, using: &random)] = UInt8.random(in: 0...255, using: &random)
      return key
    }
  }

  static func randomValue(
    _ random: inout SplitMix, key: [UInt8], pageSize: Int
  ) -> [UInt8] {
    let limit = NodeLayout.maximumInlineByteCount(pageSize: pageSize) - key.count
    let count =
      switch Int.random(in: 0..<20, using: &random) {
      case 0: limit
      case 1...3: Int.random(in: 0...limit, using: &random)
      default: min(limit, Int.random(in: 0...100, using: &random))
      }
    return [UInt8](repeating: UInt8.random(in: 0...255, using: &random), count: count)
  }

  @Test(arguments: [4096, 16384, 65536])
  func `a tree holds what a dictionary holds after random operations`(pageSize: Int) throws {
    var random = SplitMix(Seed.take(for: #function))
    let statistics = TreeStatistics()
    let tree = try makeTree(pageSize: pageSize, statistics: statistics)
    var model: [[UInt8]: Expected] = [:]
    var tombstones = SortedKeys()
    let count = operationCount(debug: 20_000, release: pageSize == 4096 ? 1_000_000 : 300_000)
    for turn in 1...count {
      let key = Self.randomKey(&random, pageSize: pageSize)
      // Waves: the tree grows for a while, then shrinks.
      let isGrowing = turn / (count / 6 + 1) % 2 == 0
      switch Int.random(in: 0..<100, using: &random) {
      case 0..<(isGrowing ? 60 : 15):
        let value = Self.randomValue(&random, key: key, pageSize: pageSize)
        try tree.put(key, value, timestamp: UInt64(turn))
        model[key] = Expected(timestamp: UInt64(turn), flags: [], value: value)
        tombstones.remove(key)
      case 60..<65:
        try tree.put(key, [], timestamp: UInt64(turn), flags: .tombstone)
        model[key] = Expected(timestamp: UInt64(turn), flags: .tombstone, value: [])
        tombstones.insert(key)
      case 65..<85:
        #expect(try tree.remove(key) == (model.removeValue(forKey: key) != nil))
        tombstones.remove(key)
      case 85..<90:
        let outcome = try key.withByteView { key throws(TreeError) in
          try tree.purgeTombstones(around: key, olderThan: Timestamp(UInt64(turn)))
        }
        #expect(outcome.remainingCount == 0)
        if outcome.removedCount > 0 {
          // Which ones a purge drops is the leaf's business: take the tree's word, if it dropped
          // tombstones only, and those nearest to the key.
          var dropped: [[UInt8]] = []
          for tombstone in tombstones.keysAround(key)
          where try dropped.count < outcome.removedCount && tree.get(tombstone) == nil {
            dropped.append(tombstone)
          }
          #expect(dropped.count == outcome.removedCount)
          for tombstone in dropped {
            model[tombstone] = nil
            tombstones.remove(tombstone)
          }
        }
      default:
        #expect(try tree.get(key) == model[key])
        let newest = try key.withByteView { key throws(TreeError) in
          try tree.newestTimestamp(of: key)
        }
        #expect(newest?.rawValue == model[key]?.timestamp)
      }
      if turn % (count / 8) == 0 { try tree.expectSound() }
    }
    let all = try tree.contents()
    let expected = model.keys.sorted(by: precedes)
    #expect(all.map(\.key) == expected)
    for (key, value) in all { #expect(model[key] == value) }
    let census = try tree.expectSound()
    #expect(census.entryCount == model.count)
    #expect(census.tombstoneCount == model.values.count { $0.flags.contains(.tombstone) })
    // The test is worth something only if the tree changed its shape.
    #expect(statistics.splitCount > 10)
    #expect(statistics.mergeCount > 0)
  }

  @Test func `a sorted batch with one cursor equals single puts`() throws {
    var random = SplitMix(Seed.take(for: #function))
    let tree = try makeTree()
    var model: [[UInt8]: Expected] = [:]
    for batch in 1...operationCount(debug: 20, release: 200) {
      let keys = Set((0..<500).map { _ in Self.randomKey(&random, pageSize: 4096) })
      var cursor = tree.makeWriteCursor()
      for key in keys.sorted(by: precedes) {
        let value = Self.randomValue(&random, key: key, pageSize: 4096)
        let expected = Expected(timestamp: UInt64(batch), flags: [], value: value)
        try key.withByteView { key throws(TreeError) in
          let old = try cursor.seek(key).map { Expected($0) }
          #expect(old == model[key.array])
          try value.withByteView { value throws(TreeError) in
            try cursor.put(key, timestamp: Timestamp(UInt64(batch)), flags: [], value: value)
          }
        }
        model[key] = expected
      }
      cursor.release()
    }
    #expect(try tree.contents().map(\.key) == model.keys.sorted(by: precedes))
    try tree.expectSound()
  }
}
