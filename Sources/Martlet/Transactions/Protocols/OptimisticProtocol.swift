internal import ConcurrencyControl
internal import RawBytes

/// Optimistic concurrency control after Silo (Tu et al. 2013), with snapshot reads.
///
/// The transaction reads one snapshot and notes what it read; writes stay private and unlocked. To
/// commit it locks its write set in key order, so that two that commit at once do not deadlock, and
/// then the commit section checks that everything it read, absent keys and scanned ranges
/// included, is still the newest (rules O1 to O4). Writes of keys that it did not read are ordered
/// by their locks and conflict with nobody (rule O8).
///
/// What a closure sees is always one moment of the database: no decision rests on a mixture
/// (rule O11).
struct OptimisticProtocol: ConcurrencyProtocol {
  var view: ReadView { .snapshot }
  var scanning: ScanDiscipline { .free }
  var certification: Certification { .optimistic }
  var firstUpdaterWins: Bool { false }
  var locksAsItWrites: Bool { false }

  func willRead(_ key: ByteView, _ name: LockName, by transaction: TransactionState) {}

  func willReadForUpdate(_ key: ByteView, _ name: LockName, by transaction: TransactionState) {}

  func willCommit(_ transaction: TransactionState) throws(DatabaseError) {
    try transaction.lockWriteSet()
  }
}
