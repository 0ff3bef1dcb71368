#if SQLITE
  import CSQLite

  /// SQLite with a write-ahead log and a connection a thread.
  ///
  /// What is set, and why (sqlite.org: wal.html, withoutrowid.html, pragma.html, lang_transaction):
  /// - `journal_mode=WAL`: readers beside one writer;
  /// - a table WITHOUT ROWID: the key is the primary key, in one B-tree;
  /// - writers begin with `BEGIN IMMEDIATE`, so that none fails half-way, and wait by the busy
  ///   timeout;
  /// - `SQLITE_OPEN_NOMUTEX`, since no connection is shared, and statements prepared once;
  /// - full is `synchronous=FULL`, relaxed `NORMAL`, which syncs at checkpoints alone;
  /// - a connection has a cache of its own, so that each gets its share of the budget; where data
  ///   does not fit, each has the default of 2 MiB at most, and the system's cache the rest.
  final class SQLiteEngine: Engine {
    private let path: String
    private let durability: EngineOptions.Durability
    private let cacheByteCount: Int
    private static let standardCacheByteCount = 2 << 20

    init(options: EngineOptions) throws {
      path = "\(options.directory)/records.sqlite"
      durability = options.durability
      let share = options.memoryBudget / options.sessions
      cacheByteCount = options.isCold ? min(share / 4, Self.standardCacheByteCount) : share
      let connection = try makeConnection()
      try connection.execute(
        "CREATE TABLE IF NOT EXISTS records (key BLOB PRIMARY KEY, value BLOB NOT NULL)"
          + " WITHOUT ROWID")
    }

    private func makeConnection() throws -> SQLiteConnection {
      let connection = try SQLiteConnection(path: path)
      try connection.execute("PRAGMA journal_mode=WAL")
      try connection.execute("PRAGMA synchronous=\(durability == .full ? "FULL" : "NORMAL")")
      try connection.execute("PRAGMA cache_size=-\(cacheByteCount >> 10)")
      return connection
    }

    func makeSession() throws -> any EngineSession {
      try SQLiteSession(connection: makeConnection())
    }

    func settle() throws {
      try makeConnection().execute("PRAGMA wal_checkpoint(TRUNCATE)")
    }

    func close() {}

    func role(ofFile name: String) -> FileRole {
      name.hasSuffix("-wal") ? .log : name == "records.sqlite" ? .data : .other
    }

    static var version: String {
      // SAFETY: `sqlite3_libversion` returns a constant string.
      unsafe "SQLite " + String(cString: sqlite3_libversion())
    }
  }

  /// A connection, closed when it is let go.
  ///
  /// SAFETY: used by the thread that made it; statements are finalized before it goes.
  @safe
  final class SQLiteConnection {
    let handle: OpaquePointer
    private static let busyMilliseconds: Int32 = 60_000

    init(path: String) throws {
      var opened: OpaquePointer?
      let flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX
      let code = unsafe sqlite3_open_v2(path, &opened, flags, nil)
      guard code == SQLITE_OK, let opened = unsafe opened else {
        throw BenchmarkError.engine("sqlite", call: "sqlite3_open_v2", message: "code \(code)")
      }
      unsafe handle = opened
      unsafe sqlite3_busy_timeout(handle, Self.busyMilliseconds)
    }

    deinit { unsafe sqlite3_close_v2(handle) }

    func execute(_ statement: String) throws {
      let code = unsafe sqlite3_exec(handle, statement, nil, nil, nil)
      if code != SQLITE_OK { throw failure(statement) }
    }

    func prepare(_ text: String) throws -> OpaquePointer {
      var statement: OpaquePointer?
      let code = unsafe sqlite3_prepare_v3(
        handle, text, -1, UInt32(SQLITE_PREPARE_PERSISTENT), &statement, nil)
      guard code == SQLITE_OK, let statement = unsafe statement else { throw failure(text) }
      return unsafe statement
    }

    func failure(_ call: String) -> BenchmarkError {
      .engine("sqlite", call: call, message: unsafe String(cString: sqlite3_errmsg(handle)))
    }
  }
#endif
