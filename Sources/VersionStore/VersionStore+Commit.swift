package import BTreeIndex
internal import Paging
package import Primitives
internal import RawBytes
internal import Synchronization

extension VersionStore {
  /// Gets a commit ready outside any section: faults in every leaf it will change, and checks that
  /// nobody committed one of its keys after its snapshot (first updater wins, M7). The caller holds
  /// the locks of the keys, so the answer stays true until `apply`.
  ///
  /// - Parameter keyspaces: those that the batch writes.
  /// - Throws: `unknownKeyspace` for a keyspace that is not live and not made by the batch itself,
  ///   `keyspaceTooNew` for one that was built after the snapshot. Nothing is changed.
  package func prepare(
    _ batch: WriteBatch, in keyspaces: [KeyspaceID], at snapshot: StoreSnapshot
  ) throws(StoreError) -> PrepareOutcome {
    if hasNothingToPrepare(at: snapshot), try areWritable(keyspaces) {
      guard registry.isLive(snapshot) else { throw failure(of: snapshot) }
      return .ready(leaf: nil)
    }
    return try prepareEntries(batch, at: snapshot)
  }

  /// Whether no entry need be looked at, whatever it is. Nothing was published since the snapshot:
  /// then nobody has committed a key that is locked now, because a commit is published before its
  /// locks are free (M2). And no page has to be read in.
  private func hasNothingToPrepare(at snapshot: StoreSnapshot) -> Bool {
    registry.published == snapshot.timestamp && pager.seemsWhollyResident
  }

  /// Whether batches for these keyspaces concern no catalog, find all their trees, and write to none
  /// that a snapshot may be older than.
  private func areWritable(_ keyspaces: [KeyspaceID]) throws(StoreError) -> Bool {
    for keyspace in keyspaces {
      if keyspace == .catalog { return false }
      let root = keyspaceTable.root(of: keyspace)
      guard root.page != .none, !root.isDropping else { throw .unknownKeyspace(keyspace) }
      if root.isYoung { return false }
    }
    return true
  }

  private func prepareEntries(
    _ batch: WriteBatch, at snapshot: StoreSnapshot
  ) throws(StoreError) -> PrepareOutcome {
    var created: [KeyspaceID] = []
    var leaf: SeenLeaf?
    var entries = batch.makeIterator()
    var next = entries.next()
    while let first = next {
      if first.keyspace == .catalog, let id = CatalogEntry.id(fromKey: first.key) {
        created.append(id)
      }
      let root = keyspaceTable.root(of: first.keyspace)
      guard root.page != .none, !root.isDropping else {
        if root.page == .none && created.contains(first.keyspace) {
          next = entries.next()
          continue
        }
        throw .unknownKeyspace(first.keyspace)
      }
      try requireNotBefore(root, first.keyspace, snapshot)
      let conflict: PrepareOutcome?
      do {
        conflict =
          batch.entryCount == 1 || first.keyspace == .catalog
          ? try prepareOne(first, root.page, &entries, &next, &leaf, snapshot)
          : try prepareRun(first, tree(at: root.page), &entries, &next, snapshot)
      } catch {
        throw .tree(error)
      }
      if let conflict { return conflict }
    }
    guard registry.isLive(snapshot) else { throw failure(of: snapshot) }
    return .ready(leaf: batch.entryCount == 1 ? leaf : nil)
  }

  /// Checks one entry without a latch.
  private func prepareOne(
    _ entry: WriteBatchEntry, _ root: PageID, _ entries: inout WriteBatch.Iterator,
    _ next: inout WriteBatchEntry?, _ leaf: inout SeenLeaf?, _ snapshot: StoreSnapshot
  ) throws(TreeError) -> PrepareOutcome? {
    requireInline(entry)
    let newest = try pager.newestTimestamp(of: entry.key, from: root, seeing: &leaf)
    if let newest, newest > snapshot.timestamp {
      return .conflict(keyspace: entry.keyspace, key: entry.key.array, newer: newest)
    }
    next = entries.next()
    return nil
  }

