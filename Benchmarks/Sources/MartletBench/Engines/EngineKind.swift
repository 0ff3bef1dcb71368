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
  case berkeleyDB = "berkeley-db"
  case berkeleyDBSmallPages = "berkeley-db-512"
  case wiredTiger = "wiredtiger"
  case sqlite
  case rocksDBLocking = "rocksdb-2pl"
  case rocksDBOptimistic = "rocksdb-occ"
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
      .reference:
      true
    case .berkeleyDB, .berkeleyDBSmallPages: InstalledEngines.hasBerkeleyDB
    case .wiredTiger: InstalledEngines.hasWiredTiger
    case .sqlite: InstalledEngines.hasSQLite
    case .rocksDBLocking, .rocksDBOptimistic: InstalledEngines.hasRocksDB
    }
  }

  func open(_ options: EngineOptions) throws -> any Engine {
    switch self {
    case .martlet: try MartletEngine(options: options)
    case .martletSSI: try MartletEngine(options: options, control: .serializableSnapshot)
    case .martletOptimistic: try MartletEngine(options: options, control: .optimistic)
    case .martletLocking: try MartletEngine(options: options, control: .twoPhaseLocking)
    case .lmdb: try LMDBEngine(options: options, writeMap: false)
    case .lmdbWriteMap: try LMDBEngine(options: options, writeMap: true)
    case .berkeleyDB: try InstalledEngines.openBerkeleyDB(options, smallPages: false)
    case .berkeleyDBSmallPages: try InstalledEngines.openBerkeleyDB(options, smallPages: true)
    case .wiredTiger: try InstalledEngines.openWiredTiger(options)
    case .sqlite: try InstalledEngines.openSQLite(options)
    case .rocksDBLocking: try InstalledEngines.openRocksDB(options, locking: true)
    case .rocksDBOptimistic: try InstalledEngines.openRocksDB(options, locking: false)
    case .reference: ReferenceEngine()
    }
  }
}
