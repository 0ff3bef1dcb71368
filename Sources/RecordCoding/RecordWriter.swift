package import RawBytes

/// Where records append their bytes. Integers are little-endian or varints, texts and bytes are
/// preceded by their count.
public struct RecordWriter: ~Copyable {
  var buffer: ByteBuffer

  /// A writer with nothing in it.
  public init() {
    buffer = ByteBuffer(capacity: 256)
  }

  private init(borrowing memory: MutableByteView) {
    buffer = ByteBuffer(borrowing: memory)
  }

  /// Lends a writer whose memory is on the stack as long as little is appended, for the length of a
  /// call.
  public static func withWriter<Result>(
    _ body: (inout RecordWriter) throws -> Result
  ) throws -> Result {
    try unsafe withUnsafeTemporaryAllocation(byteCount: 1024, alignment: 16) { memory in
      // SAFETY: the writer ends before the memory does; it cannot be copied.
      guard let base = memory.baseAddress else { preconditionFailure("no memory") }
      var writer = RecordWriter(
        borrowing: unsafe MutableByteView(base: base, count: memory.count))
      return try body(&writer)
    }
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
