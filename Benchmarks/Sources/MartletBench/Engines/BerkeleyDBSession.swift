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
    /// Where scans get many records at a time.
    private let bulk: UnsafeMutableRawBufferPointer

    private static let bulkByteCount = 256 << 10
    /// Enough for a hundred records: a short scan shall not fetch more.
    private static let shortBulkByteCount = 16 << 10

    init(environment: UnsafeMutablePointer<DB_ENV>, database: UnsafeMutablePointer<DB>) {
      unsafe self.environment = environment
      unsafe self.database = database
      unsafe bulk = .allocate(byteCount: Self.bulkByteCount, alignment: 16)
    }

    deinit { unsafe bulk.deallocate() }

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
        let room = limit == .max ? Self.bulkByteCount : Self.shortBulkByteCount
        while sum.count < limit {
          var records = unsafe DBT.filling(UnsafeMutableRawBufferPointer(rebasing: bulk[..<room]))
          let code = unsafe cursor.pointee.get(
            cursor, &key, &records, UInt32(move | DB_MULTIPLE_KEY))
          if code == DB_NOTFOUND { return ("", 0) }
          if code != 0 { return ("DBcursor->get", code) }
          consume(room, limit: limit, into: &sum)
          move = DB_NEXT
        }
        return ("", 0)
      }
      checksum.add(sum)
    }
  }

  extension BerkeleyDBSession {
    /// Consumes what a bulk retrieval brought, as `DB_MULTIPLE_KEY_NEXT` of `db.h` does: from the end
    /// of the memory downwards stand, for each record, where its key is and how long, and where its
    /// value is and how long; all ones end the list.
    private func consume(_ room: Int, limit: Int, into sum: inout Checksum) {
      var entry = room - 4
      func word(_ place: Int) -> Int {
        Int(unsafe bulk.load(fromByteOffset: entry - 4 * place, as: UInt32.self))
      }
      func bytes(_ offset: Int, _ byteCount: Int) -> UnsafeRawBufferPointer {
        unsafe UnsafeRawBufferPointer(rebasing: bulk[offset..<offset + byteCount])
      }
      while sum.count < limit, word(0) != Int(UInt32.max) {
        unsafe sum.add(key: bytes(word(0), word(1)).bytes, value: bytes(word(2), word(3)).bytes)
        entry -= 16
      }
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
