import ArgumentParser

/// The engines that can take part.
enum EngineKind: String, CaseIterable, Codable, Sendable, ExpressibleByArgument {
  case martlet
  case lmdb
  case lmdbWriteMap = "lmdb-writemap"
  case reference

  /// The engines of a run that does not name any.
  static let standard: [EngineKind] = [.martlet, .lmdb]

  func open(_ options: EngineOptions) throws -> any Engine {
    switch self {
    case .martlet: try MartletEngine(options: options)
    case .lmdb: try LMDBEngine(options: options, writeMap: false)
    case .lmdbWriteMap: try LMDBEngine(options: options, writeMap: true)
    case .reference: ReferenceEngine()
    }
  }

  var version: String {
    switch self {
    case .martlet: "Martlet, built from this source tree"
    case .lmdb, .lmdbWriteMap: LMDBEngine.version
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
    case .reference: ["no durability, one lock"]
    }
  }
}
