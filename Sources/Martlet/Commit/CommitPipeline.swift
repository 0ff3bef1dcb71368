internal import BTreeIndex
internal import ConcurrencyControl
internal import Environment
internal import Primitives
internal import RawBytes
internal import RedoLog
internal import Synchronization
internal import VersionStore

/// Takes a transaction's writes to the log, the tree and the eyes of others, in five steps.
///
/// The naive way is one big lock around log and tree: correct, and every commit waits for every
/// other's I/O. Here only the order is decided under a lock, in memory and within microseconds:
///
/// ```
/// prepare ──▶ section ──▶ apply ──▶ publish ──▶ durable ──▶ acknowledge
/// may fail    one by one  parallel  in order    shared flush
/// ```
///
/// 1. *Prepare*, outside any section: space in file and log is reserved, the leaves are faulted
///    in, and first-updater-wins is checked in the same descent. Whatever can fail fails here.
/// 2. *Section*: certifies what a serializable transaction read, takes the timestamp and appends the
///    record. This fixes the order of visibility, and it is the one place where transactions of all
///    protocols meet (`CommitPipeline+Certification`).
/// 3. *Apply* to the tree under the key locks, beside other commits. A failure here poisons.
/// 4. *Publish*: the watermark moves over contiguously applied commits.
/// 5. *Durable*: waits for the shared flush, unless relaxed; then the commit is acknowledged.
///
/// - Invariant C1: one order. Log order, timestamp order and publication order are the same
///   (rule M8).
/// - Invariant C2: a commit is acknowledged only when it and everything it can have read is as
///   durable as its grade promises (rule L9).
/// - Invariant C3: nothing after the section depends on the section still being held.
/// - Invariant C5: certification, timestamp, record and what the conflict history keeps of the
///   commit are one step (rules M8, O2, S14).
/// - Invariant C4: while the pipeline is quiescent, no commit is ordered and unapplied, so the tree
///   is the exact state at the end of the log.
// SENDABLE: all mutable state is in a Mutex or atomic.
final class CommitPipeline: @unchecked Sendable {
  let store: VersionStore
  private let log: RedoLog
  private let observation: ObservationRegistry
  let effects: Effects
  let section: ShortMutex<Section>
  // Mirrors of positions in the section, readable without it.
  private let publishedEnd: Atomic<UInt64>
  private let acknowledgedEnd: Atomic<UInt64>
  private let hasFailed = Atomic<Bool>(false)
  /// Whether the conflict history follows somebody: a hint, to prepare outside the section.
  let isTracking = Atomic<Bool>(false)
  let counters = CommitCounters()

  /// What only the section's holder touches.
  struct Section {
    var clock: CommitClock
    var publications: PublicationQueue
    var isClosed = false
    /// Nothing is appended until the database is resumed.
    var isSealed = false
    /// Where each unfinished transaction's first continuation record begins.
    var continuations: [(transaction: TransactionID, start: LogPosition)] = []
    /// Keyspaces whose drop is ordered: later commits into them are refused.
    var dropped: [KeyspaceID] = []
    /// Who read and wrote what, as far as running transactions may need to know.
    var history: ConflictHistory
    /// Who made the newest commits.
    var recent = RecentCommits()
  }

  /// Continues from a recovered state: everything up to `published` is applied and durable.
  init(
    store: VersionStore, log: RedoLog, effects: Effects, published: Timestamp,
    clockFloor: Timestamp, conflictBudget: Int, observation: ObservationRegistry
  ) {
    self.store = store
    self.log = log
    self.observation = observation
    self.effects = effects
    let position = log.endPosition
    section = ShortMutex(
      Section(
        clock: CommitClock(above: max(clockFloor, published)),
        publications: PublicationQueue(published: published, position: position),
        history: ConflictHistory(byteBudget: conflictBudget)))
    publishedEnd = Atomic(position.rawValue)
    acknowledgedEnd = Atomic(position.rawValue)
  }

  /// Where the record of the newest published commit ends.
  var publishedPosition: LogPosition { LogPosition(publishedEnd.load(ordering: .acquiring)) }

  /// Where the record of the newest acknowledged commit ends.
  var acknowledgedPosition: LogPosition { LogPosition(acknowledgedEnd.load(ordering: .acquiring)) }

