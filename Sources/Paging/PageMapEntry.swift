package import Primitives
package import RawBytes

/// What an image is beside its bytes. Unknown bits refuse to be read.
package struct ImageFlags: OptionSet, Hashable, Sendable {
  package let rawValue: UInt16

  package init(rawValue: UInt16) { self.rawValue = rawValue }

  /// The stored bytes are an LZ4 block preceded by its length.
  package static let compressed = ImageFlags(rawValue: 1)

  static let known: ImageFlags = [.compressed]
}

/// Where the image of a page lies, and what it must be: one entry of the page map, the same in
/// memory and in the file (`format-spec/page-map.md`).
///
/// ```text
///  word 0   63      48 47        40 39                          0
///          ┌──────────┬────────────┬─────────────────────────────┐
///          │ flags    │ length - 1 │ place                       │   both in units of 512 bytes
///          └──────────┴────────────┴─────────────────────────────┘
///  word 1   63                    32 31                         0
///          ┌────────────────────────┬────────────────────────────┐
///          │ birth generation       │ CRC32C of the stored bytes │
///          └────────────────────────┴────────────────────────────┘
/// ```
///
/// An entry of zeros says that there is no image: place 0 is a superblock's.
package struct PageMapEntry: Hashable, Sendable, BitwiseCopyable {
  package var low: UInt64
  package var high: UInt64

  package init(low: UInt64, high: UInt64) {
    self.low = low
    self.high = high
  }

  package init(place: Place, flags: ImageFlags, checksum: UInt32, birth: Generation) {
    precondition(place.start > 0 && place.start < 1 << 40, "a place beyond 512 TiB")
    precondition(place.unitCount > 0 && place.unitCount <= 256)
    low =
      UInt64(place.start) | UInt64(place.unitCount - 1) << 40 | UInt64(flags.rawValue) << 48
    high = UInt64(checksum) | UInt64(UInt32(birth.rawValue)) << 32
  }

  package static let absent = PageMapEntry(low: 0, high: 0)
  package static let byteCount = 16
  /// No entry leads to more bytes: its length is one byte, in units.
  static let largestByteCount = 256 * Place.unitByteCount

  package var isAbsent: Bool { low == 0 && high == 0 }
  package var start: Int { Int(low & 0xFF_FFFF_FFFF) }
  package var unitCount: Int { Int(low >> 40 & 0xFF) + 1 }
  package var place: Place { Place(start: start, unitCount: unitCount) }
  package var flags: ImageFlags { ImageFlags(rawValue: UInt16(low >> 48)) }
  package var checksum: UInt32 { UInt32(truncatingIfNeeded: high) }
  package var birth: Generation { Generation(high >> 32) }

  /// The same image, first included in the map of another generation.
  package func born(in generation: Generation) -> PageMapEntry {
    PageMapEntry(low: low, high: high & 0xFFFF_FFFF | UInt64(UInt32(generation.rawValue)) << 32)
  }

  package init(_ bytes: ByteView, at offset: Int) {
    low = bytes.load(UInt64.self, at: offset)
    high = bytes.load(UInt64.self, at: offset + 8)
  }

  package func encode(into bytes: MutableByteView, at offset: Int) {
    bytes.store(low, at: offset)
    bytes.store(high, at: offset + 8)
  }

  /// Whether a file of so many blocks and a checkpoint of this generation can contain it.
  package func problem(blockCount: Int, generation: Generation) -> String? {
    if isAbsent { return nil }
    if start < FreeSpace.reservedBlockCount * Place.unitsPerBlock {
      return "place \(start) inside the superblocks"
    }
    if place.blocks.upperBound > blockCount {
      return "place \(start)+\(unitCount) beyond the \(blockCount) blocks of the file"
    }
    if birth > generation { return "birth \(birth.rawValue) after the checkpoint" }
    if !flags.isSubset(of: .known) { return "flags \(flags.rawValue)" }
    return nil
  }
}
