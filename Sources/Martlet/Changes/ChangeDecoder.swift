internal import Primitives
internal import RawBytes
internal import RedoLog
internal import VersionStore

/// Makes changes of the records of the log, one after the other. Pure.
///
/// - Invariant CD1: every commit record and every end of a build yields what it did to the watched
///   keyspaces, whole; only where it did nothing there may it yield nothing.
/// - Invariant CD2: it holds at most `openByteLimit` bytes of large values whose commit has not come.
///   Where there are more the oldest is let go and told as omitted.
/// - Invariant CD3: bytes that are no record of this engine are an error, never a change.
struct ChangeDecoder {
  /// What one commit did.
  struct Decoded {
    let timestamp: Timestamp
    let transaction: TransactionID
    var keyspaceEvents: [KeyspaceEvent] = []
    var changes: [Change] = []
    /// Bytes of memory, about.
    var byteCount = 64
  }

  /// The largest value that a feed carries along.
  static let carriedByteLimit: UInt64 = 1 << 20
  /// Bytes of large values of open transactions, and of one transaction, at most.
  static let openByteLimit = 16 << 20
  /// So far back in the log a transaction that is still open may have begun a large value: what is
  /// older is taken for rolled back, of which the log does not tell.
  static let openDistance: UInt64 = 64 << 20
  /// Bytes of log after which a transaction that changed nothing here is told of for its token.
  static let silentByteLimit: UInt64 = 1 << 20

  private let keyspaces: Set<KeyspaceID>?
  /// In order of their beginnings.
  private var open: [OpenValue] = []
  private var openByteCount = 0
  private var previous: (transaction: TransactionID, batch: [UInt8])?
  /// Where the record behind the last that was told of began.
  private var toldAt: LogPosition?

  /// A large value whose pieces come before their commit.
  private struct OpenValue {
    let transaction: TransactionID
    let ordinal: Int
    let byteCount: UInt64
    let start: LogPosition
    var bytes: [UInt8] = []
  }

  init(keyspaces: Set<KeyspaceID>?) { self.keyspaces = keyspaces }

  /// Where the oldest large value begins whose commit has not come.
  var floor: LogPosition? { open.first?.start }

  /// Takes the next record. `isPast`: it lies before the token, and counts only for what follows.
  mutating func consume(_ record: LogRecord, isPast: Bool) throws -> Decoded? {
    if record.kind != .commit, record.kind != .previousValues { previous = nil }
    switch record.kind {
    case .continuation:
      try noteContinuation(record)
      return nil
    case .previousValues:
      previous = (record.transaction, record.payload.array)
      return nil
    case .commit:
      defer {
        close(record.transaction)
        previous = nil
      }
      return isPast ? nil : told(try decodeCommit(record), at: record)
    case .keyspaceReset:
      return isPast ? nil : try decodeReset(record).map { told($0, at: record) } ?? nil
    case .safePoint:
      return nil
    case .prepared, .outcome, .replicated:
      throw DatabaseError(
        .newerFormat,
        "the log holds a record of kind \(record.kind) at \(record.start.rawValue), which this "
          + "version does not know how to tell")
    }
  }

  /// Leaves out what did nothing here, unless it is long ago that anything was told.
  private mutating func told(_ decoded: Decoded, at record: LogRecord) -> Decoded? {
    let since = toldAt ?? record.start
    if toldAt == nil { toldAt = record.start }
    let isSilent = decoded.changes.isEmpty && decoded.keyspaceEvents.isEmpty
    if isSilent, record.end.rawValue &- since.rawValue < Self.silentByteLimit { return nil }
    toldAt = record.end
    return decoded
  }

  private func watches(_ keyspace: KeyspaceID) -> Bool {
    keyspaces.map { $0.contains(keyspace) } ?? true
  }

  // MARK: Commits

  private func decodeCommit(_ record: LogRecord) throws -> Decoded {
    let batch = try Self.batch(record.payload, record)
    guard batch.entryCount == Int(record.entryCount) else {
      throw Self.damaged(record, "\(record.entryCount) entries", "\(batch.entryCount)")
    }
    var decoded = Decoded(timestamp: record.timestamp, transaction: record.transaction)
    let previous = previous.flatMap { $0.transaction == record.transaction ? $0.batch : nil } ?? []
    try previous.withByteView { bytes in
      var old = PreviousValues(bytes.isEmpty ? nil : try Self.batch(bytes, record))
      var entries = batch.makeIterator()
      while let entry = entries.next() {
        if entry.keyspace == .catalog {
          if let event = try Self.event(entry, record), watches(event.keyspace) {
            decoded.keyspaceEvents.append(event)
          }
        } else if watches(entry.keyspace) {
          let replaced = old.value(replacedBy: entry)
          decoded.append(
            Change(
              keyspace: entry.keyspace, key: entry.key.array, newValue: newValue(of: entry, record),
              oldValue: replaced.value, expiry: WallTime(stored: entry.expiry),
              oldExpiry: WallTime(stored: replaced.expiry)))
        }
      }
    }
    return decoded
  }

  private func newValue(of entry: WriteBatchEntry, _ record: LogRecord) -> ChangedValue {
    switch entry.operation {
    case .set: return .bytes(entry.value.array)
    case .remove: return .absent
    case .large:
      let value = open.first {
        $0.transaction == record.transaction && $0.ordinal == entry.ordinal
      }
      guard let value, value.byteCount == entry.byteCount,
        UInt64(value.bytes.count) == entry.byteCount
      else { return .omitted(byteCount: entry.byteCount) }
      return .bytes(value.bytes)
    }
  }

