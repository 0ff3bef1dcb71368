/// The engines that are compiled in when their library is installed: the one place that asks.
///
/// `Package.swift` looks for the libraries and defines a name for each that it finds.
enum InstalledEngines {
  #if BERKELEY_DB
    static let hasBerkeleyDB = true
    static var berkeleyDBVersion: String { BerkeleyDBEngine.version }
    static func openBerkeleyDB(_ options: EngineOptions, smallPages: Bool) throws -> any Engine {
      try BerkeleyDBEngine(options: options, pages: smallPages ? .least : .block)
    }
  #else
    static let hasBerkeleyDB = false
    static let berkeleyDBVersion = "not installed"
    static func openBerkeleyDB(_ options: EngineOptions, smallPages: Bool) throws -> any Engine {
      throw BenchmarkError.notInstalled(engine: "berkeley-db")
    }
  #endif

  #if WIREDTIGER
    static let hasWiredTiger = true
    static var wiredTigerVersion: String { WiredTigerEngine.version }
    static func openWiredTiger(_ options: EngineOptions) throws -> any Engine {
      try WiredTigerEngine(options: options)
    }
  #else
    static let hasWiredTiger = false
    static let wiredTigerVersion = "not installed"
    static func openWiredTiger(_ options: EngineOptions) throws -> any Engine {
      throw BenchmarkError.notInstalled(engine: "wiredtiger")
    }
  #endif

  #if SQLITE
    static let hasSQLite = true
    static var sqliteVersion: String { SQLiteEngine.version }
    static func openSQLite(_ options: EngineOptions) throws -> any Engine {
      try SQLiteEngine(options: options)
    }
  #else
    static let hasSQLite = false
    static let sqliteVersion = "not installed"
    static func openSQLite(_ options: EngineOptions) throws -> any Engine {
      throw BenchmarkError.notInstalled(engine: "sqlite")
    }
  #endif

  #if ROCKSDB
    static let hasRocksDB = true
    static let rocksDBVersion = RocksDBEngine.version
    static func openRocksDB(_ options: EngineOptions, locking: Bool) throws -> any Engine {
      try RocksDBEngine(options: options, locking: locking)
    }
  #else
    static let hasRocksDB = false
    static let rocksDBVersion = "not installed"
    static func openRocksDB(_ options: EngineOptions, locking: Bool) throws -> any Engine {
      throw BenchmarkError.notInstalled(engine: "rocksdb")
    }
  #endif
}
