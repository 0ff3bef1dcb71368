internal import BTreeIndex
package import Environment
package import Paging
package import Primitives
internal import RawBytes

extension VersionStore {
  /// Makes the data file of a new database: a catalog without keyspaces. Durable when it returns.
  ///
  /// - Parameter timestamp: both watermarks begin here.
  /// - Throws: nothing with that name is left behind that an open would accept.
  package static func create(
    path: String, configuration: StoreConfiguration, id: DatabaseID, ownerState: [UInt8],
    timestamp: Timestamp, effects: Effects
  ) throws(StoreError) -> VersionStore {
    var table = RootTable(nextKeyspaceID: KeyspaceID(1), roots: [])
    let pager: Pager
    do throws(PagingError) {
      pager = try Pager.create(
        path: path, configuration: configuration.paging, id: id, ownerState: ownerState,
        timestamp: timestamp, effects: effects
      ) { (pager: Pager) throws(PagingError) -> [UInt8] in
        do throws(TreeError) {
          let catalog = try Tree.create(in: pager)
          table.roots = [RootTable.Root(keyspace: .catalog, page: catalog.root)]
        } catch {
          switch error {
          case .paging(let error): throw error
          case .corrupt(let error): throw PagingError.corrupt(error)
          default: preconditionFailure("an empty tree has no keys")
          }
        }
        return table.encoded
      }
    } catch {
      throw .paging(error)
    }
    let keyspaces = KeyspaceTable(nextID: table.nextKeyspaceID)
    keyspaces.setRoot(table.roots[0].page, of: .catalog)
    return VersionStore(
      pager: pager, configuration: configuration, keyspaceTable: keyspaces, rootTable: table,
      timestamp: timestamp, effects: effects)
  }

  /// Opens a data file at its newest checkpoint. Both watermarks begin at the checkpoint's
  /// timestamp; the owner replays what its log holds beyond, by `apply`, `publish` and
  /// `acknowledge`. A drop that was under way goes on.
  package static func open(
    path: String, configuration: StoreConfiguration, effects: Effects
  ) throws(StoreError) -> (store: VersionStore, checkpoint: CheckpointState) {
    let opened: (pager: Pager, checkpoint: CheckpointState)
    do {
      opened = try Pager.open(path: path, configuration: configuration.paging, effects: effects)
    } catch {
      throw .paging(error)
    }
    do throws(StoreError) {
      let table = try rootTable(of: opened.checkpoint)
      let keyspaces = try readCatalog(table, opened.pager)
      let store = VersionStore(
        pager: opened.pager, configuration: configuration, keyspaceTable: keyspaces,
        rootTable: table, timestamp: opened.checkpoint.timestamp, effects: effects)
      return (store, opened.checkpoint)
    } catch {
      opened.pager.close()
      throw error
    }
  }

  private static func rootTable(
    of checkpoint: CheckpointState
  ) throws(StoreError) -> RootTable {
    do {
      return try checkpoint.rootTable.withByteView { (bytes) throws(CorruptionError) in
        try RootTable(decoding: bytes)
      }
    } catch {
      throw .corrupt(error)
    }
  }

  /// Reads the catalog and holds it against the root table: a live keyspace has a tree, a tree has
  /// a keyspace.
  private static func readCatalog(
    _ table: RootTable, _ pager: Pager
  ) throws(StoreError) -> KeyspaceTable {
    let keyspaces = KeyspaceTable(nextID: table.nextKeyspaceID)
    for root in table.roots { keyspaces.setRoot(root.page, of: root.keyspace) }
    let catalog = Tree(pager: pager, root: table.roots[0].page)
    var cursor = catalog.makeReadCursor()
    do {
      var isThere = try cursor.seekFirst()
      while isThere {
        try keyspaces.read(key: cursor.key, cursor.entry)
        isThere = try cursor.next()
      }
    } catch let error as TreeError {
      throw .tree(error)
    } catch let error as CorruptionError {
      throw .corrupt(error)
    } catch {
      preconditionFailure("no other error is thrown above: \(error)")
    }
    for root in table.roots.dropFirst() where keyspaces.info(root.keyspace) == nil {
      throw .corrupt(
        CorruptionError(
          location: "root table", expected: "a catalog entry for every root",
          found: "keyspace \(root.keyspace.rawValue) without one"))
    }
    return keyspaces
  }
}

extension KeyspaceTable {
  /// Takes in an entry of the catalog's tree.
  fileprivate func read(key: ByteView, _ entry: Entry) throws(CorruptionError) {
    guard let id = CatalogEntry.id(fromKey: key), id != .catalog, !entry.flags.contains(.overflow),
      !entry.flags.contains(.tombstone), id < nextID
    else {
      throw CorruptionError(
        location: "catalog", expected: "a keyspace id below \(nextID.rawValue) with a value",
        found: "another key or value of \(key.count) bytes")
    }
    let value = try CatalogEntry(decoding: entry.value)
    guard value.state == .dropping || root(of: id).page != .none else {
      throw CorruptionError(
        location: "catalog", expected: "a root for every live keyspace",
        found: "keyspace \(id.rawValue) without one")
    }
    guard value.state == .dropping || live(named: value.name) == nil else {
      throw CorruptionError(
        location: "catalog", expected: "one live keyspace of a name",
        found: "keyspace \(id.rawValue) with the name of another")
    }
    update(id, value, at: entry.timestamp)
  }
}
