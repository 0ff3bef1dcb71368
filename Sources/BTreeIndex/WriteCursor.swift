import Paging
package import Primitives
package import RawBytes

/// Changes entries of a tree, one key after the other.
///
/// It keeps the leaf of the last key latched, so that following keys inside the same fences cost
/// no descent: sorted batches are cheap. While it holds a leaf the same thread calls nothing that
/// reads this tree and nothing that waits; it releases before it moves to another leaf.
///
/// - Invariant C1: while a leaf is held, its fences do not change and only this cursor writes it.
/// - Invariant C2: a sought position lasts until the next mutation, seek or release.
/// - Invariant C3: `Pager.willModify` came before the first change under this latch.
package struct WriteCursor: ~Copyable {
  private let tree: Tree
  private var page: ExclusivePage?
  /// Views of the held page; empty when none is held.
  private var node: MutableNode
  private var lowerFence: ByteView
  private var upperFence: ByteView?
  private var isHolding = false
  private var isAnnounced = false

  private var index = 0
  private var isFound = false
  private var isSought = false

  /// Where the next entry goes if keys arrive in order, and how many did.
  private var followingIndex = -1
  private var ascendingCount = 0

  /// So many insertions in a row, each right after the last, are taken for a pattern.
  private static var patternLength: Int { 16 }

  init(tree: Tree) {
    self.tree = tree
    node = unsafe MutableNode(MutableByteView(UnsafeMutableRawBufferPointer(start: nil, count: 0)))
    lowerFence = .empty
  }

  /// Goes to a key, and holds its leaf.
  ///
  /// - Returns: the key's entry, whose value lasts until the next mutation; nil when it has none.
  @inline(__always)
  package mutating func seek(_ key: ByteView) throws(TreeError) -> Entry? {
    try hold(key)
    try locate(key)
    return isFound ? node.view.entry(index) : nil
  }

  /// Puts an entry at the sought key: inserts it, or replaces the one that is there.
  ///
  /// Key and value together are at most `Tree.maximumInlineByteCount`; a tombstone has no value.
  package mutating func put(
    _ key: ByteView, timestamp: Timestamp, flags: EntryFlags, value: ByteView
  ) throws(TreeError) {
    try tree.checkLength(of: key)
    precondition(
      key.count + value.count
        <= Tree.maximumInlineByteCount(pageSize: tree.pager.pageSize)
        || flags.contains(.overflow)
          && value.count == OverflowReference.encodedByteCount + flags.trailingByteCount,
      "a value too long for a leaf")
    precondition(!flags.contains(.tombstone) || value.isEmpty, "a tombstone with a value")
    if !isSought { _ = try seek(key) }
    while true {
      let suffix = key.dropFirst(node.view.prefixCount)
      if try isFound
        ? replace(suffix, timestamp, flags, value) : insert(suffix, timestamp, flags, value)
      {
        return
      }
      try makeRoom(for: key, valueCount: value.count)
    }
  }

  /// Removes the sought entry. Its key must have been found.
  package mutating func erase() throws(TreeError) {
    precondition(isSought && isFound, "erase without a found entry")
    announce()
    node.remove(at: index)
    isSought = false
  }

  /// Tombstones in the held leaf.
  package var leafTombstoneCount: Int { isHolding ? node.view.tombstoneCount : 0 }

  /// An upper bound of the timestamps in the held leaf.
  package var newestTimestamp: Timestamp { isHolding ? node.view.newestTimestamp : .zero }

  /// Lets go of the leaf.
  package mutating func release() {
    isHolding = false
    isSought = false
    page = nil
  }

  // MARK: Holding a leaf

  @inline(__always)
  private func covers(_ key: ByteView) -> Bool {
    guard KeyOrder.compare(lowerFence, key) <= 0 else { return false }
    guard let upperFence else { return true }
    return KeyOrder.compare(key, upperFence) < 0
  }

  /// Holds the leaf that a look-up of the key saw, unless it has changed since: then nothing
  /// happens.
  package mutating func hold(_ leaf: SeenLeaf, for key: ByteView) throws(TreeError) {
    guard let latched = tree.pager.upgrade(leaf.page) else { return }
    release()
    followingIndex = -1
    ascendingCount = 0
    try adopt(latched, for: key)
  }

  /// Holds the leaf of a key, without looking for the key in it.
  @inline(__always)
  package mutating func hold(_ key: ByteView) throws(TreeError) {
    if !(isHolding && covers(key)) { try moveToLeaf(of: key) }
  }

  @inline(never)
  private mutating func moveToLeaf(of key: ByteView) throws(TreeError) {
    release()
    while true {
      let seen = try tree.pager.descend(from: tree.root, to: key, .covering)
      guard let latched = tree.pager.upgrade(seen) else { continue }
      followingIndex = -1
      ascendingCount = 0
      return try adopt(latched, for: key)
    }
  }

  private mutating func adopt(_ latched: consuming ExclusivePage, for key: ByteView)
    throws(TreeError)
  {
    let view = NodeView(latched.bytes.view)
    guard view.hasSoundHeader, view.isLeaf, view.covers(key) else {
      throw TreeError.corrupt(TreeError.corruption(of: latched.id, "not the leaf of its key"))
    }
    node = MutableNode(latched.bytes)
    lowerFence = view.lowerFence
    upperFence = view.upperFence
    isAnnounced = false
    isSought = false
    page = consume latched
    isHolding = true
  }

  @inline(__always)
  private mutating func locate(_ key: ByteView) throws(TreeError) {
    let leaf = UnvalidatedNode(node.bytes.view)
    isSought = true
    if followingIndex == leaf.slotCount, leaf.isBelow(key) {
      // The next of keys that arrive in order.
      index = followingIndex
      isFound = false
      return
    }
    let position = leaf.search(
      key, entryHeaderByteCount: NodeLayout.leafEntryHeaderByteCount)
    index = position.index
    isFound = position.finding == .found
    if position.finding == .impossible || isFound && !node.view.hasSoundEntry(index) {
      throw impossibleEntry()
    }
  }

  @inline(never)
  private mutating func impossibleEntry() -> TreeError {
    let fault = node.view.corruption("an impossible entry")
    release()
    return TreeError.corrupt(fault)
  }

  @inline(__always)
  private mutating func announce() {
    if isAnnounced { return }
    switch page {
    case .some(let held): tree.pager.willModify(held)
    case .none: preconditionFailure("no leaf is held")
    }
    isAnnounced = true
  }

  // MARK: Changing it

  /// False when there is no room.
  @inline(__always)
  private mutating func insert(
    _ suffix: ByteView, _ timestamp: Timestamp, _ flags: EntryFlags, _ value: ByteView
  ) throws(TreeError) -> Bool {
    let needed =
      NodeLayout.slotByteCount
      + MutableNode.leafEntryByteCount(suffixCount: suffix.count, valueCount: value.count)
    if node.view.contiguousFreeByteCount < needed {
      guard try compact(freeing: needed) else { return false }
    }
    announce()
    node.insert(at: index, suffix: suffix, timestamp: timestamp, flags: flags, value: value)
    ascendingCount = index == followingIndex ? ascendingCount &+ 1 : 1
    followingIndex = index &+ 1
    isSought = false
    return true
  }

  /// False when there is no room.
  private mutating func replace(
    _ suffix: ByteView, _ timestamp: Timestamp, _ flags: EntryFlags, _ value: ByteView
  ) throws(TreeError) -> Bool {
    if value.count <= node.view.entry(index).value.count {
      announce()
      node.overwrite(at: index, timestamp: timestamp, flags: flags, value: value)
      isSought = false
      return true
    }
    let freed = node.view.entryByteCount(index)
    let needed = MutableNode.leafEntryByteCount(
      suffixCount: suffix.count, valueCount: value.count)
    if let fault = node.view.structuralFault() { throw corrupt(fault) }
    guard node.view.freeByteCount + freed >= needed else { return false }
    announce()
    node.remove(at: index)
    if node.view.contiguousFreeByteCount < needed + NodeLayout.slotByteCount {
      node.compact(scratch: Processor.threadScratch(node.bytes.count))
    }
    node.insert(at: index, suffix: suffix, timestamp: timestamp, flags: flags, value: value)
    isSought = false
    return true
  }

  @inline(never)
  private mutating func compact(freeing needed: Int) throws(TreeError) -> Bool {
    guard node.view.freeByteCount >= needed else { return false }
    if let fault = node.view.structuralFault() { throw corrupt(fault) }
    announce()
    node.compact(scratch: Processor.threadScratch(node.bytes.count))
    return true
  }

  /// Splits the held leaf and goes to the key again.
  @inline(never)
  private mutating func makeRoom(for key: ByteView, valueCount: Int) throws(TreeError) {
    let count = node.view.slotCount
    let isAscending =
      !isFound
      && (index == count && upperFence == nil
        || index == followingIndex && ascendingCount >= Self.patternLength)
    let pattern: SplitPlan.Pattern =
      isAscending ? .ascending(position: index) : .anywhere
    let needed =
      NodeLayout.slotByteCount
      + MutableNode.leafEntryByteCount(
        suffixCount: key.count - node.view.prefixCount, valueCount: valueCount)
    release()
    let latched = try tree.splitLeaf(for: key, pattern: pattern, needed: needed)
    try adopt(latched, for: key)
    try locate(key)
    if isAscending { followingIndex = index }
  }

  private mutating func corrupt(_ fault: String) -> TreeError {
    let error = node.view.corruption(fault)
    release()
    return TreeError.corrupt(error)
  }
}
