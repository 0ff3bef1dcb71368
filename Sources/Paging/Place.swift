/// Where an image lies in the file, in units of 512 bytes.
package struct Place: Hashable, Sendable {
  /// The first unit, counted from the beginning of the file.
  package let start: Int
  package let unitCount: Int

  package init(start: Int, unitCount: Int) {
    self.start = start
    self.unitCount = unitCount
  }

  package static let unitByteCount = 512
  package static let blockByteCount = 4096
  static let unitsPerBlock = blockByteCount / unitByteCount

  package var end: Int { start + unitCount }
  package var byteCount: Int { unitCount * Self.unitByteCount }
  package var byteOffset: UInt64 { UInt64(start) * UInt64(Self.unitByteCount) }

  /// The 4 KiB blocks that the image touches.
  package var blocks: Range<Int> {
    start / Self.unitsPerBlock..<(end + Self.unitsPerBlock - 1) / Self.unitsPerBlock
  }

  /// Units that hold so many bytes.
  package static func units(for byteCount: Int) -> Int {
    (byteCount + unitByteCount - 1) / unitByteCount
  }

  /// Blocks that hold so many bytes.
  package static func blocks(for byteCount: Int) -> Int {
    (byteCount + blockByteCount - 1) / blockByteCount
  }
}
