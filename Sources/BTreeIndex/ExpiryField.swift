package import RawBytes

/// The eight bytes behind a value that expires: a moment of the wall clock in nanoseconds since 1970,
/// little-endian, never zero (`format-spec/tree-node.md`).
@usableFromInline
package enum ExpiryField {
  package static var byteCount: Int { 8 }

  /// The moment that stands behind a value; zero when none does.
  package static func moment(in value: ByteView, flags: EntryFlags) -> UInt64 {
    guard flags.contains(.expiry), value.count >= byteCount else { return 0 }
    return value.load(UInt64.self, at: value.count &- byteCount)
  }

  /// Appends a value and, unless it is zero, the moment behind it.
  ///
  /// - Returns: the flag that says so.
  package static func append(_ value: ByteView, expiry: UInt64, to bytes: inout ByteBuffer)
    -> EntryFlags
  {
    bytes.append(value)
    guard expiry != 0 else { return EntryFlags(rawValue: 0) }
    bytes.append(integer: expiry)
    return .expiry
  }
}
