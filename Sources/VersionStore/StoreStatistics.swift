internal import BTreeIndex
package import Paging
package import Primitives
internal import RawBytes
internal import Synchronization

/// Counts of a version store.
package struct StoreStatistics: Sendable, Equatable {
  package var paging: PagingStatistics
  /// Superseded versions in memory.
  package var versionCount: Int
  package var versionByteCount: Int
  /// Bytes of those that hang on snapshots; the others wait for an acknowledgement.
  package var pinnedByteCount: Int
  /// Snapshots in use, expired ones included.
  package var snapshotCount: Int
  package var expiredSnapshotCount: Int
  package var droppingKeyspaceCount: Int
  package var splitCount: Int
  package var mergeCount: Int
}

extension VersionStore {
  package var statistics: StoreStatistics {
    StoreStatistics(
      paging: pager.statistics, versionCount: chains.versionCount,
      versionByteCount: chains.byteCount,
      pinnedByteCount: ledger.withLock { $0.pinnedByteCount },
      snapshotCount: registry.occupiedCount, expiredSnapshotCount: budget.expiredCount,
      droppingKeyspaceCount: keyspaceTable.infos.count { $0.state == .dropping },
      splitCount: treeStatistics.splitCount, mergeCount: treeStatistics.mergeCount)
  }

  /// How many superseded versions of a key are kept.
  package func versionCount(of key: [UInt8], in keyspace: KeyspaceID) -> Int {
    key.withByteView { chains.versionCount(of: $0, in: keyspace) }
  }
}
