internal import RawBytes

/// Reads that lie.
extension SimulatedDisk {
  /// Damages what a read returns; false when the damage could not show.
  func damage(
    _ bytes: MutableByteView, at offset: UInt64, of content: FileContent, _ effect: Fault.Effect
  ) -> Bool {
    guard bytes.count > 0 else { return false }
    if effect == .flipsBit {
      let index = faultChance.below(bytes.count)
      bytes[index] ^= 1 << UInt8(faultChance.below(8))
      return true
    }
    let unit = FileContent.sectorByteCount
    let sectors = Int(offset) / unit...(Int(offset) + bytes.count - 1) / unit
    let first = faultChance.below(sectors.count)
    for step in 0..<sectors.count {
      let sector = sectors.lowerBound + (first + step) % sectors.count
      let replacement: [UInt8]?
      if effect == .returnsStaleSector {
        replacement = content.staleSector(sector)
      } else {
        let other = content.currentSector(faultChance.below(max(Int(content.size) / unit, 1)))
        replacement = other == content.currentSector(sector) ? nil : other
      }
      guard let replacement else { continue }
      let part = (sector * unit..<(sector + 1) * unit)
        .clamped(to: Int(offset)..<Int(offset) + bytes.count)
      replacement.withByteView { replacement in
        bytes.copy(
          replacement[part.lowerBound - sector * unit..<part.upperBound - sector * unit],
          at: part.lowerBound - Int(offset))
      }
      return true
    }
    return false
  }
}

/// The part of a write that lands at the place of another block.
struct StrayPiece {
  /// Where it belongs.
  let source: Range<UInt64>
  /// Where it lands: at the same distance from the beginning of another block.
  let target: Range<UInt64>

  /// Chooses a block of the write and a place for it inside the file, or right behind the block
  /// where the file has no other. Nil when nobody could see a difference.
  init?(
    of bytes: ByteView, at offset: UInt64, content: FileContent, freeBlockCount: Int,
    _ chance: inout SeededGenerator
  ) {
    guard !bytes.isEmpty else { return nil }
    let unit = UInt64(FileContent.blockByteCount)
    let end = offset + UInt64(bytes.count)
    let blocks = offset / unit...(end - 1) / unit
    for _ in 0..<8 {
      let block = blocks.lowerBound + UInt64(chance.below(blocks.count))
      let source = max(offset, block * unit)..<min(end, (block + 1) * unit)
      let fitting = content.size / unit
      var place = fitting > 0 ? UInt64(chance.below(Int(fitting))) : 0
      if place == block { place = block > 0 ? 0 : 1 }
      let start = place * unit + source.lowerBound % unit
      let target = start..<start + UInt64(source.count)
      let piece = bytes[Int(source.lowerBound - offset)..<Int(source.upperBound - offset)]
      guard content.blocksMissing(in: target) <= max(freeBlockCount, 0),
        content.differs(from: piece, at: source.lowerBound)
          || content.differs(from: piece, at: target.lowerBound)
      else { continue }
      (self.source, self.target) = (source, target)
      return
    }
    return nil
  }
}
