internal import BTreeIndex
internal import Environment
internal import Primitives
internal import RawBytes
internal import Synchronization

extension VersionStore {
  /// How much one round does of each kind of work.
  private static let collectLimit = 4096
  private static let overflowLimit = 16
  private static let tombstoneLimit = 64
  private static let sweepLeafLimit = 64
  private static let destroyLimit = 16
  private static let destroySteps = 16

  /// Does one bounded round of the work that commits and snapshots left behind: frees versions and
  /// overflow pages, drops tombstones, destroys trees of dropped keyspaces. The store's own thread
  /// calls it too; one thread at a time is inside.
  @discardableResult
  package func maintenance() -> MaintenanceOutcome {
    maintainer.exclusively {
      var isMore = collectGarbage(limit: Self.collectLimit) && registry.hasNoPending
      enforceBudget()
      guard !isPoisoned else { return isMore ? .more : .idle }
      do throws(TreeError) {
        isMore = try freeOverflow() || isMore
        if let horizon = registry.horizon() {
          isMore = try purgeTombstones(horizon) || isMore
          isMore = try sweep(horizon) || isMore
        }
        if let horizon = registry.horizon(includingExpired: true) {
          keyspaceTable.grow(through: horizon)
          isMore = try destroyDropped(horizon) || isMore
        }
      } catch {
        effects.events.report(
          Event(.failure, kind: .background, "maintenance of the version store: \(error)"))
        return .waiting
      }
      if isMore { return .more }
      let isWaiting =
        deferred.hasWork || keyspaceTable.hasDropping || keyspaceTable.hasYoung
        || ledger.withLock { $0.hasUnplaced }
      return isWaiting ? .waiting : .idle
    }
  }

  private func freeOverflow() throws(TreeError) -> Bool {
    for _ in 0..<Self.overflowLimit {
      guard let reference = deferred.takeOverflow() else { return false }
      // No gate: the pages are volatile, so no checkpoint has them.
      try Overflow.free(reference, pager: pager)
    }
    return true
  }

  // MARK: Tombstones

  private func purgeTombstones(_ horizon: Timestamp) throws(TreeError) -> Bool {
    for _ in 0..<Self.tombstoneLimit {
      guard let leaf = deferred.takeTombstones(through: horizon) else { return false }
      if try purge(leaf.keyspace, leaf.key, horizon) > 0 {
        requeue(leaf.keyspace, leaf.key, horizon)
      }
    }
    return true
  }

  /// Queues a leaf whose younger tombstones are left. It is worth a visit when everything up to now
  /// may go, and never before the horizon has moved: what is left may belong to a commit that is
  /// being applied and cannot be published while this thread goes round in circles.
  private func requeue(_ keyspace: KeyspaceID, _ key: [UInt8], _ horizon: Timestamp) {
    let next = max(registry.published, Timestamp(horizon.rawValue + 1))
    _ = deferred.queue(PendingTombstones(keyspace: keyspace, key: key, timestamp: next))
  }

  /// Drops what the horizon has passed in the leaf of a key.
  ///
  /// - Returns: how many tombstones remain there.
  private func purge(
    _ keyspace: KeyspaceID, _ key: [UInt8], _ horizon: Timestamp
  ) throws(TreeError) -> Int {
    let root = keyspaceTable.root(of: keyspace)
    guard root.page != .none, !root.isDropping else { return 0 }
    let tree = tree(at: root.page)
    return try key.withByteView { (key) throws(TreeError) -> Int in
      // Faults the leaf in before the gate, which a checkpoint may be waiting to close.
      _ = try tree.newestTimestamp(of: key)
      gate.enter()
      defer { gate.leave() }
      return try tree.purgeTombstones(around: key, olderThan: horizon).remainingCount
    }
  }

  /// Goes on looking for leaves with tombstones that no hint names.
  private func sweep(_ horizon: Timestamp) throws(TreeError) -> Bool {
    guard let (keyspace, start) = deferred.sweep else { return false }
    let root = keyspaceTable.root(of: keyspace)
    guard root.page != .none, !root.isDropping else {
      deferred.sweepReached(nil, in: keyspace)
      return true
    }
    var cursor = tree(at: root.page).makeReadCursor()
    var isThere: Bool
    if let start {
      isThere = try start.withByteView { (key) throws(TreeError) in try cursor.seek(after: key) }
    } else {
      isThere = try cursor.seekFirst()
    }
    var leafCount = 0
    while isThere {
      let key = cursor.key.array
      if cursor.leafTombstoneCount > 0, try purge(keyspace, key, horizon) > 0 {
        requeue(keyspace, key, horizon)
      }
      isThere = try cursor.nextLeaf()
      leafCount += 1
      if leafCount == Self.sweepLeafLimit && isThere {
        deferred.sweepReached(cursor.key.array, in: keyspace)
        return true
      }
    }
    deferred.sweepReached(nil, in: keyspace)
    return true
  }

  // MARK: Dropped keyspaces

  private func destroyDropped(_ horizon: Timestamp) throws(TreeError) -> Bool {
    for id in keyspaceTable.dropping(through: horizon) {
      for _ in 0..<Self.destroySteps {
        if try destroyStep(id) { break }
      }
      return true
    }
    return false
  }

  /// Frees some pages of a dropped keyspace. With the last of them goes its catalog entry, inside
  /// the same gate, so that a checkpoint has both or neither. One that has an entry without a root
  /// comes of a failure in between; then only the entry goes.
  ///
  /// - Returns: whether the keyspace is gone.
  private func destroyStep(_ id: KeyspaceID) throws(TreeError) -> Bool {
    let catalog = tree(at: keyspaceTable.root(of: .catalog).page)
    let key = CatalogEntry.key(of: id)
    return try key.withByteView { (key) throws(TreeError) -> Bool in
      _ = try catalog.newestTimestamp(of: key)
      gate.enter()
      defer { gate.leave() }
      destroying.store(id.rawValue, ordering: .releasing)
      let root = keyspaceTable.root(of: id).page
      if root != .none {
        guard try tree(at: root).destroySome(limit: Self.destroyLimit) else { return false }
        keyspaceTable.setRoot(.none, of: id)
      }
      var cursor = catalog.makeWriteCursor()
      if try cursor.seek(key) != nil { try cursor.erase() }
      cursor.release()
      keyspaceTable.forget(id)
      expiries.forget(id)
      destroying.store(0, ordering: .releasing)
      return true
    }
  }
}
