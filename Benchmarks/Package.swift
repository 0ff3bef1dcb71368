// swift-tools-version: 6.2
import Foundation
import PackageDescription

/// A package of its own, so that the engines Martlet is measured against never reach its users.
let settings: [SwiftSetting] = [
  .swiftLanguageMode(.v6),
  .strictMemorySafety(),
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("InternalImportsByDefault"),
  .enableUpcomingFeature("MemberImportVisibility"),
]

/// An engine that takes part when its library is installed.
///
/// The manifest's result is cached: after installing one, build once with `--manifest-cache none`.
struct OptionalEngine {
  let module: String
  let header: String
  let pkgConfig: String?
  let package: String
  /// What the sources ask for with `#if`.
  let condition: String

  var isInstalled: Bool {
    ["/usr", "/usr/local", "/opt/homebrew"].contains {
      FileManager.default.fileExists(atPath: "\($0)/include/\(header)")
    }
  }

  var target: Target {
    .systemLibrary(name: module, pkgConfig: pkgConfig, providers: [.apt([package])])
  }
}

let optionalEngines = [
  OptionalEngine(
    module: "CBerkeleyDB", header: "db.h", pkgConfig: nil, package: "libdb5.3-dev",
    condition: "BERKELEY_DB"),
  OptionalEngine(
    module: "CWiredTiger", header: "wiredtiger.h", pkgConfig: "wiredtiger",
    package: "libwiredtiger-dev", condition: "WIREDTIGER"),
  OptionalEngine(
    module: "CSQLite", header: "sqlite3.h", pkgConfig: "sqlite3", package: "libsqlite3-dev",
    condition: "SQLITE"),
  OptionalEngine(
    module: "CRocksDB", header: "rocksdb/c.h", pkgConfig: "rocksdb", package: "librocksdb-dev",
    condition: "ROCKSDB"),
].filter(\.isInstalled)

/// GRDB stands on the system's SQLite, and takes part when that does.
let hasSQLite = optionalEngines.contains { $0.module == "CSQLite" }

let package = Package(
  name: "martlet-benchmarks",
  platforms: [.macOS(.v15)],
  products: [
    .executable(name: "martlet-bench", targets: ["MartletBench"])
  ],
  dependencies: [
    .package(name: "martlet", path: "../"),
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.0"),
    .package(url: "https://github.com/HdrHistogram/hdrhistogram-swift", from: "0.2.0"),
  ]
    + (hasSQLite
      ? [.package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0")] : []),
  targets: [
    .systemLibrary(
      name: "CLMDB", pkgConfig: "lmdb", providers: [.apt(["liblmdb-dev"]), .brew(["lmdb"])]),
    .systemLibrary(name: "CPageCache"),
    .executableTarget(
      name: "MartletBench",
      dependencies: [
        "CLMDB", "CPageCache",
        .product(name: "Martlet", package: "martlet"),
        .product(name: "Verification", package: "martlet"),
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
        .product(name: "Histogram", package: "hdrhistogram-swift"),
      ] + optionalEngines.map { .target(name: $0.module) }
        + (hasSQLite ? [.product(name: "GRDB", package: "GRDB.swift")] : []),
      swiftSettings: settings + optionalEngines.map { .define($0.condition) }),
  ] + optionalEngines.map(\.target)
)
