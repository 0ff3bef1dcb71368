public import Primitives
public import RawBytes

/// What kind of value an entry of a leaf holds.
@frozen
@usableFromInline
package struct EntryFlags: OptionSet, Hashable, Sendable, BitwiseCopyable {
  @usableFromInline package let rawValue: UInt8

  @inlinable package init(rawValue: UInt8) { self.rawValue = rawValue }

  /// The key is absent since the entry's timestamp; the value is empty.
  @inlinable package static var tombstone: EntryFlags { EntryFlags(rawValue: 1) }
  /// The value is an encoded `OverflowReference`.
  @inlinable package static var overflow: EntryFlags { EntryFlags(rawValue: 2) }
  /// Behind the value stand eight bytes more: when it expires.
  @inlinable package static var expiry: EntryFlags { EntryFlags(rawValue: 4) }

  /// How many bytes stand behind the value.
  package var trailingByteCount: Int { contains(.expiry) ? 8 : 0 }
}

/// An entry of a leaf without its key. The value is a view into a page or a copy of one: whoever
/// hands out an entry says how long it lasts.
@frozen
@usableFromInline
package struct Entry: BitwiseCopyable, Sendable {
  /// When the newest committed state of the key was written.
  @usableFromInline package let timestamp: Timestamp
  @usableFromInline package let flags: EntryFlags
  /// All that is stored for the key: its value, and behind it what the flags announce.
  @usableFromInline package let value: ByteView

  @inlinable package init(timestamp: Timestamp, flags: EntryFlags, value: ByteView) {
    self.timestamp = timestamp
    self.flags = flags
    self.value = value
  }

  /// When it expires, in wall-clock nanoseconds; zero when it does not.
  package var expiry: UInt64 { ExpiryField.moment(in: value, flags: flags) }

  /// Where its large value lies; nil when it has none, or the bytes are no reference.
  package var overflowReference: OverflowReference? {
    OverflowReference(decoding: value, flags: flags)
  }
}

/// What `Tree.find` found; the value was appended to the caller's buffer.
@frozen
@usableFromInline
package struct FoundEntry: BitwiseCopyable, Sendable, Equatable {
  @usableFromInline package let timestamp: Timestamp
  @usableFromInline package let flags: EntryFlags
  /// Where the value lies in the buffer, from offset to end.
  @usableFromInline package let valueStart: Int
  @usableFromInline package let valueEnd: Int

  @inlinable package init(timestamp: Timestamp, flags: EntryFlags, valueRange: Range<Int>) {
    self.timestamp = timestamp
    self.flags = flags
    valueStart = valueRange.lowerBound
    valueEnd = valueRange.upperBound
  }

  /// Where the value lies in the buffer.
  @inlinable package var valueRange: Range<Int> { valueStart..<valueEnd }
}

/// What a purge did to the leaf it was asked about and to its neighbours.
package struct PurgeOutcome: Sendable, Equatable {
  /// Tombstones dropped.
  package var removedCount = 0
  /// Tombstones of the leaf that are too new to drop.
  package var remainingCount = 0
  /// Nodes that were merged into a neighbour.
  package var mergeCount = 0

  package init() {}
}
