package import RawBytes

/// Where records append their bytes. Integers are little-endian or varints, texts and bytes are
/// preceded by their count.
public struct RecordWriter: ~Copyable {
  var buffer: ByteBuffer

  /// A writer with nothing in it.
  public init() {
    buffer = ByteBuffer(capacity: 256)
  }

  /// How many bytes were appended.
  public var byteCount: Int { buffer.count }

  /// Lends what was appended for the length of a call.
  public func withBytes<Result>(_ body: (RawSpan) throws -> Result) throws -> Result {
    try unsafe body(RawSpan(_unsafeBytes: buffer.view.buffer))
  }

  /// What was appended. Valid until the next change.
  package var view: ByteView { buffer.view }

  /// A copy of what was appended.
  public var bytes: [UInt8] { buffer.view.array }

  /// Forgets all that was appended, and keeps the memory.
  public mutating func removeAll() { buffer.removeAll() }
}
