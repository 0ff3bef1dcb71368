internal import Primitives
internal import RawBytes

/// A batch being filled: aligned memory with room for the header, to which records are appended
/// in place, so that a flush copies nothing.
struct BatchBuffer: ~Copyable, Sendable {
  private var memory: AlignedMemory
  private var bytes: MutableByteView
  private(set) var count = BatchHeader.byteCount
  private(set) var recordCount: UInt32 = 0
  private(set) var newestTimestamp = Timestamp.zero

  /// Beyond this an emptied buffer lets its memory go.
  static let keptByteCount = 32 << 20

  init(byteCount: Int = 1 << 16) {
    memory = AlignedMemory(byteCount: byteCount)
    bytes = memory.bytes
  }

  var payloadByteCount: Int { count &- BatchHeader.byteCount }

  var isEmpty: Bool { count == BatchHeader.byteCount }

  var storedByteCount: Int { BatchHeader.storedByteCount(payload: payloadByteCount) }

  @inline(__always)
  mutating func append(
    _ kind: RecordKind, transaction: TransactionID, timestamp: Timestamp, entryCount: UInt32,
    payload: ByteView
  ) {
    let end = count &+ LogRecord.headerByteCount &+ payload.count
    if end > bytes.count { grow(to: end) }
    LogRecord.encode(
      kind, transaction: transaction, timestamp: timestamp, entryCount: entryCount,
      payload: payload, into: bytes, at: count)
    count = end
    recordCount &+= 1
    if timestamp > newestTimestamp { newestTimestamp = timestamp }
  }

  @inline(never)
  private mutating func grow(to end: Int) {
    precondition(end <= Int(UInt32.max), "a batch of more than 4 GiB")
    var wanted = 2 * bytes.count
    while wanted < end { wanted *= 2 }
    let bigger = AlignedMemory(byteCount: wanted)
    bigger.bytes.copy(bytes[0..<count].view)
    memory = bigger
    bytes = bigger.bytes
  }

  /// Completes the batch by its header. Returns the checksum; `stored` then is what to write.
  mutating func seal(_ header: BatchHeader) -> UInt32 { header.seal(bytes[0..<storedByteCount]) }

  var stored: ByteView { bytes[0..<storedByteCount].view }

  mutating func removeAll() {
    count = BatchHeader.byteCount
    recordCount = 0
    newestTimestamp = .zero
    if bytes.count > Self.keptByteCount {
      memory = AlignedMemory(byteCount: Self.keptByteCount)
      bytes = memory.bytes
    }
  }
}
