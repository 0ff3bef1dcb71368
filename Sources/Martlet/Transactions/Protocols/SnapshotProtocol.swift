internal import ConcurrencyControl
internal import RawBytes

/// Snapshot isolation, alone or made serializable: one snapshot for all reads, and the first
/// updater of a key wins.
///
/// A write takes the key's exclusive lock at once. Whoever has to wait and then finds that the
/// holder committed has lost (rule M7); whoever finds out at commit that somebody else committed
/// the key after its snapshot has lost as well. Reads take no locks.
///
/// To be serializable, reads are noted, and the commit section refuses a commit that would complete
/// a dangerous structure (rules S1, S2): see `ConflictHistory`.
struct SnapshotProtocol: ConcurrencyProtocol {
  /// Whether commits are certified.
  let isSerializable: Bool

  var view: ReadView { .snapshot }
  var scanning: ScanDiscipline { .free }
  var certification: Certification { isSerializable ? .serializableSnapshot : .none }
  var firstUpdaterWins: Bool { true }
  var locksAsItWrites: Bool { true }

  func willRead(_ key: ByteView, _ name: LockName, by transaction: TransactionState) {}

  func willReadForUpdate(_ key: ByteView, _ name: LockName, by transaction: TransactionState)
    throws(DatabaseError)
  {
    // Whoever committed the key since the snapshot has been first, whether it was waited for or
    // not: what is read here is to be written.
    _ = try transaction.lock(.update, name, key)
    try transaction.requireNotNewer(key, name)
  }

  func willCommit(_ transaction: TransactionState) {}
}
