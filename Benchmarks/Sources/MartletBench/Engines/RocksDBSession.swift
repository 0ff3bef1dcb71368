#if ROCKSDB
  import CRocksDB

  /// One thread's work on RocksDB: all of it in transactions, whose object is reused.
  ///
  /// SAFETY: keys and values handed in are copied by RocksDB; what comes back is pinned until it is
  /// released.
  @safe
  final class RocksDBSession: EngineSession {
    private let store: RocksDBEngine.Store
    private let writeOptions: OpaquePointer?
    private let readOptions: OpaquePointer?
    private let lockingOptions: OpaquePointer?
    private let optimisticOptions: OpaquePointer?
    private var transaction: OpaquePointer?
    private var message: UnsafeMutablePointer<CChar>?
    private let scratch = ValueScratch()

    init(store: RocksDBEngine.Store, isSync: Bool) {
      unsafe self.store = store
      unsafe writeOptions = unsafe rocksdb_writeoptions_create()
      unsafe rocksdb_writeoptions_set_sync(writeOptions, isSync ? 1 : 0)
      unsafe readOptions = unsafe rocksdb_readoptions_create()
      unsafe lockingOptions = unsafe rocksdb_transaction_options_create()
      unsafe rocksdb_transaction_options_set_deadlock_detect(lockingOptions, 1)
      unsafe optimisticOptions = unsafe rocksdb_optimistictransaction_options_create()
    }

    deinit {
      if let transaction = unsafe transaction { unsafe rocksdb_transaction_destroy(transaction) }
      unsafe rocksdb_writeoptions_destroy(writeOptions)
      unsafe rocksdb_readoptions_destroy(readOptions)
      unsafe rocksdb_transaction_options_destroy(lockingOptions)
      unsafe rocksdb_optimistictransaction_options_destroy(optimisticOptions)
    }

    private func begin() {
      switch unsafe store {
      case .locking(let handle):
        unsafe transaction = unsafe rocksdb_transaction_begin(
          handle, writeOptions, lockingOptions, transaction)
      case .optimistic(let handle):
        unsafe transaction = unsafe rocksdb_optimistictransaction_begin(
          handle, writeOptions, optimisticOptions, transaction)
      }
    }

    /// Runs a body in a transaction, again while it conflicts. The body stops at the first call that
    /// leaves a message.
    private func transact(_ body: () throws -> Void) throws -> Int {
      var attempts = 0
      while true {
        attempts += 1
        begin()
        try body()
        if unsafe message == nil { unsafe rocksdb_transaction_commit(transaction, &message) }
        guard let text = unsafe RocksDB.take(&message) else { return attempts }
        unsafe rocksdb_transaction_rollback(transaction, &message)
        try unsafe RocksDB.check("rollback", &message)
        if !RocksDB.isConflict(text) {
          throw BenchmarkError.engine("rocksdb", call: "transaction", message: text)
        }
      }
    }

    private func put(_ key: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer) {
      unsafe rocksdb_transaction_put(
        transaction, key.baseAddress?.assumingMemoryBound(to: CChar.self), key.count,
        value.baseAddress?.assumingMemoryBound(to: CChar.self), value.count, &message)
    }

    /// Lends a value that is there; no call when the read left a message.
    private func find(
      _ key: UnsafeRawBufferPointer, _ intent: Steps.Intent,
      _ body: (UnsafeRawBufferPointer) -> Void
    ) throws {
      let pointer = unsafe key.baseAddress?.assumingMemoryBound(to: CChar.self)
      let found: OpaquePointer?
      switch intent {
      case .plain:
        unsafe found = unsafe rocksdb_transaction_get_pinned(
          transaction, readOptions, pointer, key.count, &message)
      case .forUpdate:
        unsafe found = unsafe rocksdb_transaction_get_pinned_for_update(
          transaction, readOptions, pointer, key.count, 1, &message)
      }
      if unsafe message != nil { return }
      guard let found = unsafe found else { throw BenchmarkError.missingKey(engine: "rocksdb") }
      defer { unsafe rocksdb_pinnableslice_destroy(found) }
      var byteCount = 0
      let value = unsafe rocksdb_pinnableslice_value(found, &byteCount)
      unsafe body(UnsafeRawBufferPointer(start: value, count: byteCount))
    }

    func write(_ records: RawSpan) throws {
      try unsafe records.withUnsafeBytes { bytes in
        _ = try transact {
          for offset in stride(from: 0, to: bytes.count, by: RecordShape.byteCount) {
            let split = offset + RecordShape.keyByteCount
            unsafe put(
              UnsafeRawBufferPointer(rebasing: bytes[offset..<split]),
              UnsafeRawBufferPointer(rebasing: bytes[split..<offset + RecordShape.byteCount]))
            if unsafe message != nil { return }
          }
        }
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
            try unsafe find(key, .plain) { unsafe sum.add($0.bytes) }
            if unsafe message != nil { return }
          }
        }
      }
      checksum.add(sum)
    }

    func change(_ steps: RawSpan, _ intent: Steps.Intent) throws -> Int {
      try transact {
        try unsafe Steps.forEach(steps) { key, amount in
          if unsafe message != nil { return }
          try unsafe find(key, intent) { unsafe scratch.take($0, adding: amount) }
          if unsafe message == nil { unsafe put(key, UnsafeRawBufferPointer(scratch.bytes)) }
        }
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
      _ = try transact {
        sum = Checksum()
        let iterator = unsafe rocksdb_transaction_create_iterator(transaction, readOptions)
        defer { unsafe rocksdb_iter_destroy(iterator) }
        if let start = unsafe start {
          unsafe rocksdb_iter_seek(
            iterator, start.baseAddress?.assumingMemoryBound(to: CChar.self), start.count)
        } else {
          unsafe rocksdb_iter_seek_to_first(iterator)
        }
        while unsafe sum.count < limit && rocksdb_iter_valid(iterator) != 0 {
          var keyByteCount = 0
          let key = unsafe rocksdb_iter_key(iterator, &keyByteCount)
          var valueByteCount = 0
          let value = unsafe rocksdb_iter_value(iterator, &valueByteCount)
          unsafe sum.add(
            key: UnsafeRawBufferPointer(start: key, count: keyByteCount).bytes,
            value: UnsafeRawBufferPointer(start: value, count: valueByteCount).bytes)
          if sum.count < limit { unsafe rocksdb_iter_next(iterator) }
        }
        unsafe rocksdb_iter_get_error(iterator, &message)
      }
      checksum.add(sum)
    }
  }
#endif
