public import BTreeIndex
package import Primitives
public import RawBytes

/// Walks the keys that a snapshot sees, both ways. Holds no latch between calls.
///
/// After a call that answered true, `key`, `value`, `overflow` and `timestamp` describe where the
/// cursor stands; the views are valid until it moves. A cursor that ran off an end turns back.
///
/// - Invariant SC1: an entry of the copied leaf that is not newer than the snapshot is what the
///   snapshot sees of its key, whatever has become of either since: a step to such an entry asks
///   nobody. Whenever a leaf was copied or a chain was looked at, the snapshot is asked for
///   afterwards (V5).
@usableFromInline
package struct StoreCursor: ~Copyable {
  private let store: VersionStore
  private let keyspace: KeyspaceID
  private let snapshot: StoreSnapshot
  @usableFromInline var cursor: ReadCursor
  /// The value, when a chain held it.
  private var scratch = ByteBuffer(capacity: 64)
  private var flags = EntryFlags(rawValue: 0)
  /// The commit that wrote what the cursor stands on.
  package private(set) var timestamp = Timestamp.zero
  /// Where a large value lies; its `value` is empty.
  package private(set) var overflow: OverflowReference?
  /// When the entry expires; zero when it does not.
  package private(set) var expiry: UInt64 = 0

  init(
    store: VersionStore, keyspace: KeyspaceID, snapshot: StoreSnapshot,
    cursor: consuming ReadCursor
  ) {
    self.store = store
    self.keyspace = keyspace
    self.snapshot = snapshot
    self.cursor = cursor
  }

  @inlinable package var key: ByteView { cursor.key }

  /// For the next cursor, when this one is used no more.
  package var memory: AlignedMemory { cursor.memory }

  package private(set) var value = ByteView.empty

  package mutating func seekFirst() throws(StoreError) -> Bool {
    try settle(forward: true) { (cursor: inout ReadCursor) throws(TreeError) in
      try cursor.seekFirst()
    }
  }

  package mutating func seekLast() throws(StoreError) -> Bool {
    try settle(forward: false) { (cursor: inout ReadCursor) throws(TreeError) in
      try cursor.seekLast()
    }
  }

  package mutating func seek(atOrAfter key: ByteView) throws(StoreError) -> Bool {
    try settle(forward: true) { (cursor: inout ReadCursor) throws(TreeError) in
      try cursor.seek(atOrAfter: key)
    }
  }

  package mutating func seek(after key: ByteView) throws(StoreError) -> Bool {
    try settle(forward: true) { (cursor: inout ReadCursor) throws(TreeError) in
      try cursor.seek(after: key)
    }
  }

  package mutating func seek(before key: ByteView) throws(StoreError) -> Bool {
    try settle(forward: false) { (cursor: inout ReadCursor) throws(TreeError) in
      try cursor.seek(before: key)
    }
  }

  package mutating func seek(atOrBefore key: ByteView) throws(StoreError) -> Bool {
    try settle(forward: false) { (cursor: inout ReadCursor) throws(TreeError) in
      try cursor.seek(atOrBefore: key)
    }
  }

  package mutating func next() throws(StoreError) -> Bool {
    switch try stepInLeaf(1) {
    case .shown: return true
    case .hidden: return try settle(forward: true) { _ in true }
    case .none: break
    }
    return try settle(forward: true) { (cursor: inout ReadCursor) throws(TreeError) in
      try cursor.next()
    }
  }

  package mutating func previous() throws(StoreError) -> Bool {
    switch try stepInLeaf(-1) {
    case .shown: return true
    case .hidden: return try settle(forward: false) { _ in true }
    case .none: break
    }
    return try settle(forward: false) { (cursor: inout ReadCursor) throws(TreeError) in
      try cursor.previous()
    }
  }

  /// What a step inside the copied leaf came to.
  private enum StepInLeaf { case shown, hidden, none }

  /// Steps to the neighbour inside the copied leaf, if there is one: most steps of a scan.
  @inline(__always)
  private mutating func stepInLeaf(_ distance: Int) throws(StoreError) -> StepInLeaf {
    do {
      guard try cursor.stepInLeaf(distance) else { return .none }
    } catch {
      throw .tree(error)
    }
    let entry = cursor.entry
    guard entry.timestamp <= snapshot.timestamp, !entry.flags.contains(.tombstone) else {
      return .hidden
    }
    take(entry)
    overflow = nil
    expiry = 0
    if flags.rawValue != 0 {
      if hasExpired { return .hidden }
      try takeApart()
    }
    return .shown
  }

  /// Makes a move and goes on in its direction to an entry that the snapshot sees.
  @inline(__always)
  private mutating func settle(
    forward: Bool, _ move: (inout ReadCursor) throws(TreeError) -> Bool
  ) throws(StoreError) -> Bool {
    var isThere: Bool
    do {
      isThere = try move(&cursor)
      while isThere, !show(cursor.entry) {
        isThere = forward ? try cursor.next() : try cursor.previous()
      }
    } catch {
      throw store.registry.isLive(snapshot) ? .tree(error) : store.failure(of: snapshot)
    }
    guard store.registry.isLive(snapshot) else { throw store.failure(of: snapshot) }
    overflow = nil
    expiry = 0
    if isThere && flags.rawValue != 0 { try takeApart() }
    return isThere
  }

  @inline(__always)
  private mutating func take(_ entry: Entry) {
    value = entry.value
    timestamp = entry.timestamp
    flags = entry.flags
  }

  /// Whether what was taken up had expired when the snapshot began.
  private var hasExpired: Bool {
    guard flags.contains(.expiry) else { return false }
    let moment = ExpiryField.moment(in: value, flags: flags)
    return moment != 0 && moment <= snapshot.moment
  }

  /// Behind the value stands an expiry, or it is a reference to a large one, or both.
  @inline(never)
  private mutating func takeApart() throws(StoreError) {
    if flags.contains(.expiry) {
      expiry = ExpiryField.moment(in: value, flags: flags)
      guard expiry != 0 else { throw .corrupt(.expiry(found: value.count)) }
      value = value.prefix(value.count - ExpiryField.byteCount)
    }
    guard flags.contains(.overflow) else { return }
    guard let reference = OverflowReference(decoding: value) else {
      throw .corrupt(.overflowReference(found: value.count))
    }
    overflow = reference
    value = .empty
  }

  /// Takes up what the snapshot sees of an entry; false when that is nothing.
  @inline(__always)
  private mutating func show(_ entry: Entry) -> Bool {
    if entry.timestamp <= snapshot.timestamp {
      take(entry)
      return !entry.flags.contains(.tombstone) && !hasExpired
    }
    scratch.removeAll()
    guard
      let version = store.chains.find(
        cursor.key, in: keyspace, at: snapshot.timestamp, appendingValueTo: &scratch)
    else { return false }
    value = scratch.view
    timestamp = version.timestamp
    flags = version.flags
    return !hasExpired
  }
}
