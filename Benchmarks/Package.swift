// swift-tools-version: 6.2
import PackageDescription

/// A package of its own, so that the engines Martlet is measured against never reach its users.
let settings: [SwiftSetting] = [
  .swiftLanguageMode(.v6),
  .strictMemorySafety(),
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("InternalImportsByDefault"),
  .enableUpcomingFeature("MemberImportVisibility"),
]

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
  ],
  targets: [
    .systemLibrary(
      name: "CLMDB", pkgConfig: "lmdb", providers: [.apt(["liblmdb-dev"]), .brew(["lmdb"])]),
    .executableTarget(
      name: "MartletBench",
      dependencies: [
        "CLMDB",
        .product(name: "Martlet", package: "martlet"),
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
        .product(name: "Histogram", package: "hdrhistogram-swift"),
      ],
      swiftSettings: settings),
  ]
)
