internal import CLZ4
package import Primitives
package import RawBytes

/// The stored form of a page: its bytes, or an LZ4 block of them where that saves 512 bytes or
/// more (`format-spec/page-image.md`).
///
/// - Invariant PI1: the checksum in the page map covers the stored bytes, padding included; it
///   comes from the map and not from the image, so a lost, stale or misdirected write is found
///   (F7).
/// - Invariant PI2: nothing of an image is believed before its checksum was.
package enum PageImage {
  /// Where every page carries its own id.
  package static let pageIDOffset = 4
  private static let lengthByteCount = 4

  /// What `encode` made: how many bytes, a multiple of 512.
  package struct Encoded: Equatable, Sendable {
    package let byteCount: Int
    package let flags: ImageFlags
    package let checksum: UInt32
  }

  /// Writes the image of a page; `target` has room for the page, or is where it lies.
  package static func encode(
    _ page: ByteView, into target: MutableByteView, compression: Compression
  ) -> Encoded {
    if compression == .lz4, let compressed = compress(page, into: target) {
      let stored = Place.units(for: lengthByteCount + compressed) * Place.unitByteCount
      target.store(UInt32(compressed), at: 0)
      target.zero(lengthByteCount + compressed..<stored)
      let checksum = CRC32C.checksum(target.view.prefix(stored))
      return Encoded(byteCount: stored, flags: .compressed, checksum: checksum)
    }
    if !page.isSameMemory(as: target.view) { target.copy(page) }
    return Encoded(
      byteCount: page.count, flags: [], checksum: CRC32C.checksum(target.view.prefix(page.count)))
  }

  /// Nil when compression saves less than a unit.
  // SAFETY: both pointers are good for the counts passed; LZ4 writes no more than its capacity.
  private static func compress(_ page: ByteView, into target: MutableByteView) -> Int? {
    let capacity = page.count - Place.unitByteCount - lengthByteCount
    let count = unsafe LZ4_compress_default(
      page.base.assumingMemoryBound(to: CChar.self),
      (target.base + lengthByteCount).assumingMemoryBound(to: CChar.self),
      Int32(page.count), Int32(capacity))
    return count > 0 ? Int(count) : nil
  }

  /// Checks an image and restores the page.
  package static func decode(
    _ stored: ByteView, entry: PageMapEntry, id: PageID, into page: MutableByteView
  ) throws(CorruptionError) {
    let checksum = CRC32C.checksum(stored)
    guard checksum == entry.checksum else {
      throw corruption(id, entry, "checksum \(hex(entry.checksum))", hex(checksum))
    }
    guard entry.flags.isSubset(of: .known) else {
      throw corruption(id, entry, "known flags", "flags \(entry.flags.rawValue)")
    }
    if entry.flags.contains(.compressed) {
      try decompress(stored, entry: entry, id: id, into: page)
    } else {
      guard stored.count == page.count else {
        throw corruption(id, entry, "\(page.count) bytes", "\(stored.count)")
      }
      page.copy(stored)
    }
    let found = page.load(UInt32.self, at: pageIDOffset)
    guard found == id.rawValue else {
      throw corruption(id, entry, "page \(id.rawValue)", "page \(found)")
    }
  }

  // SAFETY: as for `compress`; LZ4_decompress_safe reads and writes inside the counts whatever
  // the bytes say.
  private static func decompress(
    _ stored: ByteView, entry: PageMapEntry, id: PageID, into page: MutableByteView
  ) throws(CorruptionError) {
    let count = Int(stored.load(UInt32.self, at: 0))
    guard count > 0, count <= stored.count - lengthByteCount else {
      throw corruption(id, entry, "a compressed length", "\(count)")
    }
    let restored = unsafe LZ4_decompress_safe(
      (stored.base + lengthByteCount).assumingMemoryBound(to: CChar.self),
      page.base.assumingMemoryBound(to: CChar.self), Int32(count), Int32(page.count))
    guard Int(restored) == page.count else {
      throw corruption(id, entry, "\(page.count) bytes after LZ4", "\(restored)")
    }
  }

  static func corruption(
    _ id: PageID, _ entry: PageMapEntry, _ expected: String, _ found: String
  ) -> CorruptionError {
    CorruptionError(
      location: "page \(id.rawValue) at byte \(entry.place.byteOffset) of the data file",
      expected: expected, found: found)
  }

  static func hex(_ value: UInt32) -> String { "0x" + String(value, radix: 16) }
}
