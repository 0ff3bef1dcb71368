internal import BTreeIndex
internal import Environment
internal import Paging
internal import Primitives
internal import RawBytes
internal import RedoLog
internal import VersionStore

/// Brings a store from its checkpoint to the end of its log.
///
/// Redo only: a record is a commit with resolved values, so applying it needs no judgement, and
/// nothing uncommitted was ever in a page (rule R2).
///
/// - Invariant RC1: every commit whose record lies at or after the checkpoint's position is
///   applied once, in log order; those before it are in the checkpoint already (rule R1).
/// - Invariant RC2: a large value is installed only by its commit; what no commit claims is freed.
/// - Invariant RC3: the same files always recover to the same state.
/// - Invariant RC4: a commit that changes the catalog is applied behind all before it and before all
///   behind it; others may be applied together (RG2, RW2).
final class Recovery {
  private let store: VersionStore
  private let checkpoint: CheckpointState
  private let owner: OwnerState
  private let directory: String
  private let configuration: Configuration
  private let effects: Effects
  private var newest: Timestamp
  private var transactionFloor: UInt64
  /// Large values whose commit has not been met, in order of first appearance.
  private var values: [PartialValue] = []
  private var replayedCommits = 0
  /// A build that the checkpoint has and whose end the log does not tell.
  private var unfinishedBuild: KeyspaceReset?
  /// Commits that wait to be applied together; their timestamps are at most `newest`.
  private var gathered: ReplayWorker.Box
  /// Empty, or with the worker.
  private var spare: ReplayWorker.Box
  private let worker: ReplayWorker
  private let startTime: UInt64
  /// More large values than one transaction can have.
  private static let ordinalLimit = 1 << 24
  private var lastReport: UInt64

  /// A large value under reconstruction.
  private final class PartialValue {
    let transaction: TransactionID
    let ordinal: Int
    let byteCount: UInt64
    var received: UInt64 = 0
    var writer: OverflowWriter?

    init(
      transaction: TransactionID, ordinal: Int, byteCount: UInt64, writer: consuming OverflowWriter
    ) {
      self.transaction = transaction
      self.ordinal = ordinal
      self.byteCount = byteCount
      self.writer = consume writer
    }
  }

  init(
    store: VersionStore, checkpoint: CheckpointState, owner: OwnerState, directory: String,
    configuration: Configuration, effects: Effects
  ) {
    self.store = store
    self.checkpoint = checkpoint
    self.owner = owner
    self.directory = directory
    self.configuration = configuration
    self.effects = effects
    newest = checkpoint.timestamp
    transactionFloor = owner.nextTransaction.rawValue
    startTime = effects.time.monotonic()
    lastReport = startTime
    gathered = ReplayWorker.Box(byteLimit: Self.groupByteCount(configuration))
    spare = ReplayWorker.Box(byteLimit: Self.groupByteCount(configuration))
    worker = ReplayWorker(store: store, effects: effects)
  }

  /// How much log is gathered before it is applied: an eighth of the memory for pages, as far as
  /// more still pays. Two groups exist at once.
  private static func groupByteCount(_ configuration: Configuration) -> Int {
    min(configuration.cacheSize / 8, 32 << 20)
  }

  func run() throws(DatabaseError) -> EngineParts {
    let log: RedoLog
    defer { worker.close() }
    do {
      log = try RedoLog.recover(
        directory: directory, id: checkpoint.id, from: owner.replayFrom,
        coveredThrough: owner.applied, generation: checkpoint.generation, effects: effects,
        configuration: configuration.logForFeeds,
        progress: { [self] in report($0.bytesDone, $0.bytesTotal) },
        replay: { [self] record in try replay(record) },
        finish: { [self] in try applyGathered() })
    } catch let error as LogError {
      throw DatabaseError(error)
    } catch let error as DatabaseError {
      throw error
    } catch let error as StoreError {
      throw DatabaseError(error)
    } catch let error as TreeError {
      throw DatabaseError(error)
    } catch {
      preconditionFailure("an error of an unknown type: \(error)")
    }
    values.removeAll()
    store.publish(through: newest)
    store.acknowledge(through: newest)
    return EngineParts(
      id: checkpoint.id, store: store, log: log, published: newest,
      clockFloor: max(newest, owner.clock, log.recoveredCeiling),
      nextTransaction: TransactionID(transactionFloor), unfinishedBuild: unfinishedBuild)
  }