  /// The last timestamp given.
  var lastTimestamp: Timestamp { section.withLock { $0.clock.last } }

  /// The moment of the last commit that has its place in the order, published or not.
  var lastOrdered: Timestamp { section.withLock { $0.publications.ordered } }

  /// Whether nothing more can be committed until the database is reopened.
  var isPoisoned: Bool { hasFailed.load(ordering: .acquiring) }

  // MARK: The five steps

  /// Commits a prepared batch. After a throw from steps 1 and 2 nothing happened; a later failure
  /// poisons, and the fate of the commit is known after reopening (rule F2).
  func commit(_ request: borrowing CommitRequest) throws(DatabaseError) -> CommitReceipt {
    let leaf = try prepare(request)
    let receipt = try publish(request, leaf)
    if request.durability != .relaxed { try awaitDurability(receipt, request.durability) }
    return receipt
  }

  /// Steps 2 to 4: the commit is published when this returns, and acknowledged if it is relaxed.
  func publish(_ request: borrowing CommitRequest, _ leaf: SeenLeaf?) throws(DatabaseError)
    -> CommitReceipt
  {
    let isRelaxed = request.durability == .relaxed
    let announcement = store.announce(
      request.batch, isAcknowledgedAtPublication: isRelaxed, own: request.snapshot)
    let ordered: Ordered
    do {
      ordered = try order(request)
    } catch {
      store.retract(announcement)
      log.cancelReservation(request.batch.bytes.count)
      if let previous = request.previousValues { log.cancelReservation(previous.bytes.count) }
      throw error
    }
    do {
      try store.apply(
        request.batch, at: ordered.timestamp, largeValues: request.largeValues,
        announcement: announcement, leaf: leaf)
    } catch {
      // The log holds the commit, the tree only part of it: memory can no longer be trusted, and
      // nothing after this commit is ever published.
      poison()
      throw DatabaseError(
        .commitUnknown, "the commit could not be applied: \(DatabaseError(error).message)")
    }
    if observation.isObserved {
      observation.note(request.batch, at: ordered.timestamp, dropping: request.droppedKeyspace)
    }
    section.withLock { state in notePublication(of: ordered.ticket, &state) }
    do { try awaitPublication(of: ordered.timestamp) } catch {
      store.abandon(announcement)
      throw error
    }
    let receipt = CommitReceipt(timestamp: ordered.timestamp, end: ordered.end)
    if isRelaxed {
      acknowledge(receipt)
      log.flushInBackground()
    }
    // After both watermarks have passed: a snapshot that begins now sees this commit.
    store.retract(announcement)
    return receipt
  }

  /// Step 5 for a commit that is not relaxed: durable, then acknowledged.
  func awaitDurability(_ receipt: CommitReceipt, _ durability: Durability) throws(DatabaseError) {
    try makeDurable(through: receipt.end, durability)
    acknowledge(receipt)
  }

  /// Step 1. Reserves what the commit will need, and finds out whether it may. Returns the leaf of a
  /// commit of one entry, as it was seen.
  func prepare(_ request: borrowing CommitRequest) throws(DatabaseError) -> SeenLeaf? {
    try requireHealth()
    var leaf: SeenLeaf?
    do {
      // Every entry may dirty a page of its own, up to the size of the batch doubled by splits.
      try store.reserveSpace(2 * request.batch.bytes.count)
    } catch {
      throw DatabaseError(error)
    }
    if let snapshot = request.snapshot {
      let outcome: PrepareOutcome
      do { outcome = try store.prepare(request.batch, in: request.keyspaces, at: snapshot) } catch {
        throw DatabaseError(error)
      }
      switch outcome {
      case .ready(let seen): leaf = seen
      case .conflict(let keyspace, let key, let newer):
        precondition(
          request.certified?.control.firstUpdaterWins ?? true,
          "M2: a key changed under its exclusive lock")
        throw DatabaseError.writeConflict(
          key: key, keyspace: keyspace, transaction: request.transaction,
          by: committer(at: newer), snapshot: snapshot.timestamp, newer: newer)
      }
    }
    do {
      try log.reserve(request.batch.bytes.count)
    } catch {
      throw DatabaseError(error)
    }
    if let previous = request.previousValues {
      do { try log.reserve(previous.bytes.count) } catch {
        log.cancelReservation(request.batch.bytes.count)
        throw DatabaseError(error)
      }
    }
    return leaf
  }

