internal import Primitives
package import RawBytes

/// A backup as bytes one behind the other: `format-spec/backup-stream.md`.
///
/// ```text
///  preamble │ start │ images │ images │ … │ root table │ … │ end
///           └──────────────── frames ────────────────────────┘
/// ```
///
/// - Invariant BF1: each frame's checksum goes on from that of the one before, so a frame that is
///   damaged, missing, doubled or of another stream is found at once.
/// - Invariant BF2: a stream without its end frame is incomplete, wherever it was cut.
package enum BackupStreamFormat {
  static let magic: [UInt8] = Array("MartletB".utf8)
  static let version: UInt32 = 1
  static let preambleByteCount = 16
  static let frameHeaderByteCount = 16
  static let checksumByteCount = 4
  /// No frame's content is longer.
  static let contentLimit = 4 << 20
  static let imageEntryByteCount = 20

  package enum Kind: UInt32 {
    case start = 1
    case images = 2
    case rootTable = 3
    case end = 4
  }

  package static var preamble: [UInt8] {
    var buffer = ByteBuffer(capacity: preambleByteCount)
    magic.withByteView { buffer.append($0) }
    buffer.append(integer: version)
    buffer.append(zeros: 4)
    return buffer.view.array
  }

  /// Whether bytes are the beginning of a backup stream.
  static func isBeginning(_ bytes: ArraySlice<UInt8>) -> Bool { bytes.starts(with: magic) }
}

/// Makes the frames of a stream.
package struct BackupStreamEncoder {
  private var number: UInt64 = 0
  private var checksum: UInt32

  package init() { checksum = BackupStreamFormat.preamble.withByteView { CRC32C.checksum($0) } }

  /// A frame around a content.
  package mutating func frame(_ kind: BackupStreamFormat.Kind, _ content: borrowing ByteBuffer)
    -> [UInt8]
  {
    precondition(content.count <= BackupStreamFormat.contentLimit, "a frame that is too long")
    var buffer = ByteBuffer(
      capacity: BackupStreamFormat.frameHeaderByteCount + content.count
        + BackupStreamFormat.checksumByteCount)
    buffer.append(integer: UInt32(content.count))
    buffer.append(integer: kind.rawValue)
    buffer.append(integer: number)
    buffer.append(content.view)
    checksum = CRC32C.checksum(buffer.view, continuing: checksum)
    buffer.append(integer: checksum)
    number += 1
    return buffer.view.array
  }
}

/// Takes the frames of a stream out of pieces of any length.
package struct BackupStreamDecoder {
  package struct Frame {
    package let kind: BackupStreamFormat.Kind
    package let content: ArraySlice<UInt8>
    /// Where in the stream it begins.
    package let offset: Int
  }

  private var bytes: [UInt8] = []
  /// What of them was taken.
  private var taken = 0
  /// Where in the stream `bytes` begins.
  private var start = 0
  private var number: UInt64 = 0
  private var checksum: UInt32 = 0
  private var hasPreamble = false

  package init() {}

  /// Bytes that came so far.
  var byteCount: Int { start + bytes.count }

  private var offset: Int { start + taken }

  /// Whether everything that came was taken.
  package var isEmpty: Bool { taken == bytes.count }

  package mutating func append(_ piece: some Sequence<UInt8>) {
    if taken > 0 {
      bytes.removeFirst(taken)
      start += taken
      taken = 0
    }
    bytes.append(contentsOf: piece)
  }

  /// The next whole frame; nil when more bytes are needed.
  ///
  /// - Throws: for bytes that are none.
  package mutating func next() throws(DatabaseError) -> Frame? {
    if !hasPreamble, try !takePreamble() { return nil }
    let header = BackupStreamFormat.frameHeaderByteCount
    guard bytes.count - taken >= header else { return nil }
    let (count, kindNumber, frameNumber) = bytes.withByteView { view in
      (
        Int(view.load(UInt32.self, at: taken)), view.load(UInt32.self, at: taken + 4),
        view.load(UInt64.self, at: taken + 8)
      )
    }
    guard count <= BackupStreamFormat.contentLimit else {
      throw damaged("a content of at most \(BackupStreamFormat.contentLimit) bytes", "\(count)")
    }
    let total = header + count + BackupStreamFormat.checksumByteCount
    guard bytes.count - taken >= total else { return nil }
    let (found, expected) = bytes.withByteView { view in
      (
        CRC32C.checksum(view[taken..<taken + header + count], continuing: checksum),
        view.load(UInt32.self, at: taken + header + count)
      )
    }
    guard found == expected else {
      throw damaged("checksum \(expected)", "\(found)")
    }
    guard frameNumber == number else { throw damaged("frame \(number)", "frame \(frameNumber)") }
    guard let kind = BackupStreamFormat.Kind(rawValue: kindNumber) else {
      throw DatabaseError(
        .newerFormat,
        "the backup holds a frame of unknown kind \(kindNumber) at byte \(offset): restore it with "
          + "a newer version")
    }
    let frame = Frame(
      kind: kind, content: bytes[taken + header..<taken + header + count], offset: offset)
    checksum = found
    number += 1
    taken += total
    return frame
  }

  private mutating func takePreamble() throws(DatabaseError) -> Bool {
    let magic = BackupStreamFormat.magic
    let isOne = bytes.prefix(magic.count).elementsEqual(magic.prefix(bytes.count))
    guard isOne else {
      throw DatabaseError(.notADatabase, "these bytes are no backup: they do not begin as one")
    }
    guard bytes.count >= BackupStreamFormat.preambleByteCount else { return false }
    let version = bytes.withByteView { $0.load(UInt32.self, at: magic.count) }
    guard version == BackupStreamFormat.version else {
      throw DatabaseError(
        .newerFormat,
        "the backup has format \(version); this version reads \(BackupStreamFormat.version)")
    }
    taken = BackupStreamFormat.preambleByteCount
    checksum = bytes.withByteView { CRC32C.checksum($0.prefix(taken)) }
    hasPreamble = true
    return true
  }

  func damaged(_ expected: String, _ found: String, at offset: Int? = nil) -> DatabaseError {
    DatabaseError(
      .corrupt,
      "the backup is damaged: \(expected) expected at byte \(offset ?? self.offset), "
        + "\(found) found; take another copy of it")
  }
}
