import Martlet

/// Martlet through its public API, with the same cache budget as every other engine.
///
/// Loads and puts run at the level as well: one engine in the report is one level everywhere.
final class MartletEngine: Engine {
  private let database: Database
  private let isolation: IsolationLevel
  private let control: TransactionProtocol?

  private static let keyspaceName = "records"

  /// - Parameter control: how transactions are serializable; nil for level `.snapshot`.
  init(options: EngineOptions, control: TransactionProtocol? = nil) throws {
    self.control = control
    isolation = control == nil ? .snapshot : .serializable
    var configuration = Configuration()
    configuration.cacheSize = options.memoryBudget
    configuration.durability = options.durability == .full ? .full : .relaxed
    // The budget is all there is: what the system would keep beside it would count as well.
    if options.isCold { configuration.fileCaching = .none }
    database = try Database(at: options.directory, configuration: configuration)
    _ = try database.keyspace(Self.keyspaceName)
  }

  func makeSession() throws -> any EngineSession {
    MartletSession(
      database: database, keyspace: try database.keyspace(Self.keyspaceName),
      isolation: isolation, control: control)
  }

  func build(_ records: RawSpan) throws {
    // SAFETY: the buffer outlives the build, which borrows keys and values of it for one call each.
    try database.dropKeyspace(Self.keyspaceName)
    try unsafe records.withUnsafeBytes { records in
      _ = try database.build(Self.keyspaceName) { builder in
        for offset in stride(from: 0, to: records.count, by: RecordShape.byteCount) {
          let split = offset + RecordShape.keyByteCount
          let key = unsafe BorrowedBytes(records, offset..<split)
          let value = unsafe BorrowedBytes(records, split..<offset + RecordShape.byteCount)
          try builder.append(key, value)
        }
      }
    }
  }

  func settle() throws {
    try database.checkpoint()
  }

  func close() throws {
    try database.close()
  }

  func role(ofFile name: String) -> FileRole {
    name.hasPrefix("log-") ? .log : .data
  }
}

/// One thread's work on Martlet. Point reads and scans consume the engine's spans: nothing is copied
/// into arrays.
private final class MartletSession: EngineSession {
  private let database: Database
  private let keyspace: Keyspace
  private let isolation: IsolationLevel
  private let control: TransactionProtocol?
  private let scratch = ValueScratch()

  init(
    database: Database, keyspace: Keyspace, isolation: IsolationLevel,
    control: TransactionProtocol?
  ) {
    self.database = database
    self.keyspace = keyspace
    self.isolation = isolation
    self.control = control
  }

  func write(_ records: RawSpan) throws {
    // SAFETY: the buffer outlives the transaction, and the engine borrows keys and values of it for
    // one call each.
    try unsafe records.withUnsafeBytes { records in
      try database.write(isolation: isolation, using: control) { transaction in
        for offset in stride(from: 0, to: records.count, by: RecordShape.byteCount) {
          let split = offset + RecordShape.keyByteCount
          let key = unsafe BorrowedBytes(records, offset..<split)
          let value = unsafe BorrowedBytes(records, split..<offset + RecordShape.byteCount)
          try transaction.set(value, for: key, in: keyspace)
        }
      }
    }
  }

  func read(_ keys: RawSpan, into checksum: inout Checksum) throws {
    var sum = Checksum()
    // SAFETY: as in `write`.
    try unsafe keys.withUnsafeBytes { keys in
      try database.read { snapshot in
        for offset in stride(from: 0, to: keys.count, by: RecordShape.keyByteCount) {
          let key = unsafe BorrowedBytes(keys, offset..<offset + RecordShape.keyByteCount)
          let found: Void? = try snapshot.withBytes(for: key, in: keyspace) { sum.add($0) }
          if found == nil { throw BenchmarkError.missingKey(engine: "martlet") }
        }
      }
    }
    checksum.add(sum)
  }

  func change(_ steps: RawSpan, _ intent: Steps.Intent) throws -> Int {
    var attempts = 0
    try database.write(isolation: isolation, using: control) { transaction in
      attempts += 1
      try unsafe Steps.forEach(steps) { step, amount in
        let key = unsafe BorrowedBytes(step)
        let found: Void? =
          switch intent {
          case .plain:
            try transaction.withBytes(for: key, in: keyspace) { take($0, adding: amount) }
          case .forUpdate:
            try transaction.withBytesForUpdate(for: key, in: keyspace) { take($0, adding: amount) }
          }
        if found == nil { throw BenchmarkError.missingKey(engine: "martlet") }
        let value = unsafe BorrowedBytes(UnsafeRawBufferPointer(scratch.bytes))
        try transaction.set(value, for: key, in: keyspace)
      }
    }
    return attempts
  }

  private func take(_ value: RawSpan, adding amount: UInt64) {
    unsafe value.withUnsafeBytes { unsafe scratch.take($0, adding: amount) }
  }

  func scan(into checksum: inout Checksum) throws {
    var sum = Checksum()
    try database.read { snapshot in
      try snapshot.forEach(in: keyspace) { key, value in
        sum.add(key: key, value: value)
        return .continue
      }
    }
    checksum.add(sum)
  }

  func scan(from key: RawSpan, limit: Int, into checksum: inout Checksum) throws {
    var sum = Checksum()
    // SAFETY: as in `write`.
    let bounds = try unsafe key.withUnsafeBytes { try unsafe KeyBounds.from(BorrowedBytes($0)) }
    try database.read { snapshot in
      try snapshot.forEach(in: keyspace, bounds, reverse: false, limit: limit) { key, value in
        sum.add(key: key, value: value)
        return .continue
      }
    }
    checksum.add(sum)
  }
}

/// A key or a value that lies in a buffer of the caller, handed to Martlet without a copy.
///
/// SAFETY: whoever makes one keeps the buffer alive for as long as it is used.
@safe
private struct BorrowedBytes: StoredKey, StoredValue {
  private let buffer: UnsafeRawBufferPointer

  @inline(__always)
  init(_ whole: UnsafeRawBufferPointer, _ range: Range<Int>) {
    unsafe buffer = UnsafeRawBufferPointer(rebasing: whole[range])
  }

  @inline(__always)
  init(_ whole: UnsafeRawBufferPointer) {
    unsafe buffer = whole
  }

  /// Nothing: borrowed bytes have no owner that a copy could go to.
  init?(valueBytes: RawSpan) { nil }

  func withKeyBytes<Result>(_ body: (RawSpan) throws -> Result) throws -> Result {
    try unsafe body(buffer.bytes)
  }

  func withValueBytes<Result>(_ body: (RawSpan) throws -> Result) throws -> Result {
    try unsafe body(buffer.bytes)
  }
}
