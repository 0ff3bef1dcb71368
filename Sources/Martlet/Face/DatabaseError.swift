/// Why an operation or a transaction failed: what happened, where, and what to do.
///
/// A retryable error means that the transaction was rolled back and that running it again may
/// succeed; `write` does so by itself. After any other error the transaction is over as well,
/// unless the code's description says that nothing happened.
public struct DatabaseError: Error, Sendable {
  /// What kind of failure it was. New codes may be added: switch with a default.
  public struct Code: Sendable, Hashable {
    /// The name of the code, stable across versions.
    public let name: String
    /// Whether the same transaction may succeed when it runs again.
    public let isRetryable: Bool

    init(_ name: String, retryable: Bool = false) {
      self.name = name
      isRetryable = retryable
    }
  }

  /// The kind of failure.
  public let code: Code
  /// One line for people: what, where, and what to do.
  public let message: String
  /// How many attempts were made, when the error ended a `write`.
  public internal(set) var attempts: Int
  /// Why the transaction was rolled back, and against whom, when another one was in the way.
  public let abort: AbortExplanation?
  /// Which record is in the way, for `uniqueViolation`.
  public let violation: UniqueViolation?

  init(
    _ code: Code, _ message: String, abort: AbortExplanation? = nil,
    violation: UniqueViolation? = nil
  ) {
    self.code = code
    self.message = message
    self.abort = abort
    self.violation = violation
    attempts = 1
  }

  /// Whether running the transaction again may succeed.
  public var isRetryable: Bool { code.isRetryable }
}

extension DatabaseError: CustomStringConvertible {
  /// The message behind its code.
  public var description: String { "\(code.name): \(message)" }
}

extension DatabaseError: Equatable {
  /// Errors are equal when code and message are.
  public static func == (left: DatabaseError, right: DatabaseError) -> Bool {
    left.code == right.code && left.message == right.message
  }
}

extension DatabaseError.Code {
  // Aborts that a retry may cure (rule M10).

  /// Another transaction changed the same key first. The transaction was rolled back.
  public static let writeConflict = Self("writeConflict", retryable: true)
  /// Committing a serializable transaction could have left no serial order. It was rolled back.
  public static let serializationFailure = Self("serializationFailure", retryable: true)
  /// The transaction was rolled back to end a deadlock.
  public static let deadlockVictim = Self("deadlockVictim", retryable: true)
  /// A lock was not granted in time. The transaction was rolled back.
  public static let lockTimeout = Self("lockTimeout", retryable: true)
  /// There was no memory for a further lock. The transaction was rolled back.
  public static let lockBudgetExhausted = Self("lockBudgetExhausted", retryable: true)
  /// The snapshot expired because it held too many old versions. The transaction is over.
  public static let snapshotTooOld = Self("snapshotTooOld", retryable: true)

  // What the caller asked for cannot be; nothing happened.

  /// An argument is out of its domain. Nothing happened.
  public static let invalidArgument = Self("invalidArgument")
  /// The key is longer than an eighth of a page. Nothing happened.
  public static let keyTooLong = Self("keyTooLong")
  /// The value is too large for this operation. Nothing happened.
  public static let valueTooLarge = Self("valueTooLarge")
  /// The stored bytes are not of the type that was asked for. Nothing happened.
  public static let valueMismatch = Self("valueMismatch")
  /// A sum left the range of its type. Nothing happened; at the commit of a merge the transaction was
  /// rolled back.
  public static let valueOverflow = Self("valueOverflow")
  /// The keyspace may not be written at the transaction's level. Nothing happened.
  public static let isolationTooWeak = Self("isolationTooWeak")
  /// A key that may be set once is there already. Nothing happened.
  public static let keyExists = Self("keyExists")
  /// A bulk build takes keys in ascending order. The record was not added.
  public static let keysNotAscending = Self("keysNotAscending")
  /// There is a keyspace of that name, or one is being built. Nothing happened.
  public static let keyspaceExists = Self("keyspaceExists")
  /// The keyspace handle belongs to another database. Nothing happened.
  public static let wrongDatabase = Self("wrongDatabase")
  /// There is no such keyspace. Nothing happened.
  public static let unknownKeyspace = Self("unknownKeyspace")

  /// The log does not hold any more what a change feed is to go on with. Nothing happened.
  public static let positionLost = Self("positionLost")

  /// The message is not with this consumer any more. Nothing happened.
  public static let leaseLost = Self("leaseLost")

  // The transaction cannot go on.

  /// The keyspace was dropped. The transaction was rolled back.
  public static let keyspaceDropped = Self("keyspaceDropped")
  /// The transaction writes more than `Configuration.transactionSizeLimit`. It was rolled back.
  public static let transactionTooLarge = Self("transactionTooLarge")
  /// The task was cancelled. The transaction was rolled back.
  public static let cancelled = Self("cancelled")
  /// The time that the caller gave it is over. The transaction was rolled back.
  public static let deadlineExceeded = Self("deadlineExceeded")

  // The database.

  /// Another process, or another `Database` of this one, has the directory open.
  public static let alreadyOpen = Self("alreadyOpen")
  /// The directory is not a database.
  public static let notADatabase = Self("notADatabase")
  /// The directory is not there, and was not to be created.
  public static let notFound = Self("notFound")
  /// The directory holds a backup or a restore that was not completed. It was not changed.
  public static let incomplete = Self("incomplete")
  /// A copy is made in a new or an empty directory, and this one is neither. Nothing happened.
  public static let directoryNotEmpty = Self("directoryNotEmpty")
  /// A newer version of the engine wrote the database. It was not changed.
  public static let newerFormat = Self("newerFormat")
  /// Bytes on disk are not what the engine wrote. Nothing wrong was returned.
  public static let corrupt = Self("corrupt")
  /// The disk is full. Nothing was lost; work goes on when there is space.
  public static let diskFull = Self("diskFull")
  /// A call of the operating system failed.
  public static let inputOutput = Self("inputOutput")
  /// The outcome of the commit is not known: the write to the log failed. Reopening tells.
  public static let commitUnknown = Self("commitUnknown")
  /// An earlier write failed for good: nothing more is committed until the database is reopened.
  public static let poisoned = Self("poisoned")
  /// The database is suspended, or was while the transaction ran: nothing begins before `resume`, and
  /// what had not ended by the deadline was rolled back. Run it again after `resume`.
  public static let suspended = Self("suspended")
  /// Somebody else opened the database while it was suspended. Nothing is read or written through this
  /// `Database` any more: close it and open it again.
  public static let changedWhileSuspended = Self("changedWhileSuspended")
  /// The system keeps the files from being read or written while the device is locked. Nothing is wrong
  /// with them: try again when it is unlocked.
  public static let dataProtected = Self("dataProtected", retryable: true)
  /// The database was closed.
  public static let closed = Self("closed")
}
