/// What a page is, in its first byte.
package enum PageKind: UInt8, Sendable {
  case leaf = 1
  case inner = 2
  case overflowIndex = 3
  case overflowData = 4
}

/// Where the fields of a tree node lie: format-spec/tree-node.md.
///
/// ```
/// 0        8                            40        slots end   heap start   heap end    page size
/// ├────────┼────────────────────────────┼───────────────┼──────────┼────────────┼──────────────┤
/// │ page   │ counts, bounds, newest     │ slots →       │ zeros    │  ← entries │ lower, upper │
/// │ prefix │ timestamp or first child   │ 8 bytes each  │          │            │ fence key    │
/// └────────┴────────────────────────────┴───────────────┴──────────┴────────────┴──────────────┘
/// ```
package enum NodeLayout {
  // The bytes that every page begins with.
  package static var kind: Int { 0 }
  package static var flags: Int { 1 }
  package static var reserved: Int { 2 }
  package static var pageID: Int { 4 }

  // The header of a node.
  package static var slotCount: Int { 8 }
  package static var prefixCount: Int { 10 }
  package static var lowerFenceCount: Int { 12 }
  package static var upperFenceCount: Int { 14 }
  package static var heapStart: Int { 16 }
  package static var garbageByteCount: Int { 20 }
  package static var newestTimestamp: Int { 24 }
  package static var tombstoneCount: Int { 32 }
  package static var firstChild: Int { 32 }
  package static var level: Int { 36 }
  package static var headSkip: Int { 38 }
  package static var headerByteCount: Int { 40 }

  package static var slotByteCount: Int { 8 }

  // An entry of a leaf: timestamp 8, flags 1, value length 2, key suffix, value.
  package static var entryFlags: Int { 8 }
  package static var entryValueCount: Int { 9 }
  package static var leafEntryHeaderByteCount: Int { 11 }

  // An entry of an inner node: child 4, separator suffix.
  package static var innerEntryHeaderByteCount: Int { 4 }

  /// In `flags`: no key is too great for this node.
  package static var hasNoUpperFence: UInt8 { 1 }

  /// No tree is higher: 2^32 pages with two children each would not reach it.
  package static var maximumLevel: Int { 32 }

  /// Keys are at most an eighth of a page, so that a node always has room for five separators.
  @inlinable package static func maximumKeyByteCount(pageSize: Int) -> Int { pageSize / 8 }

  /// Key and value together are at most a quarter of a page, so that a leaf always has room for
  /// two entries beside its fence keys; a greater value goes to overflow pages.
  @inlinable package static func maximumInlineByteCount(pageSize: Int) -> Int { pageSize / 4 }
}

/// The index entry of a node: where an entry lies, and enough of its key to skip most of them.
///
/// Four bytes of the key stand in the upper half, big-endian and padded with zeros, so that comparing
/// slots as integers compares keys. In a leaf they are the first after the node's prefix. In an
/// inner node they are the first after what all its separators share, which is more than the
/// prefix where a fence is missing: at the root, and at either edge of the tree.
package struct Slot: BitwiseCopyable, Sendable {
  package let rawValue: UInt64

  @inline(__always) package init(rawValue: UInt64) { self.rawValue = rawValue }

  @inline(__always) package init(head: UInt32, offset: Int, suffixCount: Int) {
    rawValue =
      UInt64(head) << 32 | UInt64(truncatingIfNeeded: offset & 0xFFFF) << 16
      | UInt64(truncatingIfNeeded: suffixCount & 0xFFFF)
  }

  @inline(__always) package var head: UInt32 { UInt32(truncatingIfNeeded: rawValue >> 32) }
  @inline(__always) package var offset: Int {
    Int(truncatingIfNeeded: (rawValue >> 16) & 0xFFFF)
  }
  @inline(__always) package var suffixCount: Int { Int(truncatingIfNeeded: rawValue & 0xFFFF) }
}
