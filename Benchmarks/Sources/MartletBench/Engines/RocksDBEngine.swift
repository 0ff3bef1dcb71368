#if ROCKSDB
  import CRocksDB

  #if canImport(Darwin)
    import Darwin
  #else
    import Glibc
  #endif

  /// RocksDB with pessimistic or optimistic transactions.
  ///
  /// What is set, and why (its wiki: "Setup Options and Basic Tuning", "Transactions"):
  /// - `IncreaseParallelism` and `OptimizeLevelStyleCompaction`, as in its own C example;
  /// - a block cache into which all data fits, a bloom filter of ten bits a key;
  /// - deadlock detection on, transaction objects reused;
  /// - full is `sync`, relaxed the default: the log is written and not synced.
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

    private static let memtableBudget: UInt64 = 512 << 20
    private static let bloomBits: Double = 10

    init(options engineOptions: EngineOptions, locking: Bool) throws {
      isSync = engineOptions.durability == .full
      let options = unsafe rocksdb_options_create()
      defer { unsafe rocksdb_options_destroy(options) }
      unsafe rocksdb_options_set_create_if_missing(options, 1)
      unsafe rocksdb_options_increase_parallelism(
        options, Int32(sysconf(Int32(_SC_NPROCESSORS_ONLN))))
      unsafe rocksdb_options_optimize_level_style_compaction(options, Self.memtableBudget)
      let table = unsafe rocksdb_block_based_options_create()
      let cache = unsafe rocksdb_cache_create_lru(EngineOptions.cacheByteCount)
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
