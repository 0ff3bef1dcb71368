#if SQLITE
  import CSQLite

  /// One thread's work on SQLite.
  ///
  /// SAFETY: keys and values handed in are borrowed (the destructor nil is `SQLITE_STATIC`) until
  /// the statement is reset, which is before each method returns; what comes back is consumed before
  /// the next step.
  @safe
  final class SQLiteSession: EngineSession {
    private let connection: SQLiteConnection
    private let begin: OpaquePointer
    private let beginImmediate: OpaquePointer
    private let commit: OpaquePointer
    private let select: OpaquePointer
    private let selectAll: OpaquePointer
    private let selectRange: OpaquePointer
    private let upsert: OpaquePointer
    private let update: OpaquePointer
    private let scratch = ValueScratch()

    init(connection: SQLiteConnection) throws {
      self.connection = connection
      unsafe begin = try connection.prepare("BEGIN")
      unsafe beginImmediate = try connection.prepare("BEGIN IMMEDIATE")
      unsafe commit = try connection.prepare("COMMIT")
      unsafe select = try connection.prepare("SELECT value FROM records WHERE key = ?1")
      unsafe selectAll = try connection.prepare("SELECT key, value FROM records ORDER BY key")
      unsafe selectRange = try connection.prepare(
        "SELECT key, value FROM records WHERE key >= ?1 ORDER BY key LIMIT ?2")
      unsafe upsert = try connection.prepare(
        "INSERT INTO records VALUES (?1, ?2) ON CONFLICT (key) DO UPDATE SET value = ?2")
      unsafe update = try connection.prepare("UPDATE records SET value = ?2 WHERE key = ?1")
    }

    deinit {
      let all = unsafe [
        begin, beginImmediate, commit, select, selectAll, selectRange, upsert, update,
      ]
      unsafe all.forEach { unsafe sqlite3_finalize($0) }
    }

    /// Runs a statement that yields no rows.
    private func run(_ statement: OpaquePointer) throws {
      let code = unsafe sqlite3_step(statement)
      unsafe sqlite3_reset(statement)
      if code != SQLITE_DONE { throw connection.failure("sqlite3_step") }
    }

    private func bind(_ statement: OpaquePointer, _ index: Int32, _ bytes: UnsafeRawBufferPointer) {
      unsafe sqlite3_bind_blob(statement, index, bytes.baseAddress, Int32(bytes.count), nil)
    }

    private func column(_ statement: OpaquePointer, _ index: Int32) -> UnsafeRawBufferPointer {
      unsafe UnsafeRawBufferPointer(
        start: sqlite3_column_blob(statement, index),
        count: Int(sqlite3_column_bytes(statement, index)))
    }

    func write(_ records: RawSpan) throws {
      try unsafe run(beginImmediate)
      try unsafe records.withUnsafeBytes { bytes in
        for offset in stride(from: 0, to: bytes.count, by: RecordShape.byteCount) {
          let split = offset + RecordShape.keyByteCount
          unsafe bind(upsert, 1, UnsafeRawBufferPointer(rebasing: bytes[offset..<split]))
          unsafe bind(
            upsert, 2,
            UnsafeRawBufferPointer(rebasing: bytes[split..<offset + RecordShape.byteCount]))
          try unsafe run(upsert)
        }
      }
      try unsafe run(commit)
    }

    /// Looks up a key and consumes its value before the statement moves on.
    private func find(_ key: UnsafeRawBufferPointer, _ body: (UnsafeRawBufferPointer) -> Void)
      throws
    {
      unsafe bind(select, 1, key)
      defer { unsafe sqlite3_reset(select) }
      switch unsafe sqlite3_step(select) {
      case SQLITE_ROW: unsafe body(column(select, 0))
      case SQLITE_DONE: throw BenchmarkError.missingKey(engine: "sqlite")
      default: throw connection.failure("sqlite3_step")
      }
    }

    func read(_ keys: RawSpan, into checksum: inout Checksum) throws {
      var sum = Checksum()
      try unsafe run(begin)
      try unsafe keys.withUnsafeBytes { bytes in
        for offset in stride(from: 0, to: bytes.count, by: RecordShape.keyByteCount) {
          let key = unsafe UnsafeRawBufferPointer(
            rebasing: bytes[offset..<offset + RecordShape.keyByteCount])
          try unsafe find(key) { unsafe sum.add($0.bytes) }
        }
      }
      try unsafe run(commit)
      checksum.add(sum)
    }

    /// One writer at a time: the lock is taken at the beginning, and nothing is ever repeated.
    func change(_ steps: RawSpan, _ intent: Steps.Intent) throws -> Int {
      try unsafe run(beginImmediate)
      try unsafe Steps.forEach(steps) { key, amount in
        try unsafe find(key) { unsafe scratch.take($0, adding: amount) }
        unsafe bind(update, 1, key)
        unsafe bind(update, 2, UnsafeRawBufferPointer(scratch.bytes))
        try unsafe run(update)
      }
      try unsafe run(commit)
      return 1
    }

    func scan(into checksum: inout Checksum) throws {
      try unsafe visit(selectAll, into: &checksum)
    }

    func scan(from key: RawSpan, limit: Int, into checksum: inout Checksum) throws {
      try unsafe key.withUnsafeBytes { start in
        unsafe bind(selectRange, 1, start)
        unsafe sqlite3_bind_int64(selectRange, 2, Int64(limit))
        try unsafe visit(selectRange, into: &checksum)
      }
    }

    /// Consumes the rows of a statement: one that reads is a snapshot by itself.
    private func visit(_ statement: OpaquePointer, into checksum: inout Checksum) throws {
      defer { unsafe sqlite3_reset(statement) }
      while true {
        switch unsafe sqlite3_step(statement) {
        case SQLITE_ROW:
          unsafe checksum.add(key: column(statement, 0).bytes, value: column(statement, 1).bytes)
        case SQLITE_DONE: return
        default: throw connection.failure("sqlite3_step")
        }
      }
    }
  }
#endif
