import ArgumentParser
import Martlet

/// The engines that can take part.
///
/// A transactional engine at two levels, or with two protocols, is two engines here.
enum EngineKind: String, CaseIterable, Codable, Sendable, ExpressibleByArgument {
  case martlet
  case martletSSI = "martlet-ssi"
  case martletOptimistic = "martlet-occ"
  case martletLocking = "martlet-2pl"
  case lmdb
  case lmdbWriteMap = "lmdb-writemap"
  case lmdbNoReadAhead = "lmdb-noreadahead"
  case berkeleyDB = "berkeley-db"
  case berkeleyDBSmallPages = "berkeley-db-512"
  case wiredTiger = "wiredtiger"
  case sqlite
  case rocksDBLocking = "rocksdb-2pl"
  case rocksDBOptimistic = "rocksdb-occ"
  /// Writes of blocks and nothing else: what the device can do.
  case device
  /// A dictionary in memory that says who is right.
  case reference

  /// Martlet at `.snapshot`, and serializable by each protocol.
  static let martletLevels = [martlet] + martletProtocols

  /// Martlet at `.serializable`.
  static let martletProtocols: [EngineKind] = [.martletSSI, .martletOptimistic, .martletLocking]

  /// The engines that Martlet is compared with where all take part.
  static let peers: [EngineKind] = [
    .lmdb, .berkeleyDB, .berkeleyDBSmallPages, .wiredTiger, .sqlite, .rocksDBLocking,
    .rocksDBOptimistic,
  ]

  /// Who takes part wherever nothing else is said: every engine once, at its usual settings.
  static var comparison: [EngineKind] {
    [.martlet] + installedPeers.filter { $0 != .berkeleyDBSmallPages }
  }

  /// Peers whose data is compressed at these settings.
  static let compressingPeers: [EngineKind] = [.rocksDBLocking, .rocksDBOptimistic]

  static let rocksDB: [EngineKind] = [.rocksDBLocking, .rocksDBOptimistic]

  /// All peers but LMDB.
  static let otherPeers = peers.filter { $0 != .lmdb }

  static var installedPeers: [EngineKind] { peers.filter(\.isInstalled) }

  /// Peers whose transactions are as if one after another.
  ///
  /// WiredTiger offers snapshot isolation. RocksDB's transactions are kept apart by the keys they
  /// read for update: enough for a transfer, which reads nothing else.
  static let serializablePeers: [EngineKind] = [
    .lmdb, .berkeleyDB, .berkeleyDBSmallPages, .sqlite, .rocksDBLocking, .rocksDBOptimistic,
  ]

  var isMartlet: Bool { Self.martletLevels.contains(self) }

  /// Whether the engine's library was found when this program was built.
  var isInstalled: Bool {
    switch self {
    case .martlet, .martletSSI, .martletOptimistic, .martletLocking, .lmdb, .lmdbWriteMap,
      .lmdbNoReadAhead, .device, .reference:
      true
    case .berkeleyDB, .berkeleyDBSmallPages: InstalledEngines.hasBerkeleyDB
    case .wiredTiger: InstalledEngines.hasWiredTiger
    case .sqlite: InstalledEngines.hasSQLite
    case .rocksDBLocking, .rocksDBOptimistic: InstalledEngines.hasRocksDB
    }
  }

  /// Whether the engine has the system cache its data instead of doing so itself, so that this cache
  /// is its memory budget where data does not fit.
  var reliesOnPageCache: Bool {
    switch self {
    case .lmdb, .lmdbWriteMap, .lmdbNoReadAhead, .sqlite: true
    default: false
    }
  }

  func open(_ options: EngineOptions) throws -> any Engine {
    switch self {
    case .martlet: try MartletEngine(options: options)
    case .martletSSI: try MartletEngine(options: options, control: .serializableSnapshot)
    case .martletOptimistic: try MartletEngine(options: options, control: .optimistic)
    case .martletLocking: try MartletEngine(options: options, control: .twoPhaseLocking)
    case .lmdb: try LMDBEngine(options: options)
    case .lmdbNoReadAhead: try LMDBEngine(options: options, readAhead: false)
    case .lmdbWriteMap: try LMDBEngine(options: options, writeMap: true)
    case .berkeleyDB: try InstalledEngines.openBerkeleyDB(options, smallPages: false)
    case .berkeleyDBSmallPages: try InstalledEngines.openBerkeleyDB(options, smallPages: true)
    case .wiredTiger: try InstalledEngines.openWiredTiger(options)
    case .sqlite: try InstalledEngines.openSQLite(options)
    case .rocksDBLocking: try InstalledEngines.openRocksDB(options, locking: true)
    case .rocksDBOptimistic: try InstalledEngines.openRocksDB(options, locking: false)
    case .device: try DeviceEngine(options: options)
    case .reference: ReferenceEngine()
    }
  }
}
