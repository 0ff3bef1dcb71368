package import Primitives
package import RawBytes

/// What a record says. An unknown kind refuses to open: skipping it could skip a commit.
package enum RecordKind: UInt8, Sendable, CaseIterable {
  /// A transaction committed: its entries, resolved.
  case commit = 1
  /// Bytes of a large value, before the commit record of the same transaction.
  case continuation = 2
  /// Everything up to here is serializable for whoever reads as of here (rule S15).
  case safePoint = 3
  /// A keyspace was replaced as a whole by a bulk build.
  case keyspaceReset = 4
  /// A transaction is prepared: its outcome is decided elsewhere.
  case prepared = 5
  /// The outcome of a prepared transaction.
  case outcome = 6
  /// Entries that a replica of a group accepted.
  case replicated = 7
  /// What the commit record behind it replaces, where a keyspace wants that recorded.
  case previousValues = 8
}

/// One record of the log, as recovery hands it out. `payload` is valid during the call only.
package struct LogRecord {
  package let kind: RecordKind
  package let transaction: TransactionID
  /// Zero for continuations.
  package let timestamp: Timestamp
  package let entryCount: UInt32
  package let payload: ByteView
  package let start: LogPosition
  package let end: LogPosition

  package init(
    kind: RecordKind, transaction: TransactionID, timestamp: Timestamp, entryCount: UInt32,
    payload: ByteView, start: LogPosition, end: LogPosition
  ) {
    self.kind = kind
    self.transaction = transaction
    self.timestamp = timestamp
    self.entryCount = entryCount
    self.payload = payload
    self.start = start
    self.end = end
  }
}
