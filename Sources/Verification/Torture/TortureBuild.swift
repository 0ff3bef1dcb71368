package import Simulation

/// The records of a bulk build, by their recipe.
package struct TortureBuild: Sendable, Hashable {
  package let seed: UInt64
  /// Of the keys behind these, some are merged into: a build leaves them to the sessions.
  package let keyCount: Int
  package let recordCount: Int
  /// Bytes of a value at most; every twentieth is ten times as long.
  package let valueByteCount: Int
  /// Nil: the records come in the order of their keys; else in any, to be sorted in so much memory.
  package let sortingByteCount: Int?
  /// Of eight records so many expire, about.
  package var expiringEighths = 0

  package init(_ generator: inout SeededGenerator, keyCount: Int) {
    seed = generator.next()
    self.keyCount = keyCount
    recordCount = [0, 3, 40, 400, 1_500][generator.below(5)]
    valueByteCount = [10, 200, 900][generator.below(3)]
    sortingByteCount = generator.oneIn(2) ? nil : 1 << (18 + generator.below(3))
  }

  /// The records, in the order in which they are appended; no key twice.
  package var records: [(key: Int, value: TortureValue, expiry: TortureExpiry?)] {
    var generator = SeededGenerator(seed: seed)
    var records = (0..<recordCount).map { index in
      let bound = valueByteCount * (generator.oneIn(20) ? 10 : 1)
      // Keys that sessions use, and gaps between them.
      let key = index * 2 + generator.below(2)
      let value = TortureValue(seed: generator.next(), byteCount: generator.below(bound))
      var expiry: TortureExpiry?
      if expiringEighths > 0 {
        var draws = generator.fork()
        if draws.below(8) < expiringEighths { expiry = TortureExpiry.draw(&draws) }
      }
      return (
        key: key < keyCount ? key : key + TortureKey.mergedCount, value: value, expiry: expiry
      )
    }
    if sortingByteCount != nil { records.shuffle(using: &generator) }
    return records
  }
}
