/// How an engine is set in one respect, why, and where that comes from.
struct EngineSetting: Sendable {
  let text: String
  /// The documentation that recommends it; nil where it is a default or the harness's own.
  let source: String?

  init(_ text: String, _ source: String? = nil) {
    self.text = text
    self.source = source
  }
}

extension EngineKind {
  /// What the engine calls itself.
  var version: String {
    switch self {
    case .martlet: "Martlet, built from this source tree, at .snapshot"
    case .martletSSI: "the same, .serializable by serializable snapshot isolation"
    case .martletOptimistic: "the same, .serializable by optimistic concurrency control"
    case .martletLocking: "the same, .serializable by two-phase locking"
    case .lmdb, .lmdbWriteMap, .lmdbNoReadAhead: LMDBEngine.version
    case .berkeleyDB, .berkeleyDBSmallPages: InstalledEngines.berkeleyDBVersion
    case .wiredTiger: InstalledEngines.wiredTigerVersion
    case .sqlite: InstalledEngines.sqliteVersion
    case .rocksDBLocking, .rocksDBOptimistic: InstalledEngines.rocksDBVersion
    case .device: "no engine: blocks of 4 KiB, O_DSYNC and O_DIRECT, into a zeroed file"
    case .reference: "Swift dictionary in memory (an oracle, not a competitor)"
    }
  }

  private static let lmdbReference = "http://www.lmdb.tech/doc/group__mdb.html"
  private static let berkeleyDBGuide =
    "https://docs.oracle.com/cd/E17076_05/html/programmer_reference"
  private static let wiredTigerManual = "https://source.wiredtiger.com/mongodb-4.2"
  private static let rocksDBWiki = "https://github.com/facebook/rocksdb/wiki"

  /// How the engine is set, and what it loses at a crash: for the report.
  var settings: [EngineSetting] {
    switch self {
    case .martlet:
      [
        EngineSetting(
          "cacheSize is the memory budget, all else default (16 KiB pages, LZ4 images, checksums);"
            + " larger-than-memory with fileCaching none, so that the budget is all there is"),
        EngineSetting("full: on the medium before the commit returns; a crash loses nothing"),
        EngineSetting(
          "relaxed: a crash of process or machine loses the last milliseconds, never consistency"),
      ]
    case .martletSSI, .martletOptimistic, .martletLocking: []
    case .lmdb:
      [
        EngineSetting(
          "a map of 64 GiB, as large as possible; its memory is the system's page cache",
          Self.lmdbReference),
        EngineSetting(
          "MDB_APPEND for sorted loads and bulk builds; one read transaction and one cursor a"
            + " thread, renewed for each snapshot", Self.lmdbReference),
        EngineSetting("full: default flags; a crash loses nothing"),
        EngineSetting(
          "relaxed: MDB_NOSYNC; a killed process loses nothing, a power cut may corrupt the file",
          Self.lmdbReference),
      ]
    case .lmdbWriteMap:
      [
        EngineSetting(
          "as lmdb, with MDB_WRITEMAP: stray writes of the application can reach the file",
          Self.lmdbReference)
      ]
    case .lmdbNoReadAhead:
      [
        EngineSetting(
          "as lmdb, with MDB_NORDAHEAD: reads of data larger than memory fetch no neighbours",
          Self.lmdbReference)
      ]
    case .berkeleyDB:
      [
        EngineSetting(
          "B-tree of 4 KiB pages, the file system's; locks on pages, serializable by two-phase"
            + " locking", Self.berkeleyDBGuide + "/general_am_conf.html"),
        EngineSetting(
          "cache is the memory budget, log buffer 8 MiB, DB_PRIVATE: one process",
          Self.berkeleyDBGuide + "/transapp_tune.html"),
        EngineSetting(
          "deadlocks: DB_LOCK_DEFAULT at every conflict, reads for update with DB_RMW",
          Self.berkeleyDBGuide + "/lock_dead.html"),
        EngineSetting(
          "relaxed: DB_TXN_NOSYNC; a killed process loses a tail, never consistency",
          Self.berkeleyDBGuide + "/transapp_throughput.html"),
        EngineSetting(
          "scans by DB_MULTIPLE_KEY, many records at a time",
          Self.berkeleyDBGuide + "/am_misc_bulk.html"),
      ]
    case .berkeleyDBSmallPages:
      [
        EngineSetting(
          "as berkeley-db, with pages of 512 bytes, so that locks are finer",
          Self.berkeleyDBGuide + "/general_am_conf.html")
      ]
    case .wiredTiger:
      [
        EngineSetting(
          "one table, snapshot isolation (its highest), cache is the memory budget, log on",
          Self.wiredTigerManual + "/tune_cache.html"),
        EngineSetting(
          "a session and a cursor a thread, kept; a yield before a retry",
          Self.wiredTigerManual + "/threads.html"),
        EngineSetting(
          "bulk builds by a bulk cursor", Self.wiredTigerManual + "/tune_bulk_load.html"),
        EngineSetting(
          "relaxed: transaction_sync off; a killed process loses a tail, never consistency",
          Self.wiredTigerManual + "/durability_log.html"),
        EngineSetting(
          "data larger than memory: direct_io=[data]",
          Self.wiredTigerManual + "/tune_system_buffer_cache.html"),
      ]
    case .sqlite:
      [
        EngineSetting(
          "WAL, a connection and prepared statements a thread", "https://sqlite.org/wal.html"),
        EngineSetting("a table WITHOUT ROWID", "https://sqlite.org/withoutrowid.html"),
        EngineSetting(
          "the memory budget shared out to the connections as cache_size; BEGIN IMMEDIATE, busy"
            + " timeout", "https://sqlite.org/pragma.html#pragma_cache_size"),
        EngineSetting(
          "relaxed: synchronous NORMAL; a power cut loses a tail, a killed process nothing",
          "https://sqlite.org/pragma.html#pragma_synchronous"),
        EngineSetting(
          "data larger than memory: the default cache, 2 MiB a connection, and the system's"),
      ]
    case .rocksDBLocking:
      [
        EngineSetting(
          "TransactionDB: GetForUpdate locks keys, deadlock detection on; transaction objects are"
            + " reused", Self.rocksDBWiki + "/Transactions"),
        EngineSetting(
          "IncreaseParallelism, OptimizeLevelStyleCompaction, bloom filter of 10 bits, LZ4 on all"
            + " levels; a quarter of the memory budget for memtables, the rest block cache",
          Self.rocksDBWiki + "/Setup-Options-and-Basic-Tuning"),
        EngineSetting("bulk builds by plain batches of 10,000"),
        EngineSetting("relaxed: no sync; a power cut loses a tail, a killed process nothing"),
        EngineSetting(
          "data larger than memory: use_direct_reads", Self.rocksDBWiki + "/Direct-IO"),
      ]
    case .rocksDBOptimistic:
      [
        EngineSetting(
          "OptimisticTransactionDB: GetForUpdate is validated at commit; as rocksdb-2pl otherwise",
          Self.rocksDBWiki + "/Transactions"),
        EngineSetting(
          "bulk builds by an SST file that is ingested",
          Self.rocksDBWiki + "/Creating-and-Ingesting-SST-files"),
      ]
    case .device: []
    case .reference: [EngineSetting("no durability, one lock")]
    }
  }
}
