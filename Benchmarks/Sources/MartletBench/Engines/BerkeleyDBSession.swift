#if BERKELEY_DB
  import CBerkeleyDB

  /// One thread's work on Berkeley DB.
  ///
  /// SAFETY: keys and values handed in are borrowed for the call alone; values come back into memory
  /// of the session's own.
  @safe
  final class BerkeleyDBSession: EngineSession {
    private typealias Transaction = UnsafeMutablePointer<DB_TXN>
    private let environment: UnsafeMutablePointer<DB_ENV>
    private let database: UnsafeMutablePointer<DB>
    private let scratch = ValueScratch()
    private let key = ValueScratch()

    init(environment: UnsafeMutablePointer<DB_ENV>, database: UnsafeMutablePointer<DB>) {
      unsafe self.environment = environment
      unsafe self.database = database
    }

    /// Runs a body in a transaction, again while it is the victim of a deadlock. The body returns
    /// the code of its first call that failed.
    private func transact(_ body: (Transaction) -> (StaticString, Int32)) throws -> Int {
      var attempts = 0
      while true {
        attempts += 1
        var begun: Transaction?
        try unsafe BerkeleyDB.check(
          "txn_begin", environment.pointee.txn_begin(environment, nil, &begun, 0))
        let transaction = unsafe begun!
        let (call, code) = unsafe body(transaction)
        if code == 0 {
          try unsafe BerkeleyDB.check("commit", transaction.pointee.commit(transaction, 0))
          return attempts
        }
        try unsafe BerkeleyDB.check("abort", transaction.pointee.abort(transaction))
        if code != DB_LOCK_DEADLOCK { throw BerkeleyDB.failure(call, code) }
      }
    }

    func write(_ records: RawSpan) throws {
      try unsafe records.withUnsafeBytes { bytes in
        _ = try unsafe transact { transaction in
          for offset in stride(from: 0, to: bytes.count, by: RecordShape.byteCount) {
            let record = unsafe UnsafeMutableRawPointer(mutating: bytes.baseAddress! + offset)
            var key = unsafe DBT.lending(record, RecordShape.keyByteCount)
            var value = unsafe DBT.lending(
              record + RecordShape.keyByteCount, RecordShape.valueByteCount)
            let code = unsafe database.pointee.put(database, transaction, &key, &value, 0)
            if code != 0 { return ("DB->put", code) }
          }
          return ("", 0)
        }
      }
    }

    func read(_ keys: RawSpan, into checksum: inout Checksum) throws {
      var sum = Checksum()
      try unsafe keys.withUnsafeBytes { bytes in
        _ = try unsafe transact { transaction in
          sum = Checksum()
          for offset in stride(from: 0, to: bytes.count, by: RecordShape.keyByteCount) {
            let pointer = unsafe UnsafeMutableRawPointer(mutating: bytes.baseAddress! + offset)
            var key = unsafe DBT.lending(pointer, RecordShape.keyByteCount)
            var value = unsafe DBT.filling(scratch.bytes)
            let code = unsafe database.pointee.get(database, transaction, &key, &value, 0)
            if code != 0 { return ("DB->get", code) }
            unsafe sum.add(UnsafeRawBufferPointer(scratch.bytes).bytes)
          }
          return ("", 0)
        }
      }
      checksum.add(sum)
    }

    func change(_ steps: RawSpan, _ intent: Steps.Intent) throws -> Int {
      let flags = UInt32(intent == .forUpdate ? DB_RMW : 0)
      return try unsafe transact { transaction in
        var failure: (StaticString, Int32) = ("", 0)
        unsafe Steps.forEach(steps) { step, amount in
          if failure.1 != 0 { return }
          var key = unsafe DBT.lending(
            UnsafeMutableRawPointer(mutating: step.baseAddress!), step.count)
          var value = unsafe DBT.filling(scratch.bytes)
          var code = unsafe database.pointee.get(database, transaction, &key, &value, flags)
          if code != 0 {
            failure = ("DB->get", code)
            return
          }
          unsafe Steps.add(amount, to: scratch.bytes.baseAddress!)
          unsafe value = unsafe DBT.lending(scratch.bytes.baseAddress!, scratch.bytes.count)
          code = unsafe database.pointee.put(database, transaction, &key, &value, 0)
          if code != 0 { failure = ("DB->put", code) }
        }
        return failure
      }
    }

    func scan(into checksum: inout Checksum) throws {
      try unsafe scan(from: nil, limit: .max, into: &checksum)
    }

    func scan(from key: RawSpan, limit: Int, into checksum: inout Checksum) throws {
      try unsafe key.withUnsafeBytes { start in
        try unsafe scan(from: start, limit: limit, into: &checksum)
      }
    }

    private func scan(
      from start: UnsafeRawBufferPointer?, limit: Int, into checksum: inout Checksum
    ) throws {
      var sum = Checksum()
      _ = try unsafe transact { transaction in
        sum = Checksum()
        var opened: UnsafeMutablePointer<DBC>?
        let code = unsafe database.pointee.cursor(database, transaction, &opened, 0)
        if code != 0 { return ("DB->cursor", code) }
        let cursor = unsafe opened!
        defer { _ = unsafe cursor.pointee.close(cursor) }
        var key = unsafe DBT.filling(key.bytes)
        var move = DB_NEXT
        if let start = unsafe start {
          unsafe self.key.bytes.copyMemory(from: start)
          unsafe key.size = UInt32(start.count)
          move = DB_SET_RANGE
        }
        while sum.count < limit {
          var value = unsafe DBT.filling(scratch.bytes)
          let code = unsafe cursor.pointee.get(cursor, &key, &value, UInt32(move))
          if code == DB_NOTFOUND { return ("", 0) }
          if code != 0 { return ("DBcursor->get", code) }
          unsafe sum.add(
            key: UnsafeRawBufferPointer(start: key.data, count: Int(key.size)).bytes,
            value: UnsafeRawBufferPointer(start: value.data, count: Int(value.size)).bytes)
          move = DB_NEXT
        }
        return ("", 0)
      }
      checksum.add(sum)
    }
  }

  extension DBT {
    /// Bytes for Berkeley DB to read.
    fileprivate static func lending(_ bytes: UnsafeMutableRawPointer, _ byteCount: Int) -> DBT {
      var item = unsafe DBT()
      unsafe item.data = bytes
      unsafe item.size = UInt32(byteCount)
      return unsafe item
    }

    /// Memory for Berkeley DB to copy to, as handles used by several threads demand.
    fileprivate static func filling(_ bytes: UnsafeMutableRawBufferPointer) -> DBT {
      var item = unsafe DBT()
      unsafe item.data = bytes.baseAddress
      unsafe item.ulen = UInt32(bytes.count)
      unsafe item.flags = UInt32(DB_DBT_USERMEM)
      return unsafe item
    }
  }
#endif
