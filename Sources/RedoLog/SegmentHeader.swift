package import Primitives
package import RawBytes

/// The first block of a segment: which database and which segment this is, and the salt that its
/// batches carry. Normative: `format-spec/log-segment.md`.
///
/// It is written while the file has a temporary name and never again under a segment's name. So a
/// bad header in the log is damage and not a write that a crash cut off.
package struct SegmentHeader: Equatable, Sendable {
  /// The bytes `MARTLOG` and a zero.
  package static let magic: UInt64 = 0x0047_4F4C_5452_414D
  package static let version: UInt32 = 1
  package static let byteCount = 64
  /// The header's block; the first batch begins behind it.
  package static let blockByteCount = 4096

  package var database: DatabaseID
  package var number: UInt64
  /// Drawn anew whenever the file becomes another segment: old batches do not carry it (W1).
  package var salt: UInt64
  /// The size of the file in bytes.
  package var size: UInt64

  package init(database: DatabaseID, number: UInt64, salt: UInt64, size: UInt64) {
    self.database = database
    self.number = number
    self.salt = salt
    self.size = size
  }

  /// Writes the header to the first bytes of a zeroed block.
  package func encode(into block: MutableByteView) {
    block.store(Self.magic, at: 0)
    block.store(Self.version, at: 8)
    block.store(UInt32(0), at: 12)
    block.store(database.high, at: 16)
    block.store(database.low, at: 24)
    block.store(number, at: 32)
    block.store(salt, at: 40)
    block.store(size, at: 48)
    block.store(UInt32(0), at: 56)
    block.store(CRC32C.checksum(block[0..<60].view), at: 60)
  }

  /// Reads a header. `path` names the file in errors.
  package init(decoding block: ByteView, path: String) throws(LogError) {
    func corrupt(_ offset: Int, _ expected: String, _ found: String) -> LogError {
      .corrupt(
        CorruptionError(
          location: "\(path), offset \(offset), segment header", expected: expected, found: found))
    }
    guard block.count >= Self.byteCount else {
      throw corrupt(0, "\(Self.byteCount) bytes", "\(block.count) bytes")
    }
    guard block.load(UInt64.self, at: 0) == Self.magic else {
      throw corrupt(0, "the magic of a log segment", "\(block.prefix(8).array)")
    }
    let stored = block.load(UInt32.self, at: 60)
    let computed = CRC32C.checksum(block.prefix(60))
    guard stored == computed else { throw corrupt(60, "checksum \(computed)", "\(stored)") }
    let version = block.load(UInt32.self, at: 8)
    guard version > 0 else { throw corrupt(8, "a released format version", "0") }
    guard version <= Self.version else {
      throw .newerFormat(found: version, supported: Self.version)
    }
    database = DatabaseID(
      high: block.load(UInt64.self, at: 16), low: block.load(UInt64.self, at: 24))
    number = block.load(UInt64.self, at: 32)
    salt = block.load(UInt64.self, at: 40)
    size = block.load(UInt64.self, at: 48)
    let block = UInt64(Self.blockByteCount)
    guard size % block == 0, size >= 2 * block, size <= UInt64(Int64.max) else {
      throw corrupt(48, "a size in whole blocks", "\(size)")
    }
  }
}