  /// Checks the entries of one keyspace with a cursor that keeps the leaf: ascending keys find the
  /// next one beside the last, without a descent of their own, and are looked for only where
  /// anything in the leaf is newer than the snapshot.
  private func prepareRun(
    _ first: WriteBatchEntry, _ tree: Tree, _ entries: inout WriteBatch.Iterator,
    _ next: inout WriteBatchEntry?, _ snapshot: StoreSnapshot
  ) throws(TreeError) -> PrepareOutcome? {
    var cursor = tree.makeWriteCursor()
    var current: WriteBatchEntry? = first
    while let entry = current, entry.keyspace == first.keyspace {
      requireInline(entry)
      try cursor.hold(entry.key)
      if cursor.newestTimestamp > snapshot.timestamp, let found = try cursor.seek(entry.key),
        found.timestamp > snapshot.timestamp
      {
        return .conflict(
          keyspace: entry.keyspace, key: entry.key.array, newer: found.timestamp)
      }
      current = entries.next()
    }
    cursor.release()
    next = current
    return nil
  }

  private func requireInline(_ entry: WriteBatchEntry) {
    precondition(
      entry.operation != .set || fitsInline(entry), "a value beyond a quarter page is large")
  }

  /// Decides whether a commit keeps what it supersedes. Call when nothing but its application is
  /// left to do, and pair with `retract`.
  ///
  /// - Parameter isAcknowledgedAtPublication: whether the owner acknowledges the commit together
  ///   with its publication, before anything else may need the state in between (`.relaxed`).
  /// - Parameter own: the snapshot of the committing transaction, when it is still registered; it
  ///   must not be read any more.
  package func announce(
    _ batch: WriteBatch, isAcknowledgedAtPublication: Bool, own: StoreSnapshot? = nil
  ) -> CommitAnnouncement {
    var handshake = CommitHandshake(
      entryCount: batch.entryCount, isAcknowledgedAtPublication: isAcknowledgedAtPublication,
      own: own)
    while true {
      if let announcement = handshake.advance(in: registry) { return announcement }
    }
  }

  /// Ends an announcement: after both watermarks have passed the commit, or when the commit is
  /// given up before `apply`. Not after an `apply` that failed: what it overwrote stays out of
  /// sight.
  package func retract(_ announcement: CommitAnnouncement) {
    if announcement.isAnnounced && !isTorn.load(ordering: .acquiring) {
      registry.retractDiscarding()
    }
  }

  /// Ends the announcement of a commit that was applied and will never be published. Readers are
  /// told the truth: what it overwrote without keeping is gone, so that reads throw `poisoned`.
  package func abandon(_ announcement: CommitAnnouncement) {
    if announcement.keepsVersions { return }
    isTorn.store(true, ordering: .releasing)
    poison()
  }

  /// Puts a commit into the trees: links what it supersedes unless it discards, then overwrites.
  /// Commits of disjoint keys may be applied at once; for each key timestamps rise. A batch that is
  /// in already (R1) changes nothing.
  ///
  /// - Parameter largeValues: the finished overflow values that `large` entries install, by
  ///   ordinal; page zero for an ordinal without one. They belong to the store from now on, and
  ///   those that no entry installs are freed.
  /// - Parameter leaf: what `prepare` answered.
  /// - Throws: the store is poisoned; the commit may be there in part, and never becomes visible.
  package func apply(
    _ batch: WriteBatch, at timestamp: Timestamp, largeValues: [OverflowReference] = [],
    announcement: CommitAnnouncement, leaf: SeenLeaf? = nil
  ) throws(StoreError) {
    var application = Application(
      store: self, timestamp: timestamp, keepsVersions: announcement.keepsVersions, leaf: leaf)
    gate.enter()
    do throws(StoreError) {
      try application.run(batch, largeValues)
    } catch {
      if !announcement.keepsVersions { isTorn.store(true, ordering: .releasing) }
      gate.leave()
      poison()
      throw error
    }
    gate.leave()
    if !application.superseded.isEmpty {
      let superseded = application.superseded
      ledger.withLock { $0.add(superseded) }
    }
    var mustWake = deferred.queueFree(application.unneeded)
    for leaf in application.tombstones { mustWake = deferred.queue(leaf) || mustWake }
    if mustWake || application.hasDropped { maintainer.wake() }
  }

  /// Whether an entry's value may stand in a leaf.
  func fitsInline(_ entry: WriteBatchEntry) -> Bool {
    entry.key.count + entry.value.count + (entry.expiry == 0 ? 0 : ExpiryField.byteCount)
      <= Tree.maximumInlineByteCount(pageSize: pager.pageSize)
  }
}
