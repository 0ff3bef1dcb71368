package import Paging
package import Primitives
package import RawBytes

/// Builds a tree from its leaves upwards out of entries in ascending order.
///
/// Inserting in order leaves full leaves behind as well, but each entry pays for a descent or a
/// latch, and each page for a frame. Here an entry is copied to the leaf being packed and, with that,
/// to where it stays; a leaf that is full goes to the page build, and one separator to the node
/// above. Leaves are left full, as a tree's own splits leave them when keys arrive in order: a
/// later insertion splits the one leaf that it goes to, while room kept everywhere would be read by
/// every scan.
///
/// The tree satisfies T1 to T4 when `finish` returns. Until then it has no root.
///
/// - Invariant TB1: everything at a level but its last node is in pages of the build.
/// - Invariant TB2: a node is pushed up with its lower fence; the separator left of it is that.
package struct TreeBuilder: ~Copyable {
  private let pages: PageBuild
  private var leaf: LeafPacker
  /// From level 1 upwards.
  private var levels: [InnerPacker] = []
  private let keyLimit: Int
  private let inlineLimit: Int
  private let overflow: OverflowLayout
  /// A value and its expiry, as they stand in a leaf.
  private var expiring = ByteBuffer(capacity: 0)

  /// Entries added so far.
  package private(set) var entryCount = 0
  /// Their keys and values, in bytes.
  package private(set) var byteCount = 0
  /// When the first of the entries expires; zero when none does.
  package private(set) var firstExpiry: UInt64 = 0

  /// What became of an entry.
  package enum Outcome: Sendable { case added, notAscending }

  /// - Parameter timestamp: that of every entry.
  package init(pages: PageBuild, timestamp: Timestamp) {
    self.pages = pages
    leaf = LeafPacker(pageSize: pages.pageSize, timestamp: timestamp)
    keyLimit = NodeLayout.maximumKeyByteCount(pageSize: pages.pageSize)
    inlineLimit = NodeLayout.maximumInlineByteCount(pageSize: pages.pageSize)
    overflow = OverflowLayout(pageSize: pages.pageSize)
  }

  // MARK: Entries

  /// Adds an entry behind all others. A value too large for a leaf goes to overflow pages.
  ///
  /// - Parameter expiry: when it expires; zero: never.
  /// - Returns: `.notAscending` when the key is not above the last one; then nothing is added.
  /// - Throws: `.keyTooLong`; nothing is added. `.paging`: the build can only be abandoned.
  package mutating func append(
    _ key: ByteView, _ value: ByteView, expiry: UInt64 = 0
  ) throws(TreeError) -> Outcome {
    try check(key)
    if !fitsInline(key, value, expiry: expiry) {
      if entryCount > 0, !leaf.isBelow(key) { return .notAscending }
      return try append(key, try writeLarge(value), expiry: expiry)
    }
    byteCount += key.count + value.count
    if expiry != 0 { return try append(key, EntryFlags(rawValue: 0), value, expiring: expiry) }
    return try append(key, EntryFlags(rawValue: 0), value)
  }

  /// Refuses a key that is too long.
  @inline(__always)
  package func check(_ key: ByteView) throws(TreeError) {
    guard key.count <= keyLimit else {
      throw .keyTooLong(byteCount: key.count, limit: keyLimit)
    }
  }

  /// Whether a value stands beside its key.
  @inline(__always)
  package func fitsInline(_ key: ByteView, _ value: ByteView, expiry: UInt64 = 0) -> Bool {
    key.count + value.count + (expiry == 0 ? 0 : ExpiryField.byteCount) <= inlineLimit
  }

  /// Adds the entry of a large value that `writeLarge` wrote.
  package mutating func append(
    _ key: ByteView, _ reference: OverflowReference, expiry: UInt64 = 0
  ) throws(TreeError) -> Outcome {
    let encoded = Processor.threadScratch(OverflowReference.encodedByteCount)
    reference.encode(into: encoded)
    let value = encoded.view.array
    byteCount += key.count + Int(clamping: reference.byteCount)
    return try value.withByteView { (value) throws(TreeError) in
      expiry == 0
        ? try append(key, .overflow, value)
        : try append(key, .overflow, value, expiring: expiry)
    }
  }

  /// Adds an entry that expires: its expiry stands behind what it has else.
  @inline(never)
  private mutating func append(
    _ key: ByteView, _ flags: EntryFlags, _ value: ByteView, expiring expiry: UInt64
  ) throws(TreeError) -> Outcome {
    expiring.removeAll()
    let expires = ExpiryField.append(value, expiry: expiry, to: &expiring)
    let outcome = try append(key, flags.union(expires), expiring.view)
    if outcome == .added, firstExpiry == 0 || expiry < firstExpiry { firstExpiry = expiry }
    return outcome
  }

  @inline(__always)
  private mutating func append(
    _ key: ByteView, _ flags: EntryFlags, _ value: ByteView
  ) throws(TreeError) -> Outcome {
    switch leaf.append(key, flags: flags, value: value) {
    case .added: break
    case .notAscending: return .notAscending
    case .full:
      try closeLeaf(before: key)
      guard case .added = leaf.append(key, flags: flags, value: value) else {
        preconditionFailure("an empty leaf has no room for an entry")
      }
    }
    entryCount += 1
    return .added
  }

  /// The key of the last entry; empty when there is none.
  package var lastKey: [UInt8] { leaf.lastKey }

  // MARK: Leaves

  @inline(never)
  private mutating func closeLeaf(before key: ByteView) throws(TreeError) {
    let upper = key.prefix(Swift.min(leaf.separatorCount(before: key), key.count))
    try emitExcess(before: upper)
    try emit(leaf.count, before: upper)
  }

  /// Makes leaves of what must leave so that the rest fits before an upper fence.
  private mutating func emitExcess(before upper: ByteView?) throws(TreeError) {
    while true {
      let excess = leaf.excessCount(before: upper)
      if excess == 0 { return }
      let separator = leaf.separator(at: excess)
      try separator.withByteView { (separator) throws(TreeError) in
        try emit(excess, before: separator)
      }
    }
  }

  private mutating func emit(_ count: Int, before upper: ByteView) throws(TreeError) {
    let page = try pages.newPage()
    let lower = leaf.lowerFence.array
    leaf.emit(count, into: page.bytes, upperFence: upper)
    try push(InnerPacker.Finished(lowerFence: lower, id: page.id), level: 1)
  }

  // MARK: Inner nodes

  /// Hands a finished node to the level above, which may thereby finish one as well.
  private mutating func push(_ node: InnerPacker.Finished, level: Int) throws(TreeError) {
    guard level <= levels.count else {
      precondition(node.lowerFence.isEmpty, "TB2: the first node of a level begins before all keys")
      levels.append(InnerPacker(level: level, firstChild: node.id, pages: pages))
      return
    }
    if let finished = try levels[level - 1].append(node.lowerFence, node.id) {
      try push(finished, level: level + 1)
    }
  }

  /// Makes the last node of each level, and waits until every page is written.
  ///
  /// - Returns: the root.
  /// - Throws: the build can only be abandoned.
  package consuming func finish() throws(TreeError) -> PageID {
    try emitExcess(before: nil)
    let page = try pages.newPage()
    var last = InnerPacker.Finished(lowerFence: leaf.lowerFence.array, id: page.id)
    leaf.emitLast(into: page.bytes)
    var level = 1
    while level <= levels.count {
      try push(last, level: level)
      while let finished = try levels[level - 1].finishExcess() {
        try push(finished, level: level + 1)
      }
      last = try levels[level - 1].finish()
      level += 1
    }
    do { try pages.flush() } catch { throw .paging(error) }
    return last.id
  }

  // MARK: Large values

  /// Writes a value to overflow pages of the build (`format-spec/overflow-value.md`).
  package func writeLarge(_ value: ByteView) throws(TreeError) -> OverflowReference {
    precondition(!value.isEmpty, "an empty value is not large")
    var ids: [PageID] = []
    var rest = value
    while !rest.isEmpty {
      let piece = rest.prefix(Swift.min(overflow.dataByteCount, rest.count))
      let page = try pages.newPage()
      let end = OverflowLayout.headerByteCount + piece.count
      page.bytes.zero(0..<OverflowLayout.headerByteCount)
      page.bytes.store(page.id.rawValue, at: NodeLayout.pageID)
      OverflowPages.format(
        page.bytes, kind: .overflowData, count: piece.count,
        ordinalOrLevel: UInt32(truncatingIfNeeded: ids.count))
      page.bytes.copy(piece, at: OverflowLayout.headerByteCount)
      page.bytes.zero(end..<page.bytes.count)
      ids.append(page.id)
      rest = rest.dropFirst(piece.count)
    }
    var level = 0
    while ids.count > 1 {
      level += 1
      var above: [PageID] = []
      for start in stride(from: 0, to: ids.count, by: overflow.fanout) {
        let children = ids[start..<Swift.min(start + overflow.fanout, ids.count)]
        let page = try pages.newPage()
        page.bytes.zero(0..<page.bytes.count)
        page.bytes.store(page.id.rawValue, at: NodeLayout.pageID)
        OverflowPages.format(
          page.bytes, kind: .overflowIndex, count: children.count,
          ordinalOrLevel: UInt32(level))
        for (index, id) in children.enumerated() {
          page.bytes.store(id.rawValue, at: OverflowLayout.headerByteCount + 4 * index)
        }
        above.append(page.id)
      }
      ids = above
    }
    return OverflowReference(byteCount: UInt64(value.count), root: ids[0])
  }
}
