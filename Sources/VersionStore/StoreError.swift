package import BTreeIndex
package import Paging
package import Primitives

/// Why the version store did not do what it was asked.
package enum StoreError: Error, Equatable, Sendable {
  /// A tree could not be read or changed.
  case tree(TreeError)
  /// The page store failed outside a tree.
  case paging(PagingError)
  /// A catalog entry, a root table or a batch holds bytes that this engine did not write.
  case corrupt(CorruptionError)
  /// The snapshot expired under the version budget (V5): what it saw may be gone. `newest` is the
  /// newest published commit at the time of the answer.
  case snapshotTooOld(at: Timestamp, newest: Timestamp)
  /// The keyspace was never made, or has been dropped.
  case unknownKeyspace(KeyspaceID)
  /// The keyspace was built after the snapshot began.
  case keyspaceTooNew(KeyspaceID, builtAt: Timestamp, snapshot: Timestamp)
  /// A commit failed half-way; nothing more can be trusted until the database is opened again.
  case poisoned
}
