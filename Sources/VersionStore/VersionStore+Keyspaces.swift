package import Primitives

extension VersionStore {
  /// The keyspace that has a name now, as of the newest applied commit.
  package func keyspace(named name: String) -> KeyspaceInfo? { keyspaceTable.live(named: name) }

  /// A keyspace by its id, live or dropping; nil when it never was or is gone for good.
  package func keyspace(_ id: KeyspaceID) -> KeyspaceInfo? { keyspaceTable.info(id) }

  /// All keyspaces, live and dropping, ascending by id.
  package var keyspaces: [KeyspaceInfo] { keyspaceTable.infos }

  /// An id for a new keyspace, never given before and never given again.
  package func nextKeyspaceID() -> KeyspaceID { keyspaceTable.takeID() }

  /// The catalog's key for a keyspace. A batch that sets it to a live state creates the keyspace,
  /// one that sets it to a dropping state drops it.
  package static func catalogKey(_ id: KeyspaceID) -> [UInt8] { CatalogEntry.key(of: id) }

  /// The catalog's value for a keyspace.
  package static func catalogValue(
    name: String, state: KeyspaceState, options: [UInt8] = []
  ) -> [UInt8] {
    precondition(
      (1...CatalogEntry.maximumNameByteCount).contains(name.utf8.count),
      "a keyspace has a name of 1 to 255 bytes")
    return CatalogEntry(name: name, state: state, options: options).encoded
  }

  /// The root of a keyspace's tree, as a snapshot may use it.
  ///
  /// A snapshot at or after the drop begins after the dropping bit was set, so it always sees the
  /// bit, and never walks a tree that is being destroyed. Every other snapshot holds the tree.
  @inline(__always)
  func readableRoot(
    of id: KeyspaceID, at snapshot: StoreSnapshot
  ) throws(StoreError) -> PageID {
    let root = keyspaceTable.root(of: id)
    if root.isPlain { return root.page }
    return try guardedRoot(of: id, at: snapshot)
  }

  @inline(never)
  private func guardedRoot(
    of id: KeyspaceID, at snapshot: StoreSnapshot
  ) throws(StoreError) -> PageID {
    guard registry.isLive(snapshot) else { throw failure(of: snapshot) }
    let root = keyspaceTable.root(of: id)
    try requireNotBefore(root, id, snapshot)
    if root.page != .none && !root.isDropping { return root.page }
    guard root.page != .none, let info = keyspaceTable.info(id), let droppedAt = info.droppedAt,
      snapshot.timestamp < droppedAt
    else { throw .unknownKeyspace(id) }
    return root.page
  }
  /// Refuses a built keyspace to a snapshot that is older than the build's commit.
  ///
  /// To such a snapshot the keyspace was not there. Showing it empty would be true and of no use:
  /// who writes on the strength of that has a conflict that no record tells of, since what was
  /// built bears an older timestamp. So the transaction begins again.
  func requireNotBefore(
    _ root: RootDirectory.Root, _ id: KeyspaceID, _ snapshot: StoreSnapshot
  ) throws(StoreError) {
    guard root.isYoung, let moment = keyspaceTable.builtAt(id), snapshot.timestamp < moment
    else { return }
    throw .keyspaceTooNew(id, builtAt: moment, snapshot: snapshot.timestamp)
  }
}
