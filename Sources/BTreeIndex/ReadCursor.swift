import Paging
public import Primitives
public import RawBytes

#if canImport(Darwin)
  internal import Darwin
#elseif canImport(Glibc)
  internal import Glibc
#elseif canImport(Musl)
  internal import Musl
#endif

/// Walks the entries of a tree in key order, both ways, without a latch between calls.
///
/// It copies a leaf as it stood at one moment and walks the copy; the next leaf is the one that
/// covers the copy's fence key by then, so splits, merges and purges meanwhile neither repeat nor
/// skip a key. What it shows of a leaf is as old as the copy.
///
/// A cursor that ran off an end stands beyond it: turning back gives the entry at that end.
///
/// - Invariant S1: `copy` is one leaf at one moment, with a sound header.
/// - Invariant S2: while `index` is in `0..<slotCount`, `key` and `entry` are those of that slot
///   and were checked to lie inside the copy.
/// - Invariant S3: each leaf loaded by a step covers keys beyond the last one's fence, so every
///   walk ends.
// SAFETY: the pointers are into `memory`; entries are bounds-checked in `decode`, once a step.
// False if a step forgets that.
@safe
@usableFromInline
package struct ReadCursor: ~Copyable {
  private let tree: Tree
  /// Room for a leaf and a key, good for the next cursor of a tree of this page size.
  package let memory: AlignedMemory
  @usableFromInline let copy: MutableByteView
  @usableFromInline let keyBytes: MutableByteView
  private var scan = LeafScan()
  private var index = 0
  private var slotCount = 0
  private var prefixCount = 0
  @usableFromInline var suffixEnd = 0
  @usableFromInline var entryOffset = 0
  @usableFromInline var keyCount = 0
  @usableFromInline var valueCount = 0

  private enum Direction { case onwards, back }

  /// Short suffixes are copied in one go, whatever lies behind them.
  private static var slack: Int { 16 }

  /// - Parameter memory: that of a cursor that is used no more.
  init(tree: Tree, reusing memory: AlignedMemory? = nil) {
    self.tree = tree
    let pageSize = tree.pager.pageSize
    let keyLimit = NodeLayout.maximumKeyByteCount(pageSize: pageSize)
    let byteCount = pageSize + keyLimit + 2 * Self.slack
    if let memory, memory.count == byteCount {
      self.memory = memory
    } else {
      self.memory = AlignedMemory(byteCount: byteCount, alignment: 64)
    }
    let memory = self.memory
    copy = memory.bytes[0..<pageSize]
    keyBytes = memory.bytes[pageSize + Self.slack..<pageSize + 2 * Self.slack + keyLimit]
    forget()
  }

  // MARK: Seeking

  /// Goes to the first key that is not below a key. False when there is none.
  package mutating func seek(atOrAfter key: ByteView) throws(TreeError) -> Bool {
    index = try load(key, .covering).index
    return try settleForward()
  }

  /// Goes to the first key above a key. False when there is none.
  package mutating func seek(after key: ByteView) throws(TreeError) -> Bool {
    let position = try load(key, .covering)
    index = position.finding == .found ? position.index + 1 : position.index
    return try settleForward()
  }

  /// Goes to the last key below a key. False when there is none.
  package mutating func seek(before key: ByteView) throws(TreeError) -> Bool {
    index = try load(key, .before).index - 1
    return try settleBackward()
  }

  /// Goes to the last key that is not above a key. False when there is none.
  package mutating func seek(atOrBefore key: ByteView) throws(TreeError) -> Bool {
    let position = try load(key, .covering)
    index = position.finding == .found ? position.index : position.index - 1
    return try settleBackward()
  }

  /// Goes to the first key. False when the tree is empty.
  package mutating func seekFirst() throws(TreeError) -> Bool { try seek(atOrAfter: .empty) }

  /// Goes to the last key. False when the tree is empty.
  package mutating func seekLast() throws(TreeError) -> Bool {
    _ = try load(.empty, .last)
    index = slotCount - 1
    return try settleBackward()
  }

  // MARK: Stepping

  /// Goes to the next key. False when there is none.
  package mutating func next() throws(TreeError) -> Bool {
    if index < slotCount { index &+= 1 }
    if index < slotCount {
      try decode()
      return true
    }
    return try settleForward()
  }

  /// Goes to the previous key. False when there is none.
  package mutating func previous() throws(TreeError) -> Bool {
    if index >= 0 { index &-= 1 }
    if index >= 0 {
      try decode()
      return true
    }
    return try settleBackward()
  }

  /// Goes to a neighbour inside the copied leaf, one entry on or back. False, and it stays where it
  /// is, when there is none: `next` and `previous` go on to other leaves.
  package mutating func stepInLeaf(_ distance: Int) throws(TreeError) -> Bool {
    let target = index &+ distance
    guard target >= 0, target < slotCount else { return false }
    index = target
    try decode()
    return true
  }

  /// Goes to the first key of the next leaf that has any. False when there is none.
  package mutating func nextLeaf() throws(TreeError) -> Bool {
    index = slotCount
    return try settleForward()
  }

  /// The key the cursor stands on. Lasts until it moves.
  @inlinable package var key: ByteView { unsafe ByteView(base: keyBytes.base, count: keyCount) }

  /// The entry the cursor stands on. Its value lasts until the cursor moves.
  @inlinable package var entry: Entry {
    unsafe Entry(
      timestamp: Timestamp(
        UInt64(
          littleEndian: copy.base.loadUnaligned(fromByteOffset: entryOffset, as: UInt64.self))),
      flags: EntryFlags(
        rawValue: copy.base.load(fromByteOffset: entryOffset &+ 8, as: UInt8.self)),
      value: ByteView(base: copy.base + suffixEnd, count: valueCount))
  }

  /// Tombstones in the copied leaf.
  package var leafTombstoneCount: Int { NodeView(copy.view).tombstoneCount }

  /// An upper bound of the timestamps in the copied leaf.
  package var newestTimestamp: Timestamp { NodeView(copy.view).newestTimestamp }

  // MARK: Leaves

  /// Copies the leaf for a key and looks the key up in it.
  ///
  /// - Parameter direction: whether the cursor walked there, onwards or back.
  private mutating func load(
    _ key: ByteView, _ target: UnvalidatedNode.Target, walking direction: Direction? = nil
  ) throws(TreeError) -> UnvalidatedNode.Position {
    do {
      if let direction {
        try scan.willLoad(key, isForward: direction == .onwards, tree)
      } else {
        scan.restart()
      }
      try tree.pager.copyLeaf(from: tree.root, for: key, target, into: copy)
      scan.didLoad(tree)
    } catch {
      forget()
      throw error
    }
    let view = NodeView(copy.view)
    let isRight =
      switch target {
      case .covering: view.covers(key)
      case .before:
        // Nothing is below the empty key; then the first leaf will do.
        (view.lowerFence < key || key.isEmpty) && (view.upperFence.map { key <= $0 } ?? true)
      case .last: !view.hasUpperFence
      }
    guard isRight else { throw corrupt("not the leaf of its keys") }
    var position = UnvalidatedNode.Position(0, .absent)
    if target != .last {
      position = UnvalidatedNode(copy.view).search(
        key, entryHeaderByteCount: NodeLayout.leafEntryHeaderByteCount)
      guard position.finding != .impossible else { throw corrupt("an impossible slot") }
    }
    // Only now, because `key` may be this cursor's own.
    prefixCount = view.prefixCount
    keyBytes.copy(view.prefix)
    slotCount = view.slotCount
    return position
  }

  /// From `index`, which may be at the end of the copy, to the next entry there is.
  private mutating func settleForward() throws(TreeError) -> Bool {
    while index >= slotCount {
      let view = NodeView(copy.view)
      guard let fence = view.upperFence else {
        index = slotCount
        return false
      }
      keyBytes.copy(fence)
      index = try load(keyBytes.view.prefix(fence.count), .covering, walking: .onwards).index
    }
    try decode()
    return true
  }

  /// From `index`, which may be -1, to the entry there or the last one before.
  private mutating func settleBackward() throws(TreeError) -> Bool {
    while index < 0 {
      let fence = NodeView(copy.view).lowerFence
      guard !fence.isEmpty else {
        index = -1
        return false
      }
      keyBytes.copy(fence)
      index = try load(keyBytes.view.prefix(fence.count), .before, walking: .back).index - 1
    }
    try decode()
    return true
  }

  /// Reads the slot at `index`, once, with its bounds checked (S2).
  @inline(__always)
  private mutating func decode() throws(TreeError) {
    let bytes = unsafe copy.base
    let slot = Slot(
      rawValue: unsafe UInt64(
        littleEndian: bytes.loadUnaligned(
          fromByteOffset: NodeLayout.headerByteCount &+ index &* NodeLayout.slotByteCount,
          as: UInt64.self)))
    let suffixStart = slot.offset &+ NodeLayout.leafEntryHeaderByteCount
    let suffixCount = slot.suffixCount
    guard suffixStart &+ suffixCount <= copy.count,
      prefixCount &+ suffixCount <= keyBytes.count &- Self.slack
    else { throw corrupt("an impossible entry") }
    valueCount = Int(
      truncatingIfNeeded: unsafe UInt16(
        littleEndian: bytes.loadUnaligned(
          fromByteOffset: slot.offset &+ NodeLayout.entryValueCount, as: UInt16.self)))
    entryOffset = slot.offset
    suffixEnd = suffixStart &+ suffixCount
    keyCount = prefixCount &+ suffixCount
    guard suffixEnd &+ valueCount <= copy.count else { throw corrupt("an impossible entry") }
    let target = unsafe keyBytes.base + prefixCount
    let source = unsafe bytes + suffixStart
    if suffixCount <= Self.slack {
      unsafe target.storeBytes(of: source.loadUnaligned(as: UInt64.self), as: UInt64.self)
      unsafe target.storeBytes(
        of: source.loadUnaligned(fromByteOffset: 8, as: UInt64.self), toByteOffset: 8,
        as: UInt64.self)
    } else {
      unsafe memcpy(target, source, suffixCount)
    }
  }

  @inline(never)
  private mutating func corrupt(_ fault: String) -> TreeError {
    let error = NodeView(copy.view).corruption(fault)
    forget()
    return TreeError.corrupt(error)
  }

  /// Back to where a new cursor stands: before everything, with nothing copied (S1).
  private mutating func forget() {
    copy.zero(0..<NodeLayout.headerByteCount)
    index = 0
    slotCount = 0
  }
}
