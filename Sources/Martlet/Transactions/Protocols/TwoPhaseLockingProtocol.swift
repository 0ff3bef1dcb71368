internal import ConcurrencyControl
internal import RawBytes

/// Two-phase locking: what is read and written is locked before, and stays locked to the end.
///
/// Reads show the newest committed state, which a shared lock keeps as it is; absent keys are locked
/// like present ones. With intervals locked as well nothing can appear in a scanned range, and the
/// transaction is serializable at the moment of its commit (rules L2, L3); without, it is
/// repeatable read, and phantoms are possible.
///
/// Such a transaction reads and commits at one moment, so that it is never a pivot. But it may
/// precede one: what it read, intervals or keys, stays marked while a snapshot transaction that could
/// be that pivot runs (rule M3). Without that a repeatable read would hold against lockers only, and
/// a serializable snapshot beside it could skew a write against it (rule M1).
struct TwoPhaseLockingProtocol: ConcurrencyProtocol {
  /// Whether scans lock the intervals they cover, and not only the keys they meet.
  let locksIntervals: Bool

  var view: ReadView { .newest }
  var scanning: ScanDiscipline { locksIntervals ? .lockedIntervals : .lockedKeys }
  var certification: Certification { .marks }
  var firstUpdaterWins: Bool { false }
  var locksAsItWrites: Bool { true }

  func willRead(_ key: ByteView, _ name: LockName, by transaction: TransactionState)
    throws(DatabaseError)
  {
    _ = try transaction.lock(.shared, name, key)
  }

  func willReadForUpdate(_ key: ByteView, _ name: LockName, by transaction: TransactionState)
    throws(DatabaseError)
  {
    _ = try transaction.lock(.update, name, key)
  }

  func willCommit(_ transaction: TransactionState) {}
}
