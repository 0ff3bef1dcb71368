#if WIREDTIGER
  import CWiredTiger

  #if canImport(Darwin)
    import Darwin
  #else
    import Glibc
  #endif

  /// One thread's work on WiredTiger.
  ///
  /// SAFETY: keys and values handed in are borrowed until the next call on the cursor; what comes
  /// back lies in the cursor and is consumed before that.
  @safe
  final class WiredTigerSession: EngineSession {
    private let session: UnsafeMutablePointer<WT_SESSION>
    private let cursor: UnsafeMutablePointer<WT_CURSOR>
    private let scratch = ValueScratch()

    init(connection: UnsafeMutablePointer<WT_CONNECTION>) throws {
      unsafe session = unsafe try WiredTiger.openSession(connection)
      var opened: UnsafeMutablePointer<WT_CURSOR>?
      try unsafe WiredTiger.check(
        "open_cursor",
        session.pointee.open_cursor(session, WiredTigerEngine.table, nil, nil, &opened))
      unsafe cursor = unsafe opened!
    }

    deinit { _ = unsafe session.pointee.close(session, nil) }

    /// Runs a body in a transaction, again while it conflicts. The body returns the code of its
    /// first call that failed.
    ///
    /// A yield before the retry lets the winner finish: without it the rivals spin (six times slower
    /// with eight threads on two cores).
    private func transact(_ body: () -> (StaticString, Int32)) throws -> Int {
      var attempts = 0
      while true {
        attempts += 1
        try unsafe WiredTiger.check(
          "begin_transaction", session.pointee.begin_transaction(session, nil))
        var (call, code) = body()
        if code == 0 {
          code = unsafe session.pointee.commit_transaction(session, nil)
          if code == 0 { return attempts }
          call = "commit_transaction"
        } else {
          try unsafe WiredTiger.check(
            "rollback_transaction", session.pointee.rollback_transaction(session, nil))
        }
        if code != WT_ROLLBACK { throw WiredTiger.failure(call, code) }
        sched_yield()
      }
    }

    private func put(_ key: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer) -> Int32 {
      var keyItem = unsafe WT_ITEM.lending(key)
      var valueItem = unsafe WT_ITEM.lending(value)
      unsafe wiredtiger_set_key(cursor, &keyItem)
      unsafe wiredtiger_set_value(cursor, &valueItem)
      return unsafe cursor.pointee.insert(cursor)
    }

    func write(_ records: RawSpan) throws {
      try unsafe records.withUnsafeBytes { bytes in
        _ = try transact {
          for offset in stride(from: 0, to: bytes.count, by: RecordShape.byteCount) {
            let split = offset + RecordShape.keyByteCount
            let code = unsafe put(
              UnsafeRawBufferPointer(rebasing: bytes[offset..<split]),
              UnsafeRawBufferPointer(rebasing: bytes[split..<offset + RecordShape.byteCount]))
            if code != 0 { return ("insert", code) }
          }
          return ("", 0)
        }
        _ = unsafe cursor.pointee.reset(cursor)
      }
    }

    func read(_ keys: RawSpan, into checksum: inout Checksum) throws {
      var sum = Checksum()
      try unsafe keys.withUnsafeBytes { bytes in
        _ = try transact {
          sum = Checksum()
          for offset in stride(from: 0, to: bytes.count, by: RecordShape.keyByteCount) {
            let key = unsafe UnsafeRawBufferPointer(
              rebasing: bytes[offset..<offset + RecordShape.keyByteCount])
            var value = unsafe WT_ITEM()
            let code = unsafe find(key, &value)
            if code != 0 { return ("search", code) }
            unsafe sum.add(UnsafeRawBufferPointer(start: value.data, count: value.size).bytes)
          }
          return ("", 0)
        }
      }
      checksum.add(sum)
    }

    private func find(_ key: UnsafeRawBufferPointer, _ value: inout WT_ITEM) -> Int32 {
      var item = unsafe WT_ITEM.lending(key)
      unsafe wiredtiger_set_key(cursor, &item)
      let code = unsafe cursor.pointee.search(cursor)
      return code != 0 ? code : unsafe wiredtiger_get_value(cursor, &value)
    }

    func change(_ steps: RawSpan, _ intent: Steps.Intent) throws -> Int {
      try transact {
        var failure: (StaticString, Int32) = ("", 0)
        unsafe Steps.forEach(steps) { key, amount in
          if failure.1 != 0 { return }
          var value = unsafe WT_ITEM()
          var code = unsafe find(key, &value)
          if code != 0 {
            failure = ("search", code)
            return
          }
          unsafe scratch.take(
            UnsafeRawBufferPointer(start: value.data, count: value.size), adding: amount)
          var item = unsafe WT_ITEM.lending(UnsafeRawBufferPointer(scratch.bytes))
          unsafe wiredtiger_set_value(cursor, &item)
          code = unsafe cursor.pointee.update(cursor)
          if code != 0 { failure = ("update", code) }
        }
        return failure
      }
    }

    func scan(into checksum: inout Checksum) throws {
      var sum = Checksum()
      _ = try transact {
        sum = Checksum()
        _ = unsafe cursor.pointee.reset(cursor)
        return visit(limit: .max, into: &sum, code: unsafe cursor.pointee.next(cursor))
      }
      checksum.add(sum)
    }

    func scan(from key: RawSpan, limit: Int, into checksum: inout Checksum) throws {
      var sum = Checksum()
      try unsafe key.withUnsafeBytes { start in
        _ = try transact {
          sum = Checksum()
          var item = unsafe WT_ITEM.lending(start)
          unsafe wiredtiger_set_key(cursor, &item)
          var order: Int32 = 0
          var code = unsafe cursor.pointee.search_near(cursor, &order)
          if code == 0 && order < 0 { code = unsafe cursor.pointee.next(cursor) }
          return visit(limit: limit, into: &sum, code: code)
        }
      }
      checksum.add(sum)
    }

    /// Consumes the records from where the cursor is, if the call that brought it there succeeded.
    private func visit(
      limit: Int, into sum: inout Checksum, code: Int32
    ) -> (StaticString, Int32) {
      var code = code
      while code == 0 {
        var key = unsafe WT_ITEM()
        var value = unsafe WT_ITEM()
        code = unsafe wiredtiger_get_key(cursor, &key)
        if code == 0 { code = unsafe wiredtiger_get_value(cursor, &value) }
        if code != 0 { break }
        unsafe sum.add(
          key: UnsafeRawBufferPointer(start: key.data, count: key.size).bytes,
          value: UnsafeRawBufferPointer(start: value.data, count: value.size).bytes)
        if sum.count == limit { break }
        code = unsafe cursor.pointee.next(cursor)
      }
      return code == WT_NOTFOUND ? ("", 0) : ("next", code)
    }
  }

  extension WT_ITEM {
    /// Bytes for WiredTiger to read.
    static func lending(_ bytes: UnsafeRawBufferPointer) -> WT_ITEM {
      var item = unsafe WT_ITEM()
      unsafe item.data = bytes.baseAddress
      unsafe item.size = bytes.count
      return unsafe item
    }
  }
#endif
