internal import BTreeIndex
internal import Primitives
internal import RawBytes

/// An entry as a replay group holds it.
///
/// ```
///  0          8         12           16          20          24        24 + key
///  timestamp │ key size │ value size │ reference │ operation │ key bytes │ value bytes
/// ```
///
/// The second byte of the operation are the flags of the entry, and an expiry stands behind the
/// value, as in a leaf.
///
/// Written and read by this process alone, so that nothing about it has to be believed.
struct ReplayEntry: BitwiseCopyable {
  static let headerByteCount = 24

  private let bytes: ByteView

  /// The entry at an offset among a group's bytes.
  @inline(__always)
  init(in group: ByteView, at offset: UInt32) { bytes = group.dropFirst(Int(offset)) }

  @inline(__always) var timestamp: Timestamp { Timestamp(bytes.load(UInt64.self, at: 0)) }

  @inline(__always) private var keyCount: Int { Int(bytes.load(UInt32.self, at: 8)) }

  @inline(__always) private var valueCount: Int { Int(bytes.load(UInt32.self, at: 12)) }

  /// The index of a `large` entry's value among the references of the group.
  var reference: Int { Int(bytes.load(UInt32.self, at: 16)) }

  @inline(__always) var operation: WriteBatchEntry.Operation {
    guard let operation = WriteBatchEntry.Operation(rawValue: bytes[20]) else {
      preconditionFailure("a gathered entry has changed")
    }
    return operation
  }

  /// Those that a leaf's entry gets, of a large value without the one for that.
  @inline(__always) var flags: EntryFlags { EntryFlags(rawValue: bytes[21]) }

  /// When it expires; zero when it does not.
  var expiry: UInt64 { ExpiryField.moment(in: value, flags: flags) }

  @inline(__always) var key: ByteView {
    bytes[Self.headerByteCount..<Self.headerByteCount &+ keyCount]
  }

  @inline(__always) var value: ByteView {
    let start = Self.headerByteCount &+ keyCount
    return bytes[start..<start &+ valueCount]
  }

  /// Asks for its memory: the header and the beginning of key and value.
  @inline(__always)
  func prefetch() { Processor.prefetch(bytes.prefix(min(bytes.count, 128))) }

  /// Writes an entry behind the others, and returns where its key lies.
  @inline(__always)
  static func append(
    _ entry: WriteBatchEntry, at timestamp: Timestamp, reference: Int, to bytes: inout ByteBuffer
  ) -> Range<Int> {
    let trailing = entry.expiry == 0 ? 0 : ExpiryField.byteCount
    let flags: EntryFlags = entry.expiry == 0 ? [] : .expiry
    bytes.reserve(headerByteCount &+ entry.key.count &+ entry.value.count &+ trailing)
    bytes.append(integer: timestamp.rawValue)
    bytes.append(integer: UInt32(entry.key.count))
    bytes.append(integer: UInt32(entry.value.count + trailing))
    bytes.append(integer: UInt32(truncatingIfNeeded: reference))
    bytes.append(integer: UInt32(entry.operation.rawValue) | UInt32(flags.rawValue) << 8)
    let keyStart = bytes.count
    bytes.append(entry.key)
    bytes.append(entry.value)
    if entry.expiry != 0 { bytes.append(integer: entry.expiry) }
    return keyStart..<keyStart &+ entry.key.count
  }
}
