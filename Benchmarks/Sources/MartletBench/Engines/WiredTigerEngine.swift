#if WIREDTIGER
  import CWiredTiger

  /// WiredTiger with its log on, at snapshot isolation: the highest level it has.
  ///
  /// What is set, and why (source.wiredtiger.com, "Transactional API", "Commit-level durability",
  /// "Multithreading"):
  /// - a cache into which all data fits; the log on, so that commits survive at all;
  /// - one session and one cursor a thread, kept open;
  /// - relaxed is `transaction_sync` off: the log is written when its buffer is full;
  /// - bulk builds by a cursor with `bulk` ("Bulk-load");
  /// - `direct_io` where data does not fit, so that the system caches nothing of it ("System buffer
  ///   cache").
  @safe
  final class WiredTigerEngine: Engine, @unchecked Sendable {
    // SENDABLE: connections may be used by any thread; the stored property is a constant.
    // SAFETY: the connection lives until `close`, which the runner calls after all sessions ended.
    private let connection: UnsafeMutablePointer<WT_CONNECTION>

    static let table = "table:records"

    init(options: EngineOptions) throws {
      let sync = options.durability == .full ? "(enabled=true,method=fsync)" : "(enabled=false)"
      let configuration =
        "create,cache_size=\(options.memoryBudget),session_max=64,"
        + "log=(enabled=true),transaction_sync=\(sync)"
        + (options.isCold ? ",direct_io=[data]" : "")
      var opened: UnsafeMutablePointer<WT_CONNECTION>?
      try unsafe WiredTiger.check(
        "wiredtiger_open", wiredtiger_open(options.directory, nil, configuration, &opened))
      unsafe connection = unsafe opened!
      let session = try unsafe WiredTiger.openSession(connection)
      try unsafe WiredTiger.check(
        "create",
        session.pointee.create(session, Self.table, "key_format=u,value_format=u"))
      try unsafe WiredTiger.check("close", session.pointee.close(session, nil))
    }

    func makeSession() throws -> any EngineSession {
      try unsafe WiredTigerSession(connection: connection)
    }

    func build(_ records: RawSpan) throws {
      let session = try unsafe WiredTiger.openSession(connection)
      defer { _ = unsafe session.pointee.close(session, nil) }
      var opened: UnsafeMutablePointer<WT_CURSOR>?
      try unsafe WiredTiger.check(
        "open_cursor",
        session.pointee.open_cursor(session, Self.table, nil, "bulk", &opened))
      let cursor = unsafe opened!
      try unsafe records.withUnsafeBytes { bytes in
        for offset in stride(from: 0, to: bytes.count, by: RecordShape.byteCount) {
          let split = offset + RecordShape.keyByteCount
          var key = unsafe WT_ITEM.lending(UnsafeRawBufferPointer(rebasing: bytes[offset..<split]))
          var value = unsafe WT_ITEM.lending(
            UnsafeRawBufferPointer(rebasing: bytes[split..<offset + RecordShape.byteCount]))
          unsafe wiredtiger_set_key(cursor, &key)
          unsafe wiredtiger_set_value(cursor, &value)
          try unsafe WiredTiger.check("insert", cursor.pointee.insert(cursor))
        }
      }
      try unsafe WiredTiger.check("close", cursor.pointee.close(cursor))
    }

    func settle() throws {
      let session = try unsafe WiredTiger.openSession(connection)
      try unsafe WiredTiger.check("checkpoint", session.pointee.checkpoint(session, nil))
      try unsafe WiredTiger.check("close", session.pointee.close(session, nil))
    }

    func close() throws {
      try unsafe WiredTiger.check("close", connection.pointee.close(connection, nil))
    }

    func role(ofFile name: String) -> FileRole {
      name.hasPrefix("WiredTigerLog") ? .log : name.hasSuffix(".wt") ? .data : .other
    }

    static var version: String {
      // SAFETY: `wiredtiger_version` returns a constant string.
      unsafe String(cString: wiredtiger_version(nil, nil, nil))
    }
  }

  /// Calls into WiredTiger that both the engine and its sessions make.
  enum WiredTiger {
    /// - Throws: `BenchmarkError.engine` unless `code` says success.
    @inline(__always)
    static func check(_ call: StaticString, _ code: Int32) throws {
      if code != 0 { throw failure(call, code) }
    }

    static func openSession(
      _ connection: UnsafeMutablePointer<WT_CONNECTION>
    ) throws -> UnsafeMutablePointer<WT_SESSION> {
      var opened: UnsafeMutablePointer<WT_SESSION>?
      try unsafe check(
        "open_session",
        connection.pointee.open_session(connection, nil, "isolation=snapshot", &opened))
      return unsafe opened!
    }

    @inline(never)
    static func failure(_ call: StaticString, _ code: Int32) -> BenchmarkError {
      let message = unsafe String(cString: wiredtiger_strerror(code))
      return .engine("wiredtiger", call: "\(call)", message: message)
    }
  }
#endif
