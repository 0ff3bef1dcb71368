internal import ConcurrencyControl
internal import Environment
internal import Primitives
internal import RawBytes
internal import Synchronization
internal import VersionStore

// Where transactions of all protocols meet: the conflict history, in the commit section.
//
// A transaction that is to be certified is followed from before it takes its snapshot to its end.
// Meanwhile every commit leaves its keys in the history, whatever its level (rule M6); when nobody
// is followed, commits leave nothing but a timestamp.
extension CommitPipeline {
  /// Begins to follow a transaction. When this returns, a snapshot of the published state misses no
  /// commit that the history does not know (rule O2). Nil when that moment never comes, for the
  /// pipeline is poisoned: then the transaction cannot end well.
  func beginTracking(_ transaction: TransactionID, as role: TrackedRole) -> Tracking? {
    let tracking = section.withLock { state in
      isTracking.store(true, ordering: .relaxed)
      return state.history.begin(transaction, as: role, floor: store.publishedTimestamp)
    }
    var attempt = 0
    // Commits ordered before the history looked are being applied: microseconds.
    while store.publishedTimestamp < tracking.leastSnapshot, !isPoisoned {
      effects.waits.yield(attempt: attempt)
      attempt += 1
    }
    if store.publishedTimestamp < tracking.leastSnapshot, isPoisoned {
      endTracking(tracking)
      return nil
    }
    return tracking
  }

  /// Says which snapshot a transaction that is followed has taken.
  func setSnapshot(_ snapshot: Timestamp, of tracking: Tracking) {
    section.withLock { $0.history.setSnapshot(snapshot, of: tracking) }
  }

  /// The transaction is over: committed or rolled back.
  func endTracking(_ tracking: Tracking) {
    section.withLock { state in
      state.history.end(tracking)
      isTracking.store(state.history.isTracking, ordering: .relaxed)
    }
  }

  /// Ends a transaction that wrote nothing: certifies what it read, and leaves marks of it.
  func finishReading(_ transaction: TransactionState) throws(DatabaseError) {
    guard transaction.control.certification != .none else { return }
    if transaction.control.certification.role != nil, transaction.tracking == nil {
      // What it read can be certified against nothing; see `beginTracking`.
      try requireHealth()
    }
    let refusal = section.withLock { $0.finishReading(transaction) }
    if let refusal { throw .serializationFailure(refusal) }
  }

  /// Ends a declared read-only transaction that is followed.
  func finishReading(_ context: ReadContext, _ tracking: Tracking) throws(DatabaseError) {
    let refusal = section.withLock { $0.finishReading(context, tracking) }
    if let refusal { throw .serializationFailure(refusal) }
  }

  /// Whether a declared read-only transaction needs no certification (rule S13).
  func safety(of tracking: Tracking) -> SnapshotSafety {
    section.withLock { $0.history.safety(of: tracking) }
  }

  /// The transaction that made a commit; nil when that is too long ago.
  func committer(at timestamp: Timestamp) -> TransactionID? {
    section.withLock { $0.recent.transaction(at: timestamp) }
  }
}

extension CommitPipeline.Section {
  /// Whether a transaction may commit its writes.
  mutating func certify(_ transaction: TransactionState, _ batch: WriteBatch) -> Certificate {
    guard let tracking = transaction.tracking else { return .granted(earliestOut: nil) }
    transaction.nameWrittenKeys(of: batch)
    return history.certify(
      tracking, reads: transaction.reads.readSet, written: transaction.writtenKeys,
      mustBeNewest: transaction.hasMergedLate)
  }

  /// Keeps of a commit what running transactions may need to know, whatever its level (rule M6).
  mutating func record(
    _ transaction: TransactionState, _ batch: WriteBatch, at timestamp: Timestamp,
    earliestOut: EarliestOut?
  ) {
    recent.append(timestamp, transaction.id)
    if history.isTracking { transaction.nameWrittenKeys(of: batch) }
    if transaction.control.certification == .none {
      history.record(transaction.id, at: timestamp, written: transaction.writtenKeys)
    } else {
      history.record(
        transaction.id, at: timestamp, written: transaction.writtenKeys,
        reads: transaction.reads.readSet, earliestOut: earliestOut, tracking: transaction.tracking)
    }
  }

  /// Ends a read-write transaction that wrote nothing. Returns why it must not commit, if so.
  mutating func finishReading(_ transaction: TransactionState) -> ConflictExplanation? {
    if let tracking = transaction.tracking {
      return finishReading(transaction.reads, tracking)
    }
    // Its locks have kept what it read as it is up to now (rule M3).
    history.recordReader(
      transaction.id, bound: clock.last, reads: transaction.reads.readSet)
    return nil
  }

  /// Ends a transaction that read a snapshot and wrote nothing.
  mutating func finishReading(_ context: ReadContext, _ tracking: Tracking) -> ConflictExplanation?
  {
    let verdict = history.certify(tracking, reads: context.readSet, written: WrittenKeys())
    if case .refused(let explanation) = verdict { return explanation }
    history.recordReader(tracking, reads: context.readSet)
    return nil
  }
}

extension AbortExplanation {
  /// A refusal, in the words of the face.
  init(_ conflict: ConflictExplanation) {
    let cause: Cause =
      switch conflict.cause {
      case .pivot: .pivot
      case .readerOfPivot: .readerOfPivot
      case .staleRead: .staleRead
      case .historyLost: .historyLost
      }
    self.init(
      cause, conflict.transaction,
      others: [conflict.incoming, conflict.outgoing].compactMap(\.self),
      place: (conflict.outgoingEdge ?? conflict.incomingEdge).map(Place.init),
      isCoarse: conflict.isCoarse)
  }
}

extension AbortExplanation.Place {
  /// What an edge is about: the key that was written if it is known, else what was read.
  init(_ edge: ConflictExplanation.Edge) {
    switch edge.place {
    case .name(let name): self.init(keyspace: name.keyspace, key: edge.key)
    case .interval(let interval):
      self.init(
        keyspace: interval.keyspace, key: edge.key,
        range: KeyBounds(
          lower: interval.lower.isEmpty ? nil : interval.lower, upper: interval.upper))
    case .keyspace(let keyspace): self.init(keyspace: keyspace, key: edge.key)
    }
  }
}