  /// The record of a commit; with that of what it replaces before it, where a feed will want it.
  private func append(_ request: borrowing CommitRequest, at timestamp: Timestamp) -> LogPosition {
    let batch = request.batch
    guard let previous = request.previousValues else {
      return log.append(
        .commit, transaction: request.transaction, timestamp: timestamp,
        entryCount: UInt32(batch.entryCount), payload: batch.bytes)
    }
    return log.append(
      (.previousValues, UInt32(previous.entryCount), previous.bytes),
      (.commit, UInt32(batch.entryCount), batch.bytes),
      transaction: request.transaction, timestamp: timestamp)
  }

  private struct Ordered {
    let timestamp: Timestamp
    let end: LogPosition
    let ticket: PublicationQueue.Ticket
  }

  private enum OrderOutcome {
    case ordered(Ordered)
    case closed
    case sealed
    case ceilingReached
    case dropped(KeyspaceID)
    case refused(ConflictExplanation)
  }

  /// Step 2: the section.
  private func order(_ request: borrowing CommitRequest) throws(DatabaseError) -> Ordered {
    var attempt = 0
    let certified = request.certified
    if isTracking.load(ordering: .relaxed) { certified?.nameWrittenKeys(of: request.batch) }
    while true {
      try requireHealth()
      let wallClock = effects.time.wallClock()
      let outcome = section.withLock { state -> OrderOutcome in
        if state.isSealed { return .sealed }
        if state.isClosed { return .closed }
        for keyspace in request.keyspaces where state.dropped.contains(keyspace) {
          return .dropped(keyspace)
        }
        var earliestOut: EarliestOut?
        if let transaction = certified {
          switch state.certify(transaction, request.batch) {
          case .granted(let earliest): earliestOut = earliest
          case .refused(let explanation): return .refused(explanation)
          }
        }
        guard
          let timestamp = state.clock.next(wallClock: wallClock, ceiling: log.durableCeiling)
        else { return .ceilingReached }
        let end = append(request, at: timestamp)
        if let keyspace = request.droppedKeyspace { state.dropped.append(keyspace) }
        if let transaction = certified {
          state.record(transaction, request.batch, at: timestamp, earliestOut: earliestOut)
        }
        return .ordered(
          Ordered(
            timestamp: timestamp, end: end, ticket: state.publications.order(timestamp, end: end)))
      }
      switch outcome {
      case .ordered(let ordered): return ordered
      case .refused(let explanation): throw .serializationFailure(explanation)
      case .sealed: throw DatabaseError.interrupted
      case .dropped(let keyspace):
        throw DatabaseError(
          .keyspaceDropped, "keyspace \(keyspace.rawValue) was dropped; the transaction is undone")
      case .closed:
        effects.waits.yield(attempt: attempt)
        attempt += 1
      case .ceilingReached:
        try extendCeiling()
      }
    }
  }

  /// Makes more timestamps usable. What may be half written ends the database, whatever it was: also a
  /// disk that is full, behind whose error work would be expected to go on.
  private func extendCeiling() throws(DatabaseError) {
    do { try log.extendCeiling(above: lastTimestamp) } catch {
      poison()
      throw DatabaseError(
        .poisoned,
        "timestamps could not be reserved in the log (\(DatabaseError(error).message)); the "
          + "transaction is undone: close and reopen the database")
    }
  }

  /// Step 4: moves the watermark over what is applied by now.
  private func notePublication(of ticket: PublicationQueue.Ticket, _ state: inout Section) {
    guard state.publications.applied(ticket) else { return }
    publishedEnd.store(state.publications.publishedPosition.rawValue, ordering: .releasing)
    store.publish(through: state.publications.published)
  }

  /// Earlier commits may still be applying; each takes microseconds.
  private func awaitPublication(of timestamp: Timestamp) throws(DatabaseError) {
    var attempt = 0
    while store.publishedTimestamp < timestamp {
      if isPoisoned {
        throw DatabaseError(.commitUnknown, "an earlier commit failed; reopen the database")
      }
      effects.waits.yield(attempt: attempt)
      attempt += 1
    }
  }

