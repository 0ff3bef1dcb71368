#if BERKELEY_DB
  import CBerkeleyDB

  /// Berkeley DB as a transactional data store: a B-tree with locks on pages and two-phase locking.
  ///
  /// What is set, and why (its Programmer's Reference Guide, version 5.3):
  /// - pages of 4 KiB, the block of the file system, or of 512 bytes, the least there is: locks are on
  ///   pages, so that small ones help where writers meet, and cost elsewhere ("Selecting a page
  ///   size");
  /// - a cache into which all data fits, and a log buffer of 8 MiB ("Transaction tuning");
  /// - `DB_PRIVATE`: the environment is used by one process, so that it lives on the heap;
  /// - deadlocks are looked for whenever somebody has to wait, by the default policy ("Deadlock
  ///   detection"): of those that look at who loses, the youngest did worse here, and the one with
  ///   fewest writes seven times worse; who reads to write says so with `DB_RMW` ("Avoiding
  ///   deadlocks");
  /// - scans fetch many records at a time ("Retrieving and updating records in bulk");
  /// - relaxed is `DB_TXN_NOSYNC` ("Relaxing transactional durability");
  /// - an environment of one process is opened with `DB_RECOVER` ("Opening the environment").
  @safe
  final class BerkeleyDBEngine: Engine, @unchecked Sendable {
    // SENDABLE: handles opened with `DB_THREAD` may be used by any thread, and the stored
    // properties are constants.
    // SAFETY: both handles live until `close`, which the runner calls after all sessions ended.
    private let environment: UnsafeMutablePointer<DB_ENV>
    private let database: UnsafeMutablePointer<DB>

    private static let logBufferByteCount: UInt32 = 8 << 20
    /// A batch of a load holds a lock a page.
    private static let lockLimit: UInt32 = 200_000

    enum PageSize: UInt32 {
      case block = 4_096
      case least = 512
    }

    init(options: EngineOptions, pages: PageSize) throws {
      var handle: UnsafeMutablePointer<DB_ENV>?
      try unsafe BerkeleyDB.check("db_env_create", db_env_create(&handle, 0))
      let environment = unsafe handle!
      try unsafe BerkeleyDB.check(
        "set_cachesize",
        environment.pointee.set_cachesize(
          environment, UInt32(options.memoryBudget >> 30),
          UInt32(options.memoryBudget & (1 << 30 - 1)), 1))
      try unsafe BerkeleyDB.check(
        "set_lg_bsize", environment.pointee.set_lg_bsize(environment, Self.logBufferByteCount))
      try unsafe BerkeleyDB.check(
        "set_lk_detect",
        environment.pointee.set_lk_detect(environment, UInt32(DB_LOCK_DEFAULT)))
      try unsafe BerkeleyDB.check(
        "set_lk_max_locks", environment.pointee.set_lk_max_locks(environment, Self.lockLimit))
      try unsafe BerkeleyDB.check(
        "set_lk_max_objects", environment.pointee.set_lk_max_objects(environment, Self.lockLimit))
      if options.durability == .relaxed {
        try unsafe BerkeleyDB.check(
          "set_flags", environment.pointee.set_flags(environment, UInt32(DB_TXN_NOSYNC), 1))
      }
      let subsystems =
        DB_INIT_LOCK | DB_INIT_LOG | DB_INIT_MPOOL | DB_INIT_TXN | DB_CREATE | DB_THREAD
        | DB_PRIVATE | DB_RECOVER
      try unsafe BerkeleyDB.check(
        "open", environment.pointee.open(environment, options.directory, UInt32(subsystems), 0o644))

      var table: UnsafeMutablePointer<DB>?
      try unsafe BerkeleyDB.check("db_create", db_create(&table, environment, 0))
      let database = unsafe table!
      try unsafe BerkeleyDB.check(
        "set_pagesize", database.pointee.set_pagesize(database, pages.rawValue))
      try unsafe BerkeleyDB.check(
        "DB->open",
        database.pointee.open(
          database, nil, "records.db", nil, DB_BTREE,
          UInt32(DB_CREATE | DB_AUTO_COMMIT | DB_THREAD), 0o644))
      unsafe self.environment = environment
      unsafe self.database = database
    }

    func makeSession() -> any EngineSession {
      unsafe BerkeleyDBSession(environment: environment, database: database)
    }

    func settle() throws {
      try unsafe BerkeleyDB.check(
        "txn_checkpoint", environment.pointee.txn_checkpoint(environment, 0, 0, 0))
    }

    func close() throws {
      try unsafe BerkeleyDB.check("DB->close", database.pointee.close(database, 0))
      try unsafe BerkeleyDB.check("DB_ENV->close", environment.pointee.close(environment, 0))
    }

    func role(ofFile name: String) -> FileRole {
      name.hasPrefix("log.") ? .log : name == "records.db" ? .data : .other
    }

    static var version: String {
      // SAFETY: `db_version` returns a constant string.
      unsafe String(cString: db_version(nil, nil, nil))
    }
  }

  /// Calls into Berkeley DB that both the engine and its sessions make.
  enum BerkeleyDB {
    /// - Throws: `BenchmarkError.engine` unless `code` says success.
    @inline(__always)
    static func check(_ call: StaticString, _ code: Int32) throws {
      if code != 0 { throw failure(call, code) }
    }

    @inline(never)
    static func failure(_ call: StaticString, _ code: Int32) -> BenchmarkError {
      let message = unsafe String(cString: db_strerror(code))
      return .engine("berkeley-db", call: "\(call)", message: message)
    }
  }
#endif
