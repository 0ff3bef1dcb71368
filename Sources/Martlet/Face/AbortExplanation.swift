public import Primitives

/// Why a transaction was rolled back: over which key or range, and against whom.
public struct AbortExplanation: Sendable, Hashable {
  /// What happened.
  public enum Cause: String, Sendable, Hashable, CaseIterable {
    /// Another transaction committed a key after this one's snapshot, and this one wrote it.
    case firstUpdaterWins
    /// Two dependencies of a reader on a writer met in this transaction: somebody read what it
    /// writes, and it read what somebody else, who committed first, has written (rule S2).
    case pivot
    /// This transaction read what a committed pivot has written (rule S2, the first of the three).
    case readerOfPivot
    /// Something that an optimistic transaction read is not the newest any more (rule O3).
    case staleRead
    /// What would tell whether a read is still the newest was given up for memory (rule O9).
    case historyLost
    /// Chosen to end a circle of waits (rule L7).
    case deadlock
    /// A lock was not granted in time.
    case lockTimeout
    /// There was no memory for a further lock (rule L11).
    case lockBudget
  }

  /// What happened.
  public let cause: Cause
  /// The transaction that was rolled back.
  public let transaction: TransactionID
  /// The others, as far as they are known: of a deadlock the circle in order, of a pivot first the
  /// one that read and then the one that wrote, else the one in the way.
  public let others: [TransactionID]
  /// Where.
  public let place: Place?
  /// Whether it rests on a summary that memory forced: with more memory the transaction might have
  /// committed (rule S12).
  public let isCoarse: Bool

  /// A key or a range of keys.
  public struct Place: Sendable, Hashable {
    /// The keyspace.
    public let keyspace: KeyspaceID
    /// The key; nil when a range, or only a fingerprint, is known.
    public let key: [UInt8]?
    /// The range that was read.
    public let range: KeyBounds?

    init(keyspace: KeyspaceID, key: [UInt8]? = nil, range: KeyBounds? = nil) {
      self.keyspace = keyspace
      self.key = key
      self.range = range
    }
  }

  init(
    _ cause: Cause, _ transaction: TransactionID, others: [TransactionID] = [],
    place: Place? = nil, isCoarse: Bool = false
  ) {
    self.cause = cause
    self.transaction = transaction
    self.others = others
    self.place = place
    self.isCoarse = isCoarse
  }
}

extension AbortExplanation.Place: CustomStringConvertible {
  /// The key or range, for people.
  public var description: String {
    if let key { return "key \(DatabaseError.quoted(key)) of keyspace \(keyspace.rawValue)" }
    if let range { return "range \(range) of keyspace \(keyspace.rawValue)" }
    return "a key of keyspace \(keyspace.rawValue)"
  }
}

extension KeyBounds: CustomStringConvertible {
  /// The bounds, for people.
  public var description: String {
    let from = lower.map { DatabaseError.quoted($0) } ?? "the first key"
    let to = upper.map { DatabaseError.quoted($0) } ?? "the last key"
    return "[\(from), \(to))"
  }
}