  private func acknowledge(_ receipt: CommitReceipt) {
    // The position first: a reader that begins at the watermark then knows what it may wait for.
    _ = acknowledgedEnd.max(receipt.end.rawValue, ordering: .acquiringAndReleasing)
    store.acknowledge(through: receipt.timestamp)
    if observation.isAwaited { observation.acknowledged() }
    counters.commits.add(1, ordering: .relaxed)
  }

  /// Waits until the log is durable up to a position, or ordered before everything later. A failure
  /// poisons (rule F1).
  func makeDurable(through position: LogPosition, _ durability: Durability = .full)
    throws(DatabaseError)
  {
    guard log.durablePosition < position else { return }
    let begin = effects.time.monotonic()
    do {
      try log.makeDurable(through: position, durability == .ordered ? .barrier : .full)
      counters.recordFlush(nanoseconds: effects.time.monotonic() - begin)
    } catch {
      poison()
      throw DatabaseError(
        .commitUnknown,
        "the log could not be made durable (\(DatabaseError(error).message)); reopen the database "
          + "to learn which commits it holds")
    }
  }

  // MARK: Builds

  /// Sees to space in the log for what `announce` appends.
  func reserve(_ record: KeyspaceReset) throws(DatabaseError) {
    do { try log.reserve(record.byteCount) } catch { throw DatabaseError(error) }
  }

  /// Gives that space back, where nothing was announced.
  func cancelReservation(of record: KeyspaceReset) { log.cancelReservation(record.byteCount) }

  /// Says in the log that a keyspace comes with the checkpoint whose state is captured now. Returns
  /// where the record ends: it must be durable before the checkpoint is.
  func announce(_ record: KeyspaceReset) -> LogPosition {
    append(record.encoded(isBuilt: false), at: .zero)
  }

  private func append(_ record: [UInt8], at moment: Timestamp) -> LogPosition {
    record.withByteView { payload in
      log.append(
        .keyspaceReset, transaction: TransactionID(0), timestamp: moment, entryCount: 0,
        payload: payload)
    }
  }

  /// Publishes and acknowledges a moment of its own, from which a keyspace is seen that a checkpoint
  /// made durable. The log tells of it in this very moment. `body` runs in the section, immediately
  /// before, and is short. Space in the log was reserved; it is used up once `body` has run.
  func publishMoment(
    of record: KeyspaceReset, _ durability: Durability, _ body: (Timestamp) -> Void
  ) throws(DatabaseError) {
    var attempt = 0
    while true {
      try requireHealth()
      let wallClock = effects.time.wallClock()
      var isClosed = false
      let receipt = try section.withLock { (state) throws(DatabaseError) -> CommitReceipt? in
        if state.isSealed { throw .interrupted }
        isClosed = state.isClosed
        guard !isClosed,
          let timestamp = state.clock.next(wallClock: wallClock, ceiling: log.durableCeiling)
        else { return nil }
        body(timestamp)
        let end = append(record.encoded(isBuilt: true), at: timestamp)
        if observation.isObserved { observation.noteWhole(record.keyspace, at: timestamp) }
        let ticket = state.publications.order(timestamp, end: end)
        notePublication(of: ticket, &state)
        return CommitReceipt(timestamp: timestamp, end: end)
      }
      if let receipt {
        try awaitPublication(of: receipt.timestamp)
        // Everything before it is seen with it (rule L9).
        if durability != .relaxed { try makeDurable(through: receipt.end, durability) }
        acknowledge(receipt)
        if durability == .relaxed { log.flushInBackground() }
        return
      }
      if isClosed {
        effects.waits.yield(attempt: attempt)
        attempt += 1
      } else {
        try extendCeiling()
      }
    }
  }

  // MARK: Large values

  /// Appends part of a large value to the log, ahead of its commit.
  func appendContinuation(of transaction: TransactionID, _ payload: ByteView)
    throws(DatabaseError) -> LogPosition
  {
    try requireHealth()
    do { try log.reserve(payload.count) } catch {
      throw DatabaseError(error)
    }
    return try section.withLock { (state) throws(DatabaseError) in
      if state.isSealed { throw .interrupted }
      let start = log.endPosition
      let end = log.append(
        .continuation, transaction: transaction, timestamp: .zero, entryCount: 0, payload: payload)
      if !state.continuations.contains(where: { $0.transaction == transaction }) {
        state.continuations.append((transaction, start))
      }
      return end
    }
  }

