/// Which blocks the images of a map touch, counted while the map is read; `FreeSpace` takes the
/// counts over when all are in.
///
/// One at a time, `FreeSpace.retain` would keep its sums right after each of the hundred thousands of
/// images that opening a large file counts.
package struct BlockTally: ~Copyable {
  fileprivate(set) var counts: [UInt8]

  /// Eight images fill a block, and one more may begin before it.
  private static let limit: UInt8 = 16

  /// A file of so many blocks; its superblocks are counted.
  package init(blockCount: Int) {
    let reserved = FreeSpace.reservedBlockCount
    counts = [UInt8](repeating: 0, count: max(blockCount, reserved))
    for block in 0..<reserved { counts[block] = 1 }
  }

  /// Counts an image. False, and the tally is of no use, for a map that lies: the image lies outside
  /// the file, or where too many others do.
  package mutating func add(_ place: Place) -> Bool {
    guard place.blocks.upperBound <= counts.count else { return false }
    for block in place.blocks {
      guard counts[block] < Self.limit else { return false }
      counts[block] += 1
    }
    return true
  }
}
