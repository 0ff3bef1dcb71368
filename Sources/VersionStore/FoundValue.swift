package import BTreeIndex
package import Primitives
internal import RawBytes

/// A value that a snapshot sees.
package struct FoundValue: BitwiseCopyable, Sendable {
  /// The commit that wrote it.
  package let timestamp: Timestamp
  private let start: Int
  private var end: Int
  /// Where a large value lies. Its pages are the snapshot's as long as it does not expire: read
  /// them with `VersionStore.readOverflow`, which checks.
  package private(set) var overflow: OverflowReference?
  let flags: EntryFlags
  /// When it expires, in wall-clock nanoseconds; zero when it does not.
  package private(set) var expiry: UInt64 = 0

  init(timestamp: Timestamp, flags: EntryFlags, valueRange: Range<Int>) {
    self.timestamp = timestamp
    self.flags = flags
    start = valueRange.lowerBound
    end = valueRange.upperBound
  }

  /// Where the bytes stand in the scratch buffer; empty for a large value.
  package var valueRange: Range<Int> { start..<end }

  /// How many bytes the value has, wherever they lie.
  package var byteCount: UInt64 { overflow.map { $0.byteCount } ?? UInt64(end - start) }

  /// Takes the expiry from behind the value; nil when the value had expired by a moment.
  func resolvingExpiry(in scratch: borrowing ByteBuffer, at moment: UInt64) throws(StoreError)
    -> FoundValue?
  {
    let expiry = ExpiryField.moment(in: scratch.view[valueRange], flags: flags)
    guard expiry != 0 else { throw .corrupt(.expiry(found: end - start)) }
    if expiry <= moment { return nil }
    var value = self
    value.expiry = expiry
    value.end -= ExpiryField.byteCount
    return value
  }

  /// Reads the reference to a large value and takes its encoding out of the scratch buffer again.
  func resolvingOverflow(
    in scratch: inout ByteBuffer, from offset: Int
  ) throws(StoreError) -> FoundValue {
    guard let reference = OverflowReference(decoding: scratch.view[valueRange]) else {
      throw .corrupt(.overflowReference(found: end - start))
    }
    scratch.truncate(to: offset)
    var value = FoundValue(
      timestamp: timestamp, flags: flags, valueRange: offset..<offset)
    value.overflow = reference
    value.expiry = expiry
    return value
  }
}

extension CorruptionError {
  static func expiry(found byteCount: Int) -> CorruptionError {
    CorruptionError(
      location: "leaf entry", expected: "a moment of expiry behind the value",
      found: "\(byteCount) bytes without one")
  }

  static func overflowReference(found byteCount: Int) -> CorruptionError {
    CorruptionError(
      location: "leaf entry", expected: "a reference to overflow pages",
      found: "\(byteCount) bytes that are none")
  }
}
