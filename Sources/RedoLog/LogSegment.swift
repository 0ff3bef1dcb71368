internal import Environment

/// An open segment.
final class LogSegment: Sendable {
  let file: any File
  let path: String
  let number: UInt64
  let salt: UInt64
  let byteCount: Int

  init(file: any File, path: String, header: SegmentHeader) {
    self.file = file
    self.path = path
    number = header.number
    salt = header.salt
    byteCount = Int(header.size)
  }

  /// The end of a segment that is left for batches nobody reserved space for: opening, closing
  /// and ceilings. So a database on a full disk opens (rule F10).
  static let headroom = 8 * BatchHeader.blockByteCount

  /// Bytes that reserved batches can have in an empty segment of a size.
  static func capacity(_ byteCount: Int) -> Int {
    byteCount - SegmentHeader.blockByteCount - headroom
  }

  var capacity: Int { Self.capacity(byteCount) }
}

/// A segment that holds batches.
struct LiveSegment: Sendable {
  let segment: LogSegment
  /// The position of its first batch.
  let start: UInt64
}