  private func replay(_ record: LogRecord) throws {
    guard record.transaction < OwnerState.transactionLimit else {
      throw damaged(record, "a transaction below 2^63", "\(record.transaction.rawValue)")
    }
    transactionFloor = max(transactionFloor, record.transaction.rawValue + 1)
    switch record.kind {
    case .continuation: try replayContinuation(record)
    case .commit: try replayCommit(record)
    case .keyspaceReset: try replayReset(record)
    case .previousValues, .safePoint: break
    case .prepared, .outcome, .replicated:
      // Kinds that this version never writes: not to be skipped.
      throw DatabaseError(
        .newerFormat,
        "the log holds a record of kind \(record.kind) at \(record.start.rawValue), which this "
          + "version does not know how to replay")
    }
  }

  /// A build was announced or has ended. One whose checkpoint is in force and whose end is not in the
  /// log was cut off in between: whoever opens the database tells of it.
  private func replayReset(_ record: LogRecord) throws {
    let (reset, isBuilt): (KeyspaceReset, Bool)
    do { (reset, isBuilt) = try KeyspaceReset.decode(record.payload) } catch {
      throw DatabaseError(damage: error.placed(in: Self.place(of: record)))
    }
    guard record.start >= owner.applied else { return }
    unfinishedBuild = isBuilt || store.keyspace(reset.keyspace) == nil ? nil : reset
    if isBuilt {
      try requireLater(record)
      newest = record.timestamp
    }
  }

  /// Timestamps rise in the order of the log.
  private func requireLater(_ record: LogRecord) throws {
    guard record.timestamp > newest, record.timestamp < BatchHeader.timestampLimit else {
      throw damaged(
        record, "a timestamp above \(newest) and below 2^63", "\(record.timestamp)")
    }
  }

  private func replayContinuation(_ record: LogRecord) throws {
    let piece: Continuation
    do { piece = try Continuation(decoding: record.payload) } catch {
      throw DatabaseError(damage: error.placed(in: Self.place(of: record)))
    }
    let known = values.first {
      $0.transaction == record.transaction && $0.ordinal == piece.ordinal
    }
    if known == nil, piece.offset != 0, record.start < owner.applied {
      // The rest of a value whose transaction ended before the checkpoint.
      return
    }
    let value: PartialValue
    if let known, piece.offset != 0 {
      value = known
    } else {
      value = try begin(piece, of: record)
    }
    guard value.received == piece.offset, value.byteCount == piece.byteCount else {
      throw damaged(
        record, "a piece at \(value.received) of \(value.byteCount) bytes",
        "one at \(piece.offset) of \(piece.byteCount)")
    }
    try value.writer?.append(piece.piece)
    value.received += UInt64(piece.piece.count)
  }

  /// The first piece of a value, perhaps begun anew after an attempt in the same transaction was
  /// given up.
  private func begin(_ piece: Continuation, of record: LogRecord) throws -> PartialValue {
    guard piece.offset == 0, piece.ordinal < Self.ordinalLimit else {
      throw damaged(record, "the first piece of a large value", "one at \(piece.offset)")
    }
    values.removeAll { $0.transaction == record.transaction && $0.ordinal == piece.ordinal }
    let value = PartialValue(
      transaction: record.transaction, ordinal: piece.ordinal, byteCount: piece.byteCount,
      writer: store.makeOverflowWriter(byteCount: piece.byteCount))
    values.append(value)
    return value
  }

