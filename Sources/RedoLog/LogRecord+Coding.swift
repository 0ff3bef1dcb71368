package import Primitives
package import RawBytes

// Normative: `format-spec/log-record.md`.
extension LogRecord {
  /// Bytes before the payload.
  package static let headerByteCount = 28

  /// Writes a record's bytes at an offset.
  @inline(__always)
  package static func encode(
    _ kind: RecordKind, transaction: TransactionID, timestamp: Timestamp, entryCount: UInt32,
    payload: ByteView, into bytes: MutableByteView, at offset: Int
  ) {
    bytes.store(UInt32(kind.rawValue), at: offset)
    bytes.store(UInt32(truncatingIfNeeded: payload.count), at: offset &+ 4)
    bytes.store(transaction.rawValue, at: offset &+ 8)
    bytes.store(timestamp.rawValue, at: offset &+ 16)
    bytes.store(entryCount, at: offset &+ 24)
    bytes.copy(payload, at: offset &+ 28)
  }

  /// Hands out the records of a batch in order. `location` names it in errors.
  package static func forEach(
    in payload: ByteView, of header: BatchHeader, location: String,
    _ body: (LogRecord) throws -> Void
  ) throws {
    func corrupt(_ expected: String, _ found: String) -> LogError {
      .corrupt(CorruptionError(location: location, expected: expected, found: found))
    }
    var reader = ByteReader(payload)
    let base = header.position.rawValue &+ UInt64(BatchHeader.byteCount)
    var count: UInt64 = 0
    while reader.remaining > 0 {
      let start = LogPosition(base &+ UInt64(reader.offset))
      guard let kindField = reader.integer(UInt32.self),
        let byteCount = reader.integer(UInt32.self),
        let transaction = reader.integer(UInt64.self),
        let timestamp = reader.integer(UInt64.self),
        let entryCount = reader.integer(UInt32.self),
        let bytes = reader.take(Int(byteCount))
      else {
        throw corrupt("a whole record", "\(reader.remaining) bytes at \(start.rawValue)")
      }
      guard kindField <= 255 else { throw corrupt("a record kind", "\(kindField)") }
      guard let kind = RecordKind(rawValue: UInt8(kindField)) else {
        throw LogError.unknownRecordKind(UInt8(kindField), at: start)
      }
      count += 1
      try body(
        LogRecord(
          kind: kind, transaction: TransactionID(transaction), timestamp: Timestamp(timestamp),
          entryCount: entryCount, payload: bytes, start: start,
          end: LogPosition(base &+ UInt64(reader.offset))))
    }
    guard count == UInt64(header.recordCount) else {
      throw corrupt("\(header.recordCount) records", "\(count)")
    }
  }
}
