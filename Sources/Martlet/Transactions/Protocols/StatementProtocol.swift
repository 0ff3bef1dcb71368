internal import ConcurrencyControl
internal import RawBytes

/// Read committed and read uncommitted: write locks to the end, and each operation reads the newest
/// state, committed or pending.
///
/// Reads take no locks (rule L10: a snapshot for each statement), so what was read may change at
/// once, and an update of what was read before may be lost: `getForUpdate` is for that.
struct StatementProtocol: ConcurrencyProtocol {
  /// Whether reads show what others have written and not committed.
  let showsPendingWrites: Bool

  var view: ReadView { showsPendingWrites ? .pending : .newest }
  var scanning: ScanDiscipline { .free }
  var certification: Certification { .none }
  var firstUpdaterWins: Bool { false }
  var locksAsItWrites: Bool { true }

  func willRead(_ key: ByteView, _ name: LockName, by transaction: TransactionState) {}

  func willReadForUpdate(_ key: ByteView, _ name: LockName, by transaction: TransactionState)
    throws(DatabaseError)
  {
    _ = try transaction.lock(.update, name, key)
  }

  func willCommit(_ transaction: TransactionState) {}
}
