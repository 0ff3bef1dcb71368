extension EngineKind {
  /// What the engine calls itself.
  var version: String {
    switch self {
    case .martlet: "Martlet, built from this source tree, at .snapshot"
    case .martletSSI: "the same, .serializable by serializable snapshot isolation"
    case .martletOptimistic: "the same, .serializable by optimistic concurrency control"
    case .martletLocking: "the same, .serializable by two-phase locking"
    case .lmdb, .lmdbWriteMap: LMDBEngine.version
    case .berkeleyDB, .berkeleyDBSmallPages: InstalledEngines.berkeleyDBVersion
    case .wiredTiger: InstalledEngines.wiredTigerVersion
    case .sqlite: InstalledEngines.sqliteVersion
    case .rocksDBLocking, .rocksDBOptimistic: "RocksDB through rocksdb/c.h"
    case .reference: "Swift dictionary in memory (an oracle, not a competitor)"
    }
  }

  /// How the engine is set, where that comes from, and what it loses at a crash: for the report.
  var settings: [String] {
    let cacheMebibytes = EngineOptions.cacheByteCount >> 20
    return switch self {
    case .martlet:
      [
        "cacheSize \(cacheMebibytes) MiB, all else default (16 KiB pages, LZ4 images, checksums)",
        "full: on the medium before the commit returns; a crash loses nothing",
        "relaxed: a crash of process or machine loses the last milliseconds, never consistency",
      ]
    case .martletSSI, .martletOptimistic, .martletLocking: []
    case .lmdb:
      [
        "map 16 GiB (lmdb.h: as large as possible); memory is the kernel's page cache, data fits",
        "MDB_APPEND for sorted loads; one read transaction a thread, renewed for each snapshot",
        "full: default flags; a crash loses nothing",
        "relaxed: MDB_NOSYNC; a killed process loses nothing, a power cut may corrupt the file",
      ]
    case .lmdbWriteMap:
      [
        "as lmdb, with MDB_WRITEMAP: stray writes of the application can reach the file",
        "relaxed: MDB_NOSYNC; a power cut may corrupt the file",
      ]
    case .berkeleyDB:
      [
        "B-tree of 4 KiB pages (Programmer's Reference, \"Selecting a page size\": the file"
          + " system's), locks on pages, serializable by two-phase locking",
        "cache \(cacheMebibytes) MiB, log buffer 8 MiB (\"Transaction tuning\"), DB_PRIVATE: one"
          + " process",
        "deadlocks: DB_LOCK_DEFAULT at every conflict, reads for update with DB_RMW",
        "relaxed: DB_TXN_NOSYNC; a killed process loses a tail, never consistency",
      ]
    case .berkeleyDBSmallPages:
      ["as berkeley-db, with pages of 512 bytes, so that locks are finer (the same chapter)"]
    case .wiredTiger:
      [
        "one table, snapshot isolation (its highest), cache \(cacheMebibytes) MiB, log on",
        "a session and a cursor a thread, kept (\"Multithreading\"); a yield before a retry",
        "relaxed: transaction_sync off; a killed process loses a tail, never consistency",
      ]
    case .sqlite:
      [
        "WAL, a table WITHOUT ROWID, a connection and prepared statements a thread",
        "cache \(cacheMebibytes) MiB, BEGIN IMMEDIATE, busy timeout (sqlite.org/wal.html)",
        "relaxed: synchronous NORMAL; a power cut loses a tail, a killed process nothing",
      ]
    case .rocksDBLocking:
      [
        "TransactionDB: GetForUpdate locks keys, deadlock detection on; options of"
          + " IncreaseParallelism, OptimizeLevelStyleCompaction, block cache"
          + " \(cacheMebibytes) MiB (wiki, \"Setup Options and Basic Tuning\")",
        "transaction objects are reused; relaxed: no sync; a power cut loses a tail",
      ]
    case .rocksDBOptimistic:
      ["OptimisticTransactionDB: GetForUpdate is validated at commit; as rocksdb-2pl otherwise"]
    case .reference: ["no durability, one lock"]
    }
  }
}
