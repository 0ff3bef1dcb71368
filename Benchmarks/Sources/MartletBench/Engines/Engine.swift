/// A storage engine under measurement, opened on a folder of its own.
///
/// The unit of the interface is one transaction or one snapshot, not one operation: the loop over
/// the records inside it is each engine's own, in its own idiom, and a call through the protocol
/// costs a few nanoseconds a transaction.
protocol Engine: Sendable {
  /// What one thread works with. Made on the thread that uses it.
  func makeSession() throws -> any EngineSession

  /// Fills the engine, which is empty, with records that ascend, by the best way it has. On the
  /// medium after `settle`.
  func build(_ records: RawSpan) throws

  /// Makes everything committed durable in the engine's data file: a sync or a checkpoint.
  func settle() throws

  /// Closes the engine. Every session is gone by then.
  func close() throws

  /// What a file in the engine's folder holds.
  func role(ofFile name: String) -> FileRole
}

/// What one thread does with an engine.
///
/// Records are packed, key first (`RecordShape`); keys are packed likewise.
protocol EngineSession: AnyObject {
  /// Sets every record in one transaction.
  func write(_ records: RawSpan) throws

  /// Sets records that ascend, above every key that is there, in one transaction.
  func append(_ records: RawSpan) throws

  /// Looks up every key in one snapshot and consumes the values.
  /// - Throws: `BenchmarkError.missingKey` when a key is not there.
  func read(_ keys: RawSpan, into checksum: inout Checksum) throws

  /// Adds every step's amount to the balance of its key, in one transaction that is run again until
  /// it commits (`Steps`). Values are read before they are written, in the order of the steps.
  /// - Returns: how often it ran.
  func change(_ steps: RawSpan, _ intent: Steps.Intent) throws -> Int

  /// Visits every record in key order in one snapshot and consumes keys and values.
  func scan(into checksum: inout Checksum) throws

  /// Visits up to `limit` records from a key on, in one snapshot, and consumes keys and values.
  func scan(from key: RawSpan, limit: Int, into checksum: inout Checksum) throws
}

extension Engine {
  /// Batches, for engines that have no better way.
  func build(_ records: RawSpan) throws {
    let session = try makeSession()
    let batchByteCount = Scale.batchRecords * RecordShape.byteCount
    for offset in stride(from: 0, to: records.byteCount, by: batchByteCount) {
      let end = min(offset + batchByteCount, records.byteCount)
      try session.append(records.extracting(offset..<end))
    }
  }
}

extension EngineSession {
  func append(_ records: RawSpan) throws {
    try write(records)
  }
}

/// What a file in an engine's folder counts as in the report of sizes.
enum FileRole {
  case data
  case log
  case other
}
