internal import BTreeIndex
internal import Environment
internal import Paging
package import Primitives
internal import RawBytes
internal import Synchronization

/// Trees of keys with commit timestamps, and beside them in memory the older versions that
/// somebody may still need.
///
/// A multi-version store has to keep what readers may see and nothing else. Keeping versions in
/// the tree makes everyone pay for them: scans step over them, pages split for them, and a clean-up
/// has to find them again. Here the tree holds the newest committed version alone. What a commit
/// supersedes is copied to a chain in memory before it is overwritten, attached there to the one
/// snapshot that pins it, and freed at the moment that snapshot ends. A commit that nobody can be
/// watching keeps nothing at all.
///
/// The store assigns no timestamps and owns no log. Its owner calls, for each commit: `prepare`
/// (outside any section), `announce`, `apply`, `publish`, `acknowledge` and `retract`, and after a
/// crash `apply` again for what its log holds beyond the last checkpoint.
///
/// - Invariant V1: for every live or beginning snapshot the tree and the chains show exactly the
///   commits at or before its timestamp.
/// - Invariant V2: chains are keyed by (keyspace, key) and know nothing of pages.
/// - Invariant V3: after an acknowledgement a key has at most one version for each live snapshot.
/// - Invariant VS4: a page is in a checkpoint exactly when the trees of that checkpoint reach it.
/// - Invariant VS5: no mutex of this module is held across a call into `Effects` or the pager.
package final class VersionStore: Sendable {
  let pager: Pager
  let effects: Effects
  let configuration: StoreConfiguration
  let registry: SnapshotRegistry
  let chains: VersionChains
  let ledger = ShortMutex(GarbageLedger())
  let keyspaceTable: KeyspaceTable
  let gate: StructureGate
  let deferred: DeferredWork
  let budget: VersionBudget
  let maintainer: Maintainer
  /// What expires, and when it is worth looking for it.
  package let expiries: ExpiryLedger
  let treeStatistics = TreeStatistics()
  /// A commit that had decided to discard failed half-way: what it overwrote is lost to readers.
  let isTorn = Atomic<Bool>(false)
  /// The raw id of the keyspace whose tree is partly destroyed; zero for none.
  let destroying = Atomic<UInt32>(0)

  init(
    pager: Pager, configuration: StoreConfiguration, keyspaceTable: KeyspaceTable,
    rootTable: RootTable, timestamp: Timestamp, effects: Effects
  ) {
    self.pager = pager
    self.effects = effects
    self.configuration = configuration
    self.keyspaceTable = keyspaceTable
    registry = SnapshotRegistry(watermark: timestamp)
    chains = VersionChains(seed: effects.entropy.next())
    gate = StructureGate(waits: effects.waits)
    deferred = DeferredWork(tombstones: rootTable.tombstones, unswept: rootTable.unswept)
    expiries = ExpiryLedger(time: effects.time, keyspaces: rootTable.expiring)
    budget = VersionBudget(byteCount: configuration.versionByteBudget)
    maintainer = Maintainer(effects: effects)
    // Strongly: a weak reference would make every count of references to the store a slow one. The
    // thread lets go of it when it ends.
    maintainer.start { self.maintenance() }
    if deferred.hasWork || keyspaceTable.hasDropping { maintainer.wake() }
  }

  /// How many versions a commit or the end of a snapshot looks at; the background does the rest.
  static let cooperativeLimit = 512

  func tree(at root: PageID) -> Tree {
    Tree(pager: pager, root: root, statistics: treeStatistics)
  }

  /// Every commit up to here is in the trees.
  package var publishedTimestamp: Timestamp { registry.published }

  /// Every commit up to here has been acknowledged.
  package var acknowledgedTimestamp: Timestamp { registry.acknowledged }

  /// Moves the published watermark; every commit at or below is applied. Lower values change
  /// nothing.
  package func publish(through timestamp: Timestamp) { registry.publish(through: timestamp) }

  /// Moves the acknowledged watermark and frees what only it kept. Never above the published one.
  package func acknowledge(through timestamp: Timestamp) {
    registry.acknowledge(through: timestamp)
    guard chains.versionCount > 0 else { return }
    if collectGarbage(limit: Self.cooperativeLimit) { maintainer.wakeSoon() }
    enforceBudget()
  }

  /// Stops everything: a write or a sync failed for good. Snapshots that exist read on.
  package func poison() { pager.poison() }

  package var isPoisoned: Bool { pager.isPoisoned }

  package var dirtyByteCount: Int { pager.dirtyByteCount }

  package var durableGeneration: Generation { pager.durableGeneration }

  package var pageSize: Int { pager.pageSize }

  /// Makes sure that the file has room for all dirty pages and `byteCount` bytes more.
  package func reserveSpace(_ byteCount: Int) throws(StoreError) {
    do { try pager.reserveSpace(byteCount) } catch { throw .paging(error) }
  }

  /// Waits for the background work under way, and lets none begin until `release`. No checkpoint and no
  /// apply is under way, nor begins.
  package func hold() {
    maintainer.suspend()
    pager.holdWrites()
  }

  package func release() {
    pager.releaseWrites()
    maintainer.resume()
  }

  /// Stops the background threads. Makes no checkpoint. Call once, with no snapshot in use.
  package func close() {
    maintainer.close()
    pager.close()
  }
}
