#if ROCKSDB
  import CRocksDB
  import Foundation

  #if canImport(Darwin)
    import Darwin
  #else
    import Glibc
  #endif

  /// RocksDB with pessimistic or optimistic transactions.
  ///
  /// What is set, and why (its wiki: "Setup Options and Basic Tuning", "Transactions"):
  /// - `IncreaseParallelism` and `OptimizeLevelStyleCompaction`, as in its own C example;
  /// - of the memory budget a quarter for memtables, the rest is the block cache; a bloom filter of
  ///   ten bits a key; LZ4 on every level ("Compression");
  /// - deadlock detection on, transaction objects reused;
  /// - full is `sync`, relaxed the default: the log is written and not synced;
  /// - bulk builds by an SST file that is taken in ("Creating and Ingesting SST files"), which the C
  ///   interface offers of optimistic databases alone; plain batches otherwise;
  /// - direct reads where data does not fit, so that the system caches nothing of it ("Direct I/O").
  @safe
  final class RocksDBEngine: Engine, @unchecked Sendable {
    // SENDABLE: databases may be used by any thread; the stored properties are constants.
    // SAFETY: all handles live until `close`, which the runner calls after all sessions ended.
    @unsafe
    enum Store {
      case locking(OpaquePointer)
      case optimistic(OpaquePointer)
    }

    private let store: Store
    private let isSync: Bool
    private let directory: String

    private static let levels = 7
    private static let bloomBits: Double = 10

    init(options engineOptions: EngineOptions, locking: Bool) throws {
      isSync = engineOptions.durability == .full
      directory = engineOptions.directory
      let options = unsafe rocksdb_options_create()
      defer { unsafe rocksdb_options_destroy(options) }
      unsafe rocksdb_options_set_create_if_missing(options, 1)
      unsafe rocksdb_options_increase_parallelism(
        options, Int32(sysconf(Int32(_SC_NPROCESSORS_ONLN))))
      let memtables = engineOptions.memoryBudget / 4
      unsafe rocksdb_options_optimize_level_style_compaction(options, UInt64(memtables))
      var compression = [Int32](
        repeating: Int32(rocksdb_lz4_compression), count: Self.levels)
      unsafe rocksdb_options_set_compression_per_level(options, &compression, Self.levels)
      if engineOptions.isCold {
        unsafe rocksdb_options_set_use_direct_reads(options, 1)
        unsafe rocksdb_options_set_use_direct_io_for_flush_and_compaction(options, 1)
      }
      let table = unsafe rocksdb_block_based_options_create()
      let cache = unsafe rocksdb_cache_create_lru(engineOptions.memoryBudget - memtables)
      unsafe rocksdb_block_based_options_set_block_cache(table, cache)
      unsafe rocksdb_block_based_options_set_filter_policy(
        table, rocksdb_filterpolicy_create_bloom_full(Self.bloomBits))
      unsafe rocksdb_options_set_block_based_table_factory(options, table)
      unsafe rocksdb_block_based_options_destroy(table)
      unsafe rocksdb_cache_destroy(cache)

      var message: UnsafeMutablePointer<CChar>?
      let path = engineOptions.directory
      let opened: OpaquePointer?
      if locking {
        let settings = unsafe rocksdb_transactiondb_options_create()
        defer { unsafe rocksdb_transactiondb_options_destroy(settings) }
        unsafe opened = unsafe rocksdb_transactiondb_open(options, settings, path, &message)
      } else {
        unsafe opened = unsafe rocksdb_optimistictransactiondb_open(options, path, &message)
      }
      try unsafe RocksDB.check("open", &message)
      unsafe store = locking ? .locking(opened!) : .optimistic(opened!)
    }

    func makeSession() -> any EngineSession {
      unsafe RocksDBSession(store: store, isSync: isSync)
    }

    func build(_ records: RawSpan) throws {
      switch unsafe store {
      case .locking(let handle):
        let options = unsafe rocksdb_writeoptions_create()
        defer { unsafe rocksdb_writeoptions_destroy(options) }
        let batch = unsafe rocksdb_writebatch_create()
        defer { unsafe rocksdb_writebatch_destroy(batch) }
        var count = 0
        try unsafe forEach(records) { key, keyByteCount, value, valueByteCount in
          unsafe rocksdb_writebatch_put(batch, key, keyByteCount, value, valueByteCount)
          count += 1
          if count % Scale.batchRecords == 0 {
            var message: UnsafeMutablePointer<CChar>?
            unsafe rocksdb_transactiondb_write(handle, options, batch, &message)
            try unsafe RocksDB.check("write", &message)
            unsafe rocksdb_writebatch_clear(batch)
          }
        }
        var message: UnsafeMutablePointer<CChar>?
        unsafe rocksdb_transactiondb_write(handle, options, batch, &message)
        try unsafe RocksDB.check("write", &message)
      case .optimistic(let handle):
        let base = unsafe rocksdb_optimistictransactiondb_get_base_db(handle)
        defer { unsafe rocksdb_optimistictransactiondb_close_base_db(base) }
        let file = "\(directory)/bulk.sst"
        try writeTable(records, file)
        let options = unsafe rocksdb_ingestexternalfileoptions_create()
        defer { unsafe rocksdb_ingestexternalfileoptions_destroy(options) }
        unsafe rocksdb_ingestexternalfileoptions_set_move_files(options, 1)
        var message: UnsafeMutablePointer<CChar>?
        try unsafe file.withCString { path in
          var path: UnsafePointer<CChar>? = unsafe path
          unsafe rocksdb_ingest_external_file(base, &path, 1, options, &message)
          try unsafe RocksDB.check("ingest_external_file", &message)
        }
      }
    }

    /// Writes ascending records to a table file for RocksDB to take in.
    private func writeTable(_ records: RawSpan, _ file: String) throws {
      let environment = unsafe rocksdb_envoptions_create()
      defer { unsafe rocksdb_envoptions_destroy(environment) }
      let options = unsafe rocksdb_options_create()
      defer { unsafe rocksdb_options_destroy(options) }
      unsafe rocksdb_options_set_compression(options, Int32(rocksdb_lz4_compression))
      let writer = unsafe rocksdb_sstfilewriter_create(environment, options)
      defer { unsafe rocksdb_sstfilewriter_destroy(writer) }
      var message: UnsafeMutablePointer<CChar>?
      unsafe rocksdb_sstfilewriter_open(writer, file, &message)
      try unsafe RocksDB.check("sstfilewriter_open", &message)
      try unsafe forEach(records) { key, keyByteCount, value, valueByteCount in
        unsafe rocksdb_sstfilewriter_put(
          writer, key, keyByteCount, value, valueByteCount, &message)
        try unsafe RocksDB.check("sstfilewriter_put", &message)
      }
      unsafe rocksdb_sstfilewriter_finish(writer, &message)
      try unsafe RocksDB.check("sstfilewriter_finish", &message)
    }

    /// Hands every record to `body` as RocksDB wants it.
    private func forEach(
      _ records: RawSpan,
      _ body: (UnsafePointer<CChar>, Int, UnsafePointer<CChar>, Int) throws -> Void
    ) throws {
      try unsafe records.withUnsafeBytes { bytes in
        for offset in stride(from: 0, to: bytes.count, by: RecordShape.byteCount) {
          let key = unsafe (bytes.baseAddress! + offset).assumingMemoryBound(to: CChar.self)
          try unsafe body(
            key, RecordShape.keyByteCount, key + RecordShape.keyByteCount,
            RecordShape.valueByteCount)
        }
      }
    }

    func settle() throws {
      let options = unsafe rocksdb_flushoptions_create()
      defer { unsafe rocksdb_flushoptions_destroy(options) }
      var message: UnsafeMutablePointer<CChar>?
      switch unsafe store {
      case .locking(let handle): unsafe rocksdb_transactiondb_flush(handle, options, &message)
      case .optimistic(let handle):
        let base = unsafe rocksdb_optimistictransactiondb_get_base_db(handle)
        unsafe rocksdb_flush(base, options, &message)
        unsafe rocksdb_optimistictransactiondb_close_base_db(base)
      }
      try unsafe RocksDB.check("flush", &message)
    }

    func close() {
      switch unsafe store {
      case .locking(let handle): unsafe rocksdb_transactiondb_close(handle)
      case .optimistic(let handle): unsafe rocksdb_optimistictransactiondb_close(handle)
      }
    }

    func role(ofFile name: String) -> FileRole {
      name.hasSuffix(".log") ? .log : name.hasSuffix(".sst") ? .data : .other
    }

    /// The C interface does not tell, and the header that does is C++: it is read as text.
    static var version: String {
      let numbers = ["/usr", "/usr/local", "/opt/homebrew"].lazy
        .compactMap {
          try? String(contentsOfFile: "\($0)/include/rocksdb/version.h", encoding: .utf8)
        }
        .first?.split(separator: "\n")
        .filter { $0.hasPrefix("#define ROCKSDB_M") || $0.hasPrefix("#define ROCKSDB_P") }
        .compactMap { $0.split(separator: " ").last }
      return (["RocksDB"] + (numbers.map { [$0.joined(separator: ".")] } ?? []))
        .joined(separator: " ")
    }
  }

  /// What both the engine and its sessions do with RocksDB's messages.
  enum RocksDB {
    /// - Throws: `BenchmarkError.engine` when there is a message; it is freed.
    static func check(_ call: StaticString, _ message: inout UnsafeMutablePointer<CChar>?) throws {
      if let text = unsafe take(&message) {
        throw BenchmarkError.engine("rocksdb", call: "\(call)", message: text)
      }
    }

    /// The message, freed; nil when there is none.
    static func take(_ message: inout UnsafeMutablePointer<CChar>?) -> String? {
      guard let pointer = unsafe message else { return nil }
      defer {
        unsafe rocksdb_free(pointer)
        unsafe message = nil
      }
      return unsafe String(cString: pointer)
    }

    /// Whether a transaction that failed so may be run again.
    static func isConflict(_ message: String) -> Bool {
      ["Resource busy", "Operation timed out", "Operation failed. Try again"].contains {
        message.hasPrefix($0)
      }
    }
  }
#endif