  private func replayCommit(_ record: LogRecord) throws {
    defer { values.removeAll { $0.transaction == record.transaction } }
    guard record.start >= owner.applied else { return }
    let batch: WriteBatch
    do { batch = try WriteBatch(validating: record.payload) } catch {
      throw DatabaseError(damage: error.placed(in: Self.place(of: record)))
    }
    guard batch.entryCount == Int(record.entryCount) else {
      throw damaged(record, "\(record.entryCount) entries", "\(batch.entryCount)")
    }
    try requireLater(record)
    let references = try claimValues(of: record.transaction)
    try check(batch, has: references, in: record)
    do {
      try apply(batch, at: record.timestamp, references)
    } catch StoreError.unknownKeyspace(let id) {
      throw damaged(record, "a keyspace of the catalog", "keyspace \(id.rawValue)")
    }
    newest = record.timestamp
    replayedCommits += 1
  }

  /// Puts a commit to those that are applied together, or behind them.
  private func apply(
    _ batch: WriteBatch, at timestamp: Timestamp, _ largeValues: [OverflowReference]
  ) throws(StoreError) {
    if gathered.group.takes(batch) {
      try store.gather(batch, at: timestamp, largeValues: largeValues, into: &gathered.group)
      if gathered.group.isFull {
        try worker.handOver(gathered)
        swap(&gathered, &spare)
      }
    } else {
      try applyGathered()
      try store.apply(batch, at: timestamp, largeValues: largeValues, announcement: .replay)
      store.publish(through: timestamp)
    }
  }

  /// Waits until all commits so far are in the trees.
  private func applyGathered() throws(StoreError) {
    try worker.drain()
    try store.apply(&gathered.group)
  }

  /// The large values that the log holds whole, by ordinal.
  private func claimValues(of transaction: TransactionID) throws -> [OverflowReference] {
    let own = values.filter { $0.transaction == transaction }
    let count = own.map { $0.ordinal + 1 }.max() ?? 0
    // An ordinal whose filling was given up inside its transaction: no entry refers to it.
    var references = [OverflowReference](
      repeating: OverflowReference(byteCount: 0, root: .none), count: count)
    for value in own where value.received == value.byteCount {
      if let writer = value.writer.take() { references[value.ordinal] = try writer.finish() }
    }
    return references
  }

  /// Every large entry refers to a value that the log holds whole.
  private func check(
    _ batch: WriteBatch, has references: [OverflowReference], in record: LogRecord
  ) throws {
    var entries = batch.makeIterator()
    while let entry = entries.next() {
      guard entry.operation == .large else { continue }
      guard entry.ordinal < references.count,
        references[entry.ordinal].byteCount == entry.byteCount
      else {
        throw damaged(
          record, "a large value \(entry.ordinal) of \(entry.byteCount) bytes",
          "none, or another length")
      }
    }
  }

  private func damaged(_ record: LogRecord, _ expected: String, _ found: String) -> DatabaseError {
    DatabaseError(
      damage: CorruptionError(
        location: Self.place(of: record), expected: expected, found: found))
  }

  private static func place(of record: LogRecord) -> String {
    "log record at position \(record.start.rawValue)"
  }

  /// News every two seconds: a long recovery shows that it moves (rule R5).
  private func report(_ done: UInt64, _ total: UInt64) {
    let now = effects.time.monotonic()
    guard now - lastReport > 2_000_000_000 else { return }
    lastReport = now
    let seconds = Double(now - startTime) / 1e9
    let share = total == 0 ? 100 : done * 100 / total
    let left = done == 0 ? 0 : Int(seconds * Double(total - min(done, total)) / Double(done))
    effects.events.report(
      Event(
        .notice, kind: .recovery,
        "recovering: \(done >> 20) of \(total >> 20) MiB (\(share) %), \(replayedCommits) commits, "
          + "about \(left) s left",
        [
          "bytes": .number(done), "totalBytes": .number(total),
          "commits": .number(replayedCommits), "remaining": .duration(.seconds(left)),
        ]))
  }
}
