internal import BTreeIndex
internal import Paging
internal import Primitives
internal import RawBytes

/// One commit on its way into the trees. Runs inside the structure gate.
///
/// A write cursor keeps a leaf latched between entries, and nothing that could wait may happen
/// under a latch: what needs the pager (overflow pages, new trees) is done before the cursors or
/// after.
///
/// - Invariant AP1: a version is linked before its entry is overwritten (V1).
/// - Invariant AP2: when `run` returns, an overflow value is volatile exactly when no tree refers
///   to it (VS4).
struct Application: ~Copyable {
  private let store: VersionStore
  private let timestamp: Timestamp
  private let keepsVersions: Bool
  /// Where the only entry of the batch goes, if it was seen before.
  private let leaf: SeenLeaf?
  /// What was linked into chains.
  private(set) var superseded: [GarbageItem] = []
  /// Overflow values that nobody refers to any more.
  private(set) var unneeded: [OverflowReference] = []
  /// Overflow values that left the trees, whoever still needs them.
  private var retired: [OverflowReference] = []
  /// Leaves that hold their first tombstone.
  private(set) var tombstones: [PendingTombstones] = []
  private(set) var hasDropped = false
  private var catalogChanges: [(KeyspaceID, CatalogEntry)] = []
  /// What is stored of an entry that expires.
  private var expiring = ByteBuffer(capacity: 0)

  init(store: VersionStore, timestamp: Timestamp, keepsVersions: Bool, leaf: SeenLeaf?) {
    self.store = store
    self.timestamp = timestamp
    self.keepsVersions = keepsVersions
    self.leaf = leaf
  }

  mutating func run(
    _ batch: WriteBatch, _ largeValues: [OverflowReference]
  ) throws(StoreError) {
    if batch.concernsCatalog { try createTrees(batch) }
    for reference in largeValues where reference.root != .none { try publish(reference) }
    var isInstalled = largeValues.isEmpty ? [] : [Bool](repeating: false, count: largeValues.count)
    var entries = batch.makeIterator()
    var next = entries.next()
    while let first = next {
      guard let root = try writableRoot(of: first.keyspace) else {
        next = Self.skip(&entries, first.keyspace)
        continue
      }
      next = try applyRun(first, &entries, root, largeValues, &isInstalled)
    }
    for (ordinal, reference) in largeValues.enumerated()
    where !isInstalled[ordinal] && reference.root != .none {
      retired.append(reference)
      unneeded.append(reference)
    }
    for reference in retired { try retire(reference) }
    for (id, entry) in catalogChanges {
      store.keyspaceTable.update(id, entry, at: timestamp)
      if entry.state == .dropping { hasDropped = true }
    }
  }

  /// Makes the trees of keyspaces that the batch creates.
  private func createTrees(_ batch: WriteBatch) throws(StoreError) {
    var entries = batch.makeIterator()
    while let entry = entries.next(), entry.keyspace == .catalog {
      let (id, value) = try Self.catalogChange(entry)
      let table = store.keyspaceTable
      guard value.state == .live, table.root(of: id).page == .none, table.info(id) == nil else {
        continue
      }
      do {
        let tree = try Tree.create(in: store.pager, statistics: store.treeStatistics)
        table.setRoot(tree.root, of: id)
      } catch {
        throw .tree(error)
      }
    }
  }

  private static func catalogChange(
    _ entry: WriteBatchEntry
  ) throws(StoreError) -> (KeyspaceID, CatalogEntry) {
    guard entry.operation == .set, let id = CatalogEntry.id(fromKey: entry.key), id != .catalog,
      id.rawValue < UInt32.max
    else {
      throw .corrupt(
        CorruptionError(
          location: "write batch, keyspace 0", expected: "a keyspace id set to a value",
          found: "operation \(entry.operation.rawValue) on a key of \(entry.key.count) bytes"))
    }
    do { return (id, try CatalogEntry(decoding: entry.value)) } catch { throw .corrupt(error) }
  }

  /// The tree that a run of entries goes to; nil when the keyspace was dropped before this commit,
  /// so that nobody will ever see what it would write.
  private func writableRoot(of id: KeyspaceID) throws(StoreError) -> PageID? {
    let root = store.keyspaceTable.root(of: id)
    if root.page != .none && !root.isDropping { return root.page }
    if let droppedAt = store.keyspaceTable.info(id)?.droppedAt {
      return droppedAt < timestamp || root.page == .none ? nil : root.page
    }
    throw .unknownKeyspace(id)
  }

  private static func skip(
    _ entries: inout WriteBatch.Iterator, _ keyspace: KeyspaceID
  ) -> WriteBatchEntry? {
    while let entry = entries.next() {
      if entry.keyspace != keyspace { return entry }
    }
    return nil
  }