  /// The transaction is over: replay need not start at its continuations any more.
  func forgetContinuations(of transaction: TransactionID) {
    section.withLock { state in
      if state.continuations.isEmpty { return }
      state.continuations.removeAll { $0.transaction == transaction }
    }
  }

  /// Where the oldest large value begins in the log whose transaction is not over.
  var oldestContinuation: LogPosition? {
    section.withLock { $0.continuations.map(\.start).min() }
  }

  // MARK: Quiescence

  /// Runs `body` while no commit is between its order and its publication (invariant C4). Commits
  /// that arrive meanwhile wait before the section, so `body` is short and does no I/O.
  func whileQuiescent<Result>(_ body: (QuiescentPoint) -> Result) throws(DatabaseError) -> Result {
    var attempt = 0
    section.withLock { state in
      precondition(!state.isClosed, "two checkpoints at once")
      state.isClosed = true
    }
    defer { section.withLock { $0.isClosed = false } }
    while true {
      try requireHealth()
      let point = section.withLock { state -> QuiescentPoint? in
        guard state.publications.inFlight == 0 else { return nil }
        let end = log.endPosition
        return QuiescentPoint(
          timestamp: state.publications.published, end: end,
          replayFrom: state.continuations.map(\.start).min() ?? end, clock: state.clock.last)
      }
      if let point { return body(point) }
      effects.waits.yield(attempt: attempt)
      attempt += 1
    }
  }

  // MARK: Suspension

  /// Lets nothing be appended any more, and waits until all that was ordered is published. What came
  /// too late fails with `suspended`.
  func seal() {
    section.withLock { $0.isSealed = true }
    var attempt = 0
    while !isPoisoned, section.withLock({ $0.publications.inFlight }) > 0 {
      effects.waits.yield(attempt: attempt)
      attempt += 1
    }
  }

  func unseal() { section.withLock { $0.isSealed = false } }

  // MARK: Health

  /// Nothing more is acknowledged; reads of acknowledged data go on.
  func poison() { hasFailed.store(true, ordering: .releasing) }

  func requireHealth() throws(DatabaseError) {
    if isPoisoned || store.isPoisoned {
      throw DatabaseError(
        .poisoned, "an earlier write to the device failed; close and reopen the database")
    }
  }
}

/// What a transaction hands to the pipeline.
struct CommitRequest: ~Copyable {
  let transaction: TransactionID
  /// The writes in redo format.
  let batch: WriteBatch
  /// The keyspaces that the batch writes.
  let keyspaces: [KeyspaceID]
  /// What the batch's large entries refer to, by ordinal.
  let largeValues: [OverflowReference]
  /// The snapshot against which first-updater-wins is judged; nil for writes under a lock of
  /// their own.
  let snapshot: StoreSnapshot?
  /// The transaction whose reads and writes the conflict history has to know; nil for changes of
  /// the catalog, which are outside of it (rule S17).
  let certified: TransactionState?
  /// The keyspace that this commit drops.
  let droppedKeyspace: KeyspaceID?
  let durability: Durability
  /// What it replaces, in those keyspaces that want that in the log.
  var previousValues: WriteBatch?
}

/// A published commit.
struct CommitReceipt: Sendable {
  let timestamp: Timestamp
  /// Where its record ends in the log.
  let end: LogPosition
}

/// A moment at which the tree is the exact state at one position of the log.
struct QuiescentPoint {
  let timestamp: Timestamp
  let end: LogPosition
  let replayFrom: LogPosition
  /// The last timestamp given.
  let clock: Timestamp
}

/// Counts of commits.
// SENDABLE: atomics only.
final class CommitCounters: Sendable {
  let commits = Atomic<UInt64>(0)
  private let flushTimes = Mutex(LatencyHistogram())

  func recordFlush(nanoseconds: UInt64) {
    flushTimes.withLock { $0.record(nanoseconds: nanoseconds) }
  }

  /// How long waits for the device took.
  var flushLatency: LatencyHistogram { flushTimes.withLock { $0 } }
}
