internal import Primitives
internal import RawBytes

/// The seam where concurrency control enters a transaction: what to do at each moment of its life.
///
/// A protocol decides; the transaction and the commit pipeline do. One value serves all
/// transactions that run under it. Names are (keyspace, key) and (keyspace, interval), never pages.
///
/// Every writer of every level takes the key's exclusive lock at install time at the latest
/// (rule M2), so levels may be mixed.
protocol ConcurrencyProtocol: Sendable {
  /// Whether reads go to one snapshot, taken at begin, for the whole transaction.
  var readsOneSnapshot: Bool { get }

  /// Before a key is read.
  func willRead(_ key: ByteView, in keyspace: KeyspaceID, by transaction: TransactionState)
    throws(DatabaseError)

  /// Before the keys of an interval are read.
  func willScan(_ bounds: KeyBounds, in keyspace: KeyspaceID, by transaction: TransactionState)
    throws(DatabaseError)

  /// Before a key is written for the first or a further time.
  func willWrite(
    _ key: ByteView, in keyspace: KeyspaceID, fingerprint: UInt64, by transaction: TransactionState
  ) throws(DatabaseError)

  /// Whether the pipeline has to check at commit that nobody else updated first.
  var checksFirstUpdater: Bool { get }

  /// After publication or rollback: lets go of everything held.
  func ended(_ transaction: TransactionState)
}

/// Snapshot isolation: one snapshot for all reads, and the first updater of a key wins.
///
/// A write takes the key's exclusive lock at once. Whoever has to wait and then finds that the
/// holder committed has lost (rule M7); whoever finds out at commit that somebody else committed
/// the key after its snapshot has lost as well. Reads take no locks.
struct SnapshotProtocol: ConcurrencyProtocol {
  let locks: LockService

  var readsOneSnapshot: Bool { true }
  var checksFirstUpdater: Bool { true }

  func willRead(_ key: ByteView, in keyspace: KeyspaceID, by transaction: TransactionState) {}

  func willScan(_ bounds: KeyBounds, in keyspace: KeyspaceID, by transaction: TransactionState) {}

  func willWrite(
    _ key: ByteView, in keyspace: KeyspaceID, fingerprint: UInt64, by transaction: TransactionState
  ) throws(DatabaseError) {
    let waited = try locks.acquire(
      key, fingerprint, in: keyspace, for: transaction.id, weight: transaction.writes.byteCount)
    if waited { try transaction.requireNotNewer(key, in: keyspace) }
  }

  func ended(_ transaction: TransactionState) { locks.releaseAll(of: transaction.id) }
}
