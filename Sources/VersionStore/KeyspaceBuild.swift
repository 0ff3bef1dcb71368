package import BTreeIndex
internal import Paging
package import Primitives
internal import RawBytes

/// A keyspace built beside the committed state, and taken in whole by one checkpoint.
///
/// A commit lives in the log until a checkpoint has it; content that never was in the log exists
/// only from its checkpoint on. So the keyspace enters the catalog and the root table immediately
/// before a capture and is named to nobody until that checkpoint is durable. A crash before falls
/// back to a checkpoint without it, one after to a checkpoint with all of it.
///
/// ```text
///  filling ──finish──► built ──enter──► in the trees, unnamed ──checkpoint──► durable ──reveal──► live
///     │                  │                       │ failed
///     └───── freed ◄─────┴──────── withdraw ─────┘
/// ```
///
/// What is built bears the timestamp of a commit that was published when the build began. Snapshots
/// between that and the build's own commit would see it as if it had always been there; so they are
/// refused the keyspace as long as there are any (KT3).
///
/// Used by one thread, which calls `end` whatever happens.
///
/// - Invariant KB1: between two checkpoints by others, either the catalog, the root table and all
///   pages of the build are part of the committed state, or none is.
/// - Invariant KB2: while it is part of the committed state and unnamed, no other capture is made.
// SENDABLE: used by one thread at a time.
package final class KeyspaceBuild: @unchecked Sendable {
  private let store: VersionStore
  private let pages: PageBuild
  private let entry: CatalogEntry
  private let id: KeyspaceID
  private let timestamp: Timestamp
  private var root = PageID.none
  private var isEntered = false
  /// When the first of its entries expires; zero when none does.
  package private(set) var firstExpiry: UInt64 = 0

  init(store: VersionStore, name: String, options: [UInt8]) {
    self.store = store
    pages = PageBuild(pager: store.pager)
    entry = CatalogEntry(name: name, state: .live, options: options)
    id = store.keyspaceTable.takeID()
    timestamp = store.publishedTimestamp
  }

  package var keyspace: KeyspaceID { id }
  package var pageCount: Int { pages.pageCount }

  // MARK: Filling

  /// What takes the entries, in ascending order.
  package func makeTreeBuilder() -> TreeBuilder {
    TreeBuilder(pages: pages, timestamp: timestamp)
  }

  /// Makes the last nodes, and waits until everything is written.
  ///
  /// - Parameter unneeded: large values of this build that no entry refers to.
  package func finish(
    _ builder: consuming TreeBuilder, unneeded: [OverflowReference] = []
  ) throws(StoreError) {
    precondition(root == .none, "a build was finished twice")
    firstExpiry = builder.firstExpiry
    do throws(TreeError) {
      root = try builder.finish()
      var ids: Set<PageID> = []
      for reference in unneeded {
        try Overflow.forEachPage(reference, pager: store.pager) { id throws(TreeError) in
          ids.insert(id)
        }
      }
      pages.discard(ids)
    } catch {
      throw .tree(error)
    }
    pages.finish()
  }

  /// Ends the build: unless its pages are part of the committed state, they are freed.
  package func end() { if !isEntered { pages.abandon() } }

  // MARK: The commit

  /// Makes the tree part of the committed state, unnamed. The caller sees to it that the next
  /// capture is its own.
  ///
  /// - Throws: nothing is changed.
  package func enter() throws(StoreError) {
    precondition(root != .none, "a build enters once, when it is finished")
    let catalog = store.tree(at: store.keyspaceTable.root(of: .catalog).page)
    let key = CatalogEntry.key(of: id)
    let value = entry.encoded
    do throws(TreeError) {
      try key.withByteView { (key) throws(TreeError) in
        // Faults the leaf in before the gate.
        _ = try catalog.newestTimestamp(of: key)
        store.gate.enter()
        defer { store.gate.leave() }
        var cursor = catalog.makeWriteCursor()
        _ = try cursor.seek(key)
        try value.withByteView { (value) throws(TreeError) in
          try cursor.put(key, timestamp: timestamp, flags: EntryFlags(rawValue: 0), value: value)
        }
        cursor.release()
        store.keyspaceTable.setRoot(root, of: id)
      }
    } catch {
      throw .tree(error)
    }
    isEntered = true
    // The capture must name it among those with entries that expire. Nothing in it is due before it
    // is revealed: nobody could visit it.
    if firstExpiry != 0 { noteExpiry(.max) }
    // Only a capture could tell, and there is none but the caller's.
    pages.publish()
  }

  /// Takes the tree out of the committed state, after a checkpoint that failed.
  ///
  /// - Throws: the catalog could not be changed: poison the store.
  package func withdraw() throws(StoreError) {
    guard isEntered else { return }
    pages.retire()
    let catalog = store.tree(at: store.keyspaceTable.root(of: .catalog).page)
    do throws(TreeError) {
      try CatalogEntry.key(of: id).withByteView { (key) throws(TreeError) in
        _ = try catalog.newestTimestamp(of: key)
        store.gate.enter()
        defer { store.gate.leave() }
        var cursor = catalog.makeWriteCursor()
        if try cursor.seek(key) != nil { try cursor.erase() }
        cursor.release()
        store.keyspaceTable.setRoot(.none, of: id)
      }
    } catch {
      throw .tree(error)
    }
    if firstExpiry != 0 { store.expiries.forget(id) }
    isEntered = false
  }

  /// Gives the keyspace its name, from a moment on. The checkpoint that has it is durable; the
  /// moment is not published yet.
  package func reveal(from moment: Timestamp) {
    precondition(isEntered, "a build is revealed when it is durable")
    store.keyspaceTable.update(id, entry, at: timestamp, builtAt: moment)
  }

  /// Has entries that expire swept from now on. The moment of `reveal` is published.
  package func beginExpiry() { if firstExpiry != 0 { noteExpiry(firstExpiry) } }

  private func noteExpiry(_ moment: UInt64) {
    store.expiries.note(moment, of: ByteView.empty, in: id)
  }
}

extension VersionStore {
  /// Begins to build a keyspace. The caller keeps its name free.
  package func beginBuild(name: String, options: [UInt8]) -> KeyspaceBuild {
    KeyspaceBuild(store: self, name: name, options: options)
  }

  /// Has the background look whether snapshots from before the newest build are gone.
  package func noteBuild() { maintainer.wake() }
}