  private static func batch(_ bytes: ByteView, _ record: LogRecord) throws -> WriteBatch {
    do { return try WriteBatch(validating: bytes) } catch {
      throw DatabaseError(damage: error.placed(in: place(of: record)))
    }
  }

  // MARK: Keyspaces

  /// What a change of the catalog did.
  private static func event(
    _ entry: WriteBatchEntry, _ record: LogRecord
  ) throws -> KeyspaceEvent? {
    // A removal is the end of a drop, which was told when it was committed.
    guard entry.operation == .set else { return nil }
    let value: CatalogEntry
    do { value = try CatalogEntry(decoding: entry.value) } catch {
      throw DatabaseError(damage: error.placed(in: place(of: record)))
    }
    guard let id = CatalogEntry.id(fromKey: entry.key) else {
      throw damaged(record, "the number of a keyspace", "\(entry.key.count) bytes")
    }
    return KeyspaceEvent(
      kind: value.state == .dropping ? .dropped : .created, keyspace: id, name: value.name)
  }

  /// The end of a build; nil for its announcement, which may come to nothing.
  private func decodeReset(_ record: LogRecord) throws -> Decoded? {
    let (reset, isBuilt): (KeyspaceReset, Bool)
    do { (reset, isBuilt) = try KeyspaceReset.decode(record.payload) } catch {
      throw DatabaseError(damage: error.placed(in: Self.place(of: record)))
    }
    guard isBuilt else { return nil }
    var decoded = Decoded(timestamp: record.timestamp, transaction: record.transaction)
    if watches(reset.keyspace) {
      decoded.keyspaceEvents.append(
        KeyspaceEvent(kind: .built, keyspace: reset.keyspace, name: reset.name))
    }
    return decoded
  }

  // MARK: Large values

  private mutating func noteContinuation(_ record: LogRecord) throws {
    let piece: Continuation
    do { piece = try Continuation(decoding: record.payload) } catch {
      throw DatabaseError(damage: error.placed(in: Self.place(of: record)))
    }
    let index = open.firstIndex {
      $0.transaction == record.transaction && $0.ordinal == piece.ordinal
    }
    if piece.offset == 0 {
      if let index { remove(at: index) }
      guard piece.byteCount <= Self.carriedByteLimit else { return }
      while let oldest = open.first, isStale(oldest, at: record.start) { remove(at: 0) }
      open.append(
        OpenValue(
          transaction: record.transaction, ordinal: piece.ordinal, byteCount: piece.byteCount,
          start: record.start, bytes: piece.piece.array))
    } else if let index {
      guard UInt64(open[index].bytes.count) == piece.offset,
        open[index].byteCount == piece.byteCount
      else {
        throw Self.damaged(
          record, "a piece at \(open[index].bytes.count)", "one at \(piece.offset)")
      }
      open[index].bytes += piece.piece.array
    } else {
      return
    }
    openByteCount += piece.piece.count
    while openByteCount > Self.openByteLimit { remove(at: 0) }
  }

  private func isStale(_ value: OpenValue, at position: LogPosition) -> Bool {
    position.rawValue &- value.start.rawValue > Self.openDistance
  }

  private mutating func remove(at index: Int) {
    openByteCount -= open[index].bytes.count
    open.remove(at: index)
  }

  /// The transaction is committed.
  private mutating func close(_ transaction: TransactionID) {
    for index in open.indices.reversed() where open[index].transaction == transaction {
      remove(at: index)
    }
  }

  // MARK: Damage

  private static func damaged(
    _ record: LogRecord, _ expected: String, _ found: String
  ) -> DatabaseError {
    DatabaseError(
      damage: CorruptionError(location: place(of: record), expected: expected, found: found))
  }

  private static func place(of record: LogRecord) -> String {
    "log record at position \(record.start.rawValue)"
  }
}

extension ChangeDecoder.Decoded {
  fileprivate mutating func append(_ change: Change) {
    changes.append(change)
    byteCount +=
      96 + change.key.count + change.newValue.carriedByteCount
      + change.oldValue.carriedByteCount
  }
}

extension ChangedValue {
  /// Bytes of the value that are carried along.
  fileprivate var carriedByteCount: Int {
    if case .bytes(let bytes) = self { bytes.count } else { 0 }
  }
}

extension WallTime {
  /// What an entry of the log says; nil for zero: it does not expire.
  fileprivate init?(stored moment: UInt64) {
    if moment == 0 { return nil }
    self.init(nanosecondsSince1970: moment)
  }
}

/// Looks up what the entries of a commit replaced, in step with them: both ascend.
private struct PreviousValues {
  private var iterator: WriteBatch.Iterator?
  private var current: WriteBatchEntry?

  init(_ batch: WriteBatch?) {
    iterator = batch?.makeIterator()
    current = iterator?.next()
  }

  /// The old value, and when it expired; zero: never.
  mutating func value(
    replacedBy entry: WriteBatchEntry
  ) -> (value: ChangedValue, expiry: UInt64) {
    while let found = current, Self.precedes(found, entry) { current = iterator?.next() }
    guard let found = current, found.keyspace == entry.keyspace, found.key == entry.key else {
      return (.unrecorded, 0)
    }
    let value: ChangedValue =
      switch found.operation {
      case .set: .bytes(found.value.array)
      case .remove: .absent
      case .large: .omitted(byteCount: found.byteCount)
      }
    return (value, found.expiry)
  }

  private static func precedes(_ left: WriteBatchEntry, _ right: WriteBatchEntry) -> Bool {
    left.keyspace == right.keyspace
      ? left.key.compare(right.key) < 0 : left.keyspace < right.keyspace
  }
}
