internal import BTreeIndex
internal import Paging
internal import Primitives
internal import RawBytes

/// A sorted replay group on its way into the trees. Runs inside the structure gate, with nobody
/// reading: a recovery keeps no versions.
///
/// What the commits of a group do to one key is folded before the tree is touched. Those that the
/// tree has already are left out (R1). Of the rest the newest decides: a value stays with its own
/// timestamp. A removal leaves a tombstone with the timestamp of the first removal behind the last
/// value; if no value comes before, it is the tree's own entry that the first removal finds, or
/// does not find.
///
/// - Invariant RA1: afterwards each key's entry is what applying the commits one by one leaves.
/// - Invariant RA2: when `run` returns, an overflow value is volatile exactly when no tree refers to
///   it (VS4).
struct ReplayApplication: ~Copyable {
  private let store: VersionStore
  /// Overflow values that nobody refers to any more.
  private(set) var unneeded: [OverflowReference] = []
  /// Leaves that hold their first tombstone.
  private(set) var tombstones: [PendingTombstones] = []
  private var isInstalled: [Bool] = []

  /// So many entries ahead their bytes are asked for: they lie scattered.
  private static var prefetchDistance: Int { 8 }

  init(store: VersionStore) { self.store = store }

  /// What the entries of one key come to.
  private struct Fold {
    let entry: ReplayEntry
    /// A removal hides a value of the same group, and leaves a tombstone whatever the tree holds.
    var hidesValue = false
  }

  mutating func run(_ group: borrowing ReplayGroup) throws(StoreError) {
    for reference in group.references where reference.root != .none {
      do { try Overflow.publish(reference, pager: store.pager) } catch { throw .tree(error) }
    }
    isInstalled = [Bool](repeating: false, count: group.references.count)
    var start = 0
    while start < group.places.count { start = try applyLane(group, from: start) }
    for (index, reference) in group.references.enumerated()
    where !isInstalled[index] && reference.root != .none {
      unneeded.append(reference)
    }
    for reference in unneeded {
      do { try Overflow.retire(reference, pager: store.pager) } catch { throw .tree(error) }
    }
  }

  /// Applies all entries of a keyspace with one cursor, and returns where the next one begins.
  private mutating func applyLane(
    _ group: borrowing ReplayGroup, from start: Int
  ) throws(StoreError) -> Int {
    let lane = group.places[start].lane
    let keyspace = group.lanes[Int(lane)].keyspace
    let view = group.bytes.view
    let places = group.places.span
    let root = store.keyspaceTable.root(of: keyspace)
    var index = start
    guard root.page != .none, !root.isDropping else {
      // It was dropped before all these commits (RG2), so that nobody will ever see them.
      while index < places.count, places[index].lane == lane { index &+= 1 }
      return index
    }
    var cursor = store.tree(at: root.page).makeWriteCursor()
    do throws(TreeError) {
      while index < places.count, places[index].lane == lane {
        let ahead = index &+ Self.prefetchDistance
        if ahead < places.count { ReplayEntry(in: view, at: places[ahead].offset).prefetch() }
        var next = index &+ 1
        while next < places.count, places[next].lane == lane,
          places[next].word == places[index].word,
          ReplayGroup.haveSameKey(places[index], places[next], view)
        { next &+= 1 }
        try apply(places.extracting(index..<next), view, group.references, keyspace, &cursor)
        index = next
      }
    } catch {
      throw .tree(error)
    }
    cursor.release()
    return index
  }

  /// Applies all entries of one key, oldest first.
  @inline(__always)
  private mutating func apply(
    _ places: Span<ReplayGroup.Place>, _ view: ByteView, _ references: [OverflowReference],
    _ keyspace: KeyspaceID, _ cursor: inout WriteCursor
  ) throws(TreeError) {
    let newest = ReplayEntry(in: view, at: places[places.count &- 1].offset)
    let key = newest.key
    let old = try cursor.seek(key)
    if let old, old.timestamp >= newest.timestamp { return }
    let fold =
      newest.operation == .remove ? foldRemoval(places, view, after: old) : Fold(entry: newest)
    let entry = fold.entry
    switch entry.operation {
    case .set:
      supersede(old)
      try cursor.put(
        key, timestamp: entry.timestamp, flags: entry.flags, value: entry.value)
      if entry.expiry != 0 { store.expiries.note(entry.expiry, of: key, in: keyspace) }
    case .large:
      supersede(old)
      isInstalled[entry.reference] = true
      try Application.install(
        references[entry.reference], key, at: entry.timestamp, expiry: entry.expiry, &cursor)
      if entry.expiry != 0 { store.expiries.note(entry.expiry, of: key, in: keyspace) }
    case .remove:
      // Nothing to hide: the key is absent at every moment that anyone can see.
      guard fold.hidesValue || old.map({ !$0.flags.contains(.tombstone) }) ?? false else { return }
      supersede(old)
      let before = cursor.leafTombstoneCount
      try cursor.put(key, timestamp: entry.timestamp, flags: .tombstone, value: .empty)
      if before == 0 {
        tombstones.append(
          PendingTombstones(keyspace: keyspace, key: key.array, timestamp: entry.timestamp))
      }
    }
  }

  /// The removal that counts, of entries that end with one: the first behind the last value.
  @inline(never)
  private func foldRemoval(
    _ places: Span<ReplayGroup.Place>, _ view: ByteView, after old: Entry?
  ) -> Fold {
    var first = places.count - 1
    while first > 0 {
      let entry = ReplayEntry(in: view, at: places[first - 1].offset)
      // In already: the log is being replayed from before the checkpoint (R1).
      if let old, old.timestamp >= entry.timestamp { break }
      if entry.operation != .remove {
        return Fold(entry: ReplayEntry(in: view, at: places[first].offset), hidesValue: true)
      }
      first -= 1
    }
    return Fold(entry: ReplayEntry(in: view, at: places[first].offset))
  }

  /// Takes leave of the entry that is about to be overwritten.
  @inline(__always)
  private mutating func supersede(_ old: Entry?) {
    guard let reference = old?.overflowReference else { return }
    unneeded.append(reference)
  }
}