  /// Applies all entries of one keyspace with one cursor.
  ///
  /// - Returns: the first entry of the next keyspace.
  private mutating func applyRun(
    _ first: WriteBatchEntry, _ entries: inout WriteBatch.Iterator, _ root: PageID,
    _ largeValues: [OverflowReference], _ isInstalled: inout [Bool]
  ) throws(StoreError) -> WriteBatchEntry? {
    let keyspace = first.keyspace
    var cursor = store.tree(at: root).makeWriteCursor()
    var next: WriteBatchEntry? = first
    do throws(TreeError) {
      if let leaf { try cursor.hold(leaf, for: first.key) }
      while let entry = next, entry.keyspace == keyspace {
        let old = try cursor.seek(entry.key)
        if let old, old.timestamp >= timestamp {
          // In already: the log is being replayed from before the checkpoint (R1).
        } else {
          switch entry.operation {
          case .set:
            guard store.fitsInline(entry) else { throw Self.misfit(entry) }
            supersede(old, entry)
            if entry.expiry == 0 {
              try cursor.put(
                entry.key, timestamp: timestamp, flags: EntryFlags(rawValue: 0),
                value: entry.value)
            } else {
              try putExpiring(entry, &cursor)
            }
            if keyspace == .catalog { try noteCatalogChange(entry) }
          case .remove:
            try remove(entry, old, &cursor)
          case .large:
            guard entry.ordinal < largeValues.count, !isInstalled[entry.ordinal],
              largeValues[entry.ordinal].byteCount == entry.byteCount,
              largeValues[entry.ordinal].root != .none
            else { throw Self.misfit(entry) }
            isInstalled[entry.ordinal] = true
            supersede(old, entry)
            try Self.install(
              largeValues[entry.ordinal], entry.key, at: timestamp, expiry: entry.expiry, &cursor)
            if entry.expiry != 0 {
              store.expiries.note(entry.expiry, of: entry.key, in: keyspace)
            }
          }
        }
        next = entries.next()
      }
    } catch {
      throw .tree(error)
    }
    cursor.release()
    return next
  }

  private mutating func remove(
    _ entry: WriteBatchEntry, _ old: Entry?, _ cursor: inout WriteCursor
  ) throws(TreeError) {
    // Nothing to hide: the key is absent at every moment that anyone can see.
    guard let old, !old.flags.contains(.tombstone) else { return }
    supersede(old, entry)
    let before = cursor.leafTombstoneCount
    try cursor.put(entry.key, timestamp: timestamp, flags: .tombstone, value: .empty)
    if before == 0 {
      tombstones.append(
        PendingTombstones(
          keyspace: entry.keyspace, key: entry.key.array, timestamp: timestamp))
    }
  }

  /// Puts a value with its expiry behind it. The expiry is noted afterwards: whoever looks for what
  /// has expired then finds the entry or the note (EX2).
  @inline(never)
  private mutating func putExpiring(
    _ entry: WriteBatchEntry, _ cursor: inout WriteCursor
  ) throws(TreeError) {
    expiring.removeAll()
    let flags = ExpiryField.append(entry.value, expiry: entry.expiry, to: &expiring)
    try cursor.put(entry.key, timestamp: timestamp, flags: flags, value: expiring.view)
    store.expiries.note(entry.expiry, of: entry.key, in: entry.keyspace)
  }

  static func install(
    _ reference: OverflowReference, _ key: ByteView, at timestamp: Timestamp, expiry: UInt64,
    _ cursor: inout WriteCursor
  ) throws(TreeError) {
    var encoded = ByteBuffer(capacity: OverflowReference.encodedByteCount + ExpiryField.byteCount)
    encoded.append(zeros: OverflowReference.encodedByteCount)
    reference.encode(into: encoded.mutableView)
    let flags = ExpiryField.append(.empty, expiry: expiry, to: &encoded)
    try cursor.put(key, timestamp: timestamp, flags: flags.union(.overflow), value: encoded.view)
  }

  private mutating func noteCatalogChange(_ entry: WriteBatchEntry) throws(TreeError) {
    do {
      catalogChanges.append(try Self.catalogChange(entry))
    } catch {
      guard case .corrupt(let error) = error else {
        preconditionFailure("a catalog entry is decoded or corrupt")
      }
      throw .corrupt(error)
    }
  }

  /// Takes leave of the entry that is about to be overwritten. A tombstone needs no version: a key
  /// that no version shows at a moment was absent.
  private mutating func supersede(_ old: Entry?, _ entry: WriteBatchEntry) {
    guard let old, !old.flags.contains(.tombstone) else { return }
    if keepsVersions {
      superseded.append(
        store.chains.link(
          entry.key, in: entry.keyspace, begin: old.timestamp, end: timestamp, flags: old.flags,
          value: old.value))
    }
    if let reference = old.overflowReference {
      retired.append(reference)
      if !keepsVersions { unneeded.append(reference) }
    }
  }

  private func publish(_ reference: OverflowReference) throws(StoreError) {
    do { try Overflow.publish(reference, pager: store.pager) } catch { throw .tree(error) }
  }

  private func retire(_ reference: OverflowReference) throws(StoreError) {
    do { try Overflow.retire(reference, pager: store.pager) } catch { throw .tree(error) }
  }

  static func misfit(_ entry: WriteBatchEntry) -> TreeError {
    .corrupt(
      CorruptionError(
        location: "write batch, keyspace \(entry.keyspace.rawValue)",
        expected: "an inline value of at most a quarter page, or a large value of the commit",
        found: "operation \(entry.operation.rawValue) with \(entry.value.count) bytes, ordinal "
          + "\(entry.ordinal), \(entry.byteCount) bytes announced"))
  }
}
