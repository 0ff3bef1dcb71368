package import Primitives
package import RawBytes

/// Where a large value lies: what an entry with `EntryFlags.overflow` holds instead of it.
/// See format-spec/overflow-value.md.
package struct OverflowReference: BitwiseCopyable, Hashable, Sendable {
  /// The value's length. At least 1.
  package let byteCount: UInt64
  /// The value's only data page, or the uppermost index page.
  package let root: PageID

  package init(byteCount: UInt64, root: PageID) {
    self.byteCount = byteCount
    self.root = root
  }

  package static var encodedByteCount: Int { 12 }

  /// Writes 12 bytes: byte count, root, little-endian.
  package func encode(into bytes: MutableByteView) {
    bytes.store(byteCount, at: 0)
    bytes.store(root.rawValue, at: 8)
  }

  /// The reference in what is stored for a key; nil when its flags or its bytes say that there is
  /// none.
  package init?(decoding value: ByteView, flags: EntryFlags) {
    guard flags.contains(.overflow), value.count >= flags.trailingByteCount else { return nil }
    self.init(decoding: value.prefix(value.count &- flags.trailingByteCount))
  }

  /// Nil when the bytes are none.
  package init?(decoding bytes: ByteView) {
    guard bytes.count == Self.encodedByteCount else { return nil }
    byteCount = bytes.load(UInt64.self, at: 0)
    root = PageID(bytes.load(UInt32.self, at: 8))
    guard byteCount > 0, byteCount <= UInt64(Int64.max), root != .none else { return nil }
  }
}
