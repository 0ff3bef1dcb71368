import CLMDB

/// One thread's work on LMDB.
///
/// SAFETY: keys and values handed to LMDB are borrowed for the call alone and only read by it;
/// what LMDB hands back points into its map and is consumed before the transaction ends.
@safe
final class LMDBSession: EngineSession {
  private let environment: OpaquePointer
  private let database: MDB_dbi
  /// The read transaction the thread keeps, reset between snapshots. Begun by the first read, since
  /// a thread that writes may have no other transaction.
  private var reader: OpaquePointer?
  /// The cursor of that transaction, renewed with it.
  private var cursor: OpaquePointer?
  private let scratch = ValueScratch()

  init(environment: OpaquePointer, database: MDB_dbi) {
    unsafe self.environment = environment
    self.database = database
  }

  deinit {
    if let cursor = unsafe cursor { unsafe mdb_cursor_close(cursor) }
    if let reader = unsafe reader { unsafe mdb_txn_abort(reader) }
  }

  /// The thread's read transaction on a snapshot taken now.
  private func renewedReader() throws -> OpaquePointer {
    if let reader = unsafe reader {
      try unsafe LMDB.check("mdb_txn_renew", mdb_txn_renew(reader))
      return unsafe reader
    }
    let begun = try unsafe LMDB.begin(environment, flags: MDB_RDONLY)
    unsafe reader = begun
    return unsafe begun
  }

  private func renewedCursor(_ reader: OpaquePointer) throws -> OpaquePointer {
    if let cursor = unsafe cursor {
      try unsafe LMDB.check("mdb_cursor_renew", mdb_cursor_renew(reader, cursor))
      return unsafe cursor
    }
    try unsafe LMDB.check("mdb_cursor_open", mdb_cursor_open(reader, database, &cursor))
    return unsafe cursor!
  }

  func write(_ records: RawSpan) throws {
    let transaction = try unsafe LMDB.begin(environment)
    do {
      try unsafe forEach(records) { key, value in
        try unsafe LMDB.check("mdb_put", mdb_put(transaction, database, &key, &value, 0))
      }
    } catch {
      unsafe mdb_txn_abort(transaction)
      throw error
    }
    try unsafe LMDB.check("mdb_txn_commit", mdb_txn_commit(transaction))
  }

  func append(_ records: RawSpan) throws {
    let transaction = try unsafe LMDB.begin(environment)
    do {
      var cursor: OpaquePointer?
      try unsafe LMDB.check("mdb_cursor_open", mdb_cursor_open(transaction, database, &cursor))
      defer { unsafe mdb_cursor_close(cursor) }
      try unsafe forEach(records) { key, value in
        try unsafe LMDB.check(
          "mdb_cursor_put", mdb_cursor_put(cursor, &key, &value, UInt32(MDB_APPEND)))
      }
    } catch {
      unsafe mdb_txn_abort(transaction)
      throw error
    }
    try unsafe LMDB.check("mdb_txn_commit", mdb_txn_commit(transaction))
  }

  /// Hands every record to `body` as LMDB wants it.
  @inline(__always)
  private func forEach(
    _ records: RawSpan, _ body: (_ key: inout MDB_val, _ value: inout MDB_val) throws -> Void
  ) throws {
    try unsafe records.withUnsafeBytes { bytes in
      for offset in stride(from: 0, to: bytes.count, by: RecordShape.byteCount) {
        let record = unsafe UnsafeMutableRawPointer(mutating: bytes.baseAddress! + offset)
        var key = unsafe MDB_val(mv_size: RecordShape.keyByteCount, mv_data: record)
        var value = unsafe MDB_val(
          mv_size: RecordShape.valueByteCount, mv_data: record + RecordShape.keyByteCount)
        try unsafe body(&key, &value)
      }
    }
  }

  func read(_ keys: RawSpan, into checksum: inout Checksum) throws {
    let reader = try unsafe renewedReader()
    defer { unsafe mdb_txn_reset(reader) }
    try unsafe keys.withUnsafeBytes { bytes in
      for offset in stride(from: 0, to: bytes.count, by: RecordShape.keyByteCount) {
        var key = unsafe MDB_val(
          mv_size: RecordShape.keyByteCount,
          mv_data: UnsafeMutableRawPointer(mutating: bytes.baseAddress! + offset))
        var value = unsafe MDB_val()
        let code = unsafe mdb_get(reader, database, &key, &value)
        if code == MDB_NOTFOUND { throw BenchmarkError.missingKey(engine: "lmdb") }
        try LMDB.check("mdb_get", code)
        let found = unsafe UnsafeRawBufferPointer(start: value.mv_data, count: value.mv_size)
        unsafe checksum.add(found.bytes)
      }
    }
  }

  /// One writer at a time: the lock is taken at the beginning, and nothing is ever repeated.
  func change(_ steps: RawSpan, _ intent: Steps.Intent) throws -> Int {
    let transaction = try unsafe LMDB.begin(environment)
    do {
      try unsafe Steps.forEach(steps) { step, amount in
        var key = unsafe MDB_val(
          mv_size: step.count, mv_data: UnsafeMutableRawPointer(mutating: step.baseAddress!))
        var value = unsafe MDB_val()
        try unsafe LMDB.check("mdb_get", mdb_get(transaction, database, &key, &value))
        unsafe scratch.take(
          UnsafeRawBufferPointer(start: value.mv_data, count: value.mv_size), adding: amount)
        unsafe value = MDB_val(mv_size: scratch.bytes.count, mv_data: scratch.bytes.baseAddress!)
        try unsafe LMDB.check("mdb_put", mdb_put(transaction, database, &key, &value, 0))
      }
    } catch {
      unsafe mdb_txn_abort(transaction)
      throw error
    }
    try unsafe LMDB.check("mdb_txn_commit", mdb_txn_commit(transaction))
    return 1
  }

  func scan(into checksum: inout Checksum) throws {
    let reader = try unsafe renewedReader()
    defer { unsafe mdb_txn_reset(reader) }
    let cursor = try unsafe renewedCursor(reader)
    var key = unsafe MDB_val()
    try unsafe visit(cursor, &key, MDB_FIRST, limit: .max, into: &checksum)
  }

  func scan(from key: RawSpan, limit: Int, into checksum: inout Checksum) throws {
    let reader = try unsafe renewedReader()
    defer { unsafe mdb_txn_reset(reader) }
    let cursor = try unsafe renewedCursor(reader)
    try unsafe key.withUnsafeBytes { bytes in
      var key = unsafe MDB_val(
        mv_size: bytes.count, mv_data: UnsafeMutableRawPointer(mutating: bytes.baseAddress!))
      try unsafe visit(cursor, &key, MDB_SET_RANGE, limit: limit, into: &checksum)
    }
  }

  /// Consumes records from the one that `operation` finds on.
  private func visit(
    _ cursor: OpaquePointer, _ key: inout MDB_val, _ operation: MDB_cursor_op, limit: Int,
    into checksum: inout Checksum
  ) throws {
    var value = unsafe MDB_val()
    var operation = operation
    var count = 0
    while count < limit {
      let code = unsafe mdb_cursor_get(cursor, &key, &value, operation)
      if code == MDB_NOTFOUND { break }
      try LMDB.check("mdb_cursor_get", code)
      let foundKey = unsafe UnsafeRawBufferPointer(start: key.mv_data, count: key.mv_size)
      let found = unsafe UnsafeRawBufferPointer(start: value.mv_data, count: value.mv_size)
      unsafe checksum.add(key: foundKey.bytes, value: found.bytes)
      operation = MDB_NEXT
      count += 1
    }
  }
}
