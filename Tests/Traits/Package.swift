// swift-tools-version: 6.2
import PackageDescription

/// What a program is that uses all of Martlet's package traits; `.ci/traits` runs its tests.
///
/// A package of its own, so that the engine's package builds its own tests without them.
let package = Package(
  name: "traits",
  platforms: [.macOS(.v15)],
  dependencies: [
    .package(name: "martlet", path: "../..", traits: ["Logging", "Metrics", "Tracing"]),
    .package(url: "https://github.com/apple/swift-log", from: "1.6.0"),
    .package(url: "https://github.com/apple/swift-metrics", from: "2.5.0"),
    .package(url: "https://github.com/apple/swift-distributed-tracing", from: "1.2.0"),
  ],
  targets: [
    .testTarget(
      name: "TelemetryTests",
      dependencies: [
        .product(name: "Martlet", package: "martlet"),
        .product(name: "Logging", package: "swift-log"),
        .product(name: "InMemoryLogging", package: "swift-log"),
        .product(name: "MetricsTestKit", package: "swift-metrics"),
        .product(name: "Tracing", package: "swift-distributed-tracing"),
        .product(name: "InMemoryTracing", package: "swift-distributed-tracing"),
      ],
      swiftSettings: [.swiftLanguageMode(.v6)])
  ]
)
