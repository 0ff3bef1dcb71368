internal import ConcurrencyControl
internal import Primitives
internal import RawBytes

/// The seam where concurrency control enters a transaction: what to do at each moment of its life.
///
/// A protocol decides; the transaction and the commit pipeline do. One value serves all
/// transactions that run under it. Names are (keyspace, key) and (keyspace, interval), never pages
/// (rule L2), and all protocols use the same ones and the same commit section, so any mix of levels
/// is safe (rules M1, M8):
///
/// - Invariant CP1: whoever writes a key holds its exclusive lock when the commit is ordered
///   (rule M2), so locks of readers are honoured by writers of every level.
/// - Invariant CP2: what a serializable transaction read is known to the conflict history when its
///   commit is ordered (rules M3, M4).
protocol ConcurrencyProtocol: Sendable {
  /// Which moment reads show.
  var view: ReadView { get }

  /// How a scan is kept apart from writers.
  var scanning: ScanDiscipline { get }

  /// What the commit section asks of the conflict history.
  var certification: Certification { get }

  /// Whether writing a key fails when somebody committed it after this transaction's snapshot.
  var firstUpdaterWins: Bool { get }

  /// Whether a key's exclusive lock is taken when it is written; else all are when the transaction
  /// commits.
  var locksAsItWrites: Bool { get }

  /// Before a key is read.
  func willRead(_ key: ByteView, _ name: LockName, by transaction: TransactionState)
    throws(DatabaseError)

  /// Before a key is read that will be written.
  func willReadForUpdate(_ key: ByteView, _ name: LockName, by transaction: TransactionState)
    throws(DatabaseError)

  /// Before a commit that writes something is prepared.
  func willCommit(_ transaction: TransactionState) throws(DatabaseError)
}

/// Which moment reads show.
enum ReadView: Sendable {
  /// One snapshot, taken at begin, for the whole transaction.
  case snapshot
  /// The newest published state, anew for each operation.
  case newest
  /// The newest published state, under what others have written and not committed.
  case pending
}

/// How a scan is kept apart from writers.
enum ScanDiscipline: Sendable {
  /// Not at all: its view is enough.
  case free
  /// Each key is locked before it is visited; keys may appear between them.
  case lockedKeys
  /// The interval is locked piece by piece before it is read (rule L3).
  case lockedIntervals
}

/// What the commit section asks of the conflict history (rule M8).
enum Certification: Sendable {
  /// Nothing: the level does not promise a serial order. Its writes are recorded.
  case none
  /// Nothing; what was read stays marked, for it may precede a pivot (rule M3).
  case marks
  /// Everything read is still the newest (rule O3).
  case optimistic
  /// No dangerous structure (rule S2).
  case serializableSnapshot

  /// How the conflict history follows a transaction from its begin.
  var role: TrackedRole? {
    switch self {
    case .none, .marks: nil
    case .optimistic: .optimistic
    case .serializableSnapshot: .serializableSnapshot
    }
  }

  /// Whether reads have to be noted.
  var notesReads: Bool { self != .none }
}
