// swift-tools-version: 6.2
import PackageDescription

/// Settings of every Swift target. Warnings become errors in CI only, by a command-line flag.
let settings: [SwiftSetting] = [
  .swiftLanguageMode(.v6),
  .strictMemorySafety(),
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("InternalImportsByDefault"),
  .enableUpcomingFeature("MemberImportVisibility"),
]

/// Replaces optimistic page reads by shared latches, so that the thread sanitizer means something:
/// `MARTLET_SHARED_LATCHES=1 swift test -c release --sanitize=thread`.
let latches: [SwiftSetting] =
  Context.environment["MARTLET_SHARED_LATCHES"] == "1" ? [.define("MARTLET_SHARED_LATCHES")] : []

/// A target of the engine. The arrows point down only: see the table in the Architecture article.
func layer(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
  .target(name: name, dependencies: dependencies, swiftSettings: settings + latches)
}

func suite(
  _ name: String, _ dependencies: [Target.Dependency], excluding excluded: [String] = []
) -> Target {
  .testTarget(
    name: name, dependencies: dependencies, exclude: excluded, swiftSettings: settings + latches)
}

let package = Package(
  name: "martlet",
  platforms: [.macOS(.v15), .iOS(.v18)],
  products: [
    .library(name: "Martlet", targets: ["Martlet"]),
    .library(name: "Verification", targets: ["Verification"]),
    .executable(name: "martlet", targets: ["MartletTool"]),
  ],
  // Off unless asked for, and then only what is asked for is fetched: `.package(…, traits: ["Logging"])`.
  traits: [
    .trait(name: "Logging", description: "A database's news go to swift-log."),
    .trait(name: "Metrics", description: "Statistics go to swift-metrics."),
    .trait(
      name: "Tracing", description: "Asynchronous transactions are spans of distributed tracing."),
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.0"),
    .package(url: "https://github.com/apple/swift-log", from: "1.6.0"),
    .package(url: "https://github.com/apple/swift-metrics", from: "2.5.0"),
    .package(url: "https://github.com/apple/swift-distributed-tracing", from: "1.2.0"),
  ],
  targets: [
    .target(name: "CMartlet"),
    .systemLibrary(
      name: "CLZ4", pkgConfig: "liblz4", providers: [.apt(["liblz4-dev"]), .brew(["lz4"])]),

    layer("Primitives", []),
    layer("RawBytes", ["CMartlet"]),
    layer("KeyCoding", ["RawBytes"]),
    layer("RecordCoding", ["RawBytes"]),
    layer("Environment", ["Primitives", "RawBytes"]),
    layer("SystemEnvironment", ["Environment", "CMartlet", "RawBytes", "Primitives"]),
    layer("Simulation", ["Environment", "Primitives", "RawBytes"]),
    layer("Paging", ["Environment", "Primitives", "RawBytes", "CLZ4"]),
    layer("BTreeIndex", ["Paging", "Primitives", "RawBytes"]),
    layer("VersionStore", ["BTreeIndex", "Paging", "Environment", "Primitives", "RawBytes"]),
    layer("RedoLog", ["Environment", "Primitives", "RawBytes", "CLZ4"]),
    layer("ConcurrencyControl", ["Primitives"]),
    layer("Consensus", ["Primitives"]),
    layer(
      "Replication",
      ["Consensus", "VersionStore", "RedoLog", "Environment", "Primitives", "RawBytes"]),
    layer(
      "Martlet",
      [
        "VersionStore", "RedoLog", "ConcurrencyControl", "BTreeIndex", "Paging",
        "SystemEnvironment", "Environment", "KeyCoding", "RecordCoding", "Primitives", "RawBytes",
        .product(name: "Logging", package: "swift-log", condition: .when(traits: ["Logging"])),
        .product(name: "Metrics", package: "swift-metrics", condition: .when(traits: ["Metrics"])),
        .product(
          name: "Tracing", package: "swift-distributed-tracing",
          condition: .when(traits: ["Tracing"])),
      ]),
    layer(
      "Verification",
      [
        "Martlet", "Replication", "Consensus", "VersionStore", "RedoLog", "Simulation",
        "SystemEnvironment", "Environment", "Primitives", "RawBytes",
      ]),
    // Everything of the tool but its first line, apart so that tests can import it.
    .target(
      name: "MartletCommands",
      dependencies: [
        "Martlet", "Verification",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ],
      resources: [.copy("UnicodeData")], swiftSettings: settings),
    .executableTarget(
      name: "MartletTool", dependencies: ["MartletCommands"], swiftSettings: settings),
    // For the tests and `.ci/fuzz`; in no product.
    layer(
      "Fuzzing",
      [
        "MartletCommands", "Martlet", "VersionStore", "RedoLog", "BTreeIndex", "Paging",
        "Simulation", "SystemEnvironment", "Environment", "KeyCoding", "RecordCoding",
        "Primitives", "RawBytes",
      ]),
    .executableTarget(
      name: "MartletFuzz", dependencies: ["Fuzzing", "RawBytes"], swiftSettings: settings),
    // The seeds of random tests.
    .target(name: "Seeds", path: "Tests/Seeds", swiftSettings: settings),
    suite(
      "BTreeIndexTests",
      [
        "Seeds", "BTreeIndex", "Paging", "SystemEnvironment", "Environment", "Primitives",
        "RawBytes",
      ]),
    suite(
      "PagingTests",
      [
        "Seeds", "Paging", "Simulation", "SystemEnvironment", "Environment", "Primitives",
        "RawBytes",
      ]),
    suite("PrimitivesTests", ["Primitives"]),
    suite("RawBytesTests", ["RawBytes"]),
    suite("KeyCodingTests", ["Seeds", "KeyCoding"]),
    suite("RecordCodingTests", ["Seeds", "RecordCoding"]),
    suite("EnvironmentTests", ["Environment", "SystemEnvironment", "Simulation", "RawBytes"]),
    suite(
      "SystemEnvironmentTests",
      ["SystemEnvironment", "Environment", "Primitives", "RawBytes", "CMartlet"]),
    suite("SimulationTests", ["Seeds", "Simulation", "Environment", "Primitives", "RawBytes"]),
    suite(
      "VersionStoreTests",
      [
        "Seeds", "VersionStore", "BTreeIndex", "Paging", "SystemEnvironment", "Simulation",
        "Environment",
        "Primitives", "RawBytes",
      ]),
    suite(
      "MartletTests",
      [
        "Seeds", "Martlet", "Verification", "Simulation", "SystemEnvironment", "VersionStore",
        "Environment", "Primitives", "RawBytes",
      ]),
    suite(
      "BackupTests",
      [
        "Seeds", "Martlet", "Verification", "Paging", "Simulation", "SystemEnvironment",
        "Environment",
        "Primitives", "RawBytes",
      ], excluding: ["Samples"]),
    suite(
      "IsolationTests", ["Seeds", "Martlet", "Simulation", "RedoLog", "Environment", "Primitives"]),
    suite(
      "CollectionTests",
      ["Seeds", "Martlet", "Verification", "Simulation", "Environment", "Primitives"]),
    suite(
      "ObservationTests",
      [
        "Seeds", "Martlet", "Verification", "Simulation", "VersionStore",
        "ConcurrencyControl",
        "Environment", "Primitives", "RawBytes",
      ]),
    suite(
      "ChangesTests",
      [
        "Seeds", "Martlet", "RedoLog", "VersionStore", "Simulation", "SystemEnvironment",
        "Environment",
        "Primitives", "RawBytes",
      ]),
    suite(
      "OutboxTests",
      [
        "Seeds", "Martlet", "Verification", "Simulation", "Environment", "Primitives",
        "RawBytes",
      ]),
    suite(
      "ExpiryTests",
      [
        "Seeds", "Martlet", "Verification", "Simulation", "SystemEnvironment", "VersionStore",
        "Environment", "Primitives", "RawBytes",
      ]),
    suite(
      "SuspensionTests",
      [
        "Martlet", "Verification", "Simulation", "SystemEnvironment", "Environment", "Primitives",
        "RawBytes",
      ]),
    suite(
      "MergeTests",
      ["Seeds", "Martlet", "Verification", "Simulation", "Environment", "Primitives", "RawBytes"]),
    suite("CrashTests", ["Seeds", "Martlet", "Verification", "Simulation", "Environment"]),
    suite("TortureTests", ["Seeds", "Verification", "Primitives"]),
    suite("SimulateTests", ["Seeds", "Verification", "Replication", "Consensus", "Primitives"]),
    suite("HistoryTests", ["Seeds", "Verification", "Martlet", "Simulation", "Environment"]),
    suite("ScenarioTests", ["Verification"]),
    suite("LinearizabilityTests", ["Seeds", "Verification"]),
    suite("ModelCheckingTests", ["Verification"]),
    suite(
      "ExhaustiveTests",
      [
        "Seeds", "Martlet", "Verification", "Simulation", "RedoLog", "Environment",
        "Primitives",
        "RawBytes",
      ]),
    suite(
      "DamageTests",
      [
        "Seeds", "Martlet", "Verification", "Simulation", "SystemEnvironment", "Environment",
        "Primitives",
      ]),
    suite(
      "FuzzTests",
      [
        "Seeds", "Fuzzing", "MartletCommands", "Martlet", "RedoLog", "Simulation", "Environment",
        "Primitives", "RawBytes",
      ], excluding: ["Corpus"]),
    suite(
      "GoldenTests",
      ["MartletCommands", "Martlet", "RedoLog", "Paging", "Simulation", "Environment"],
      excluding: ["Golden"]),
    // Two programs to read and to run; in no product.
    .executableTarget(
      name: "LedgerExample", dependencies: ["Martlet"], swiftSettings: settings),
    .executableTarget(name: "NotesExample", dependencies: ["Martlet"], swiftSettings: settings),
    suite("ExampleTests", ["LedgerExample", "NotesExample"]),
    suite("DocumentationTests", ["Martlet"]),
    suite("ConventionTests", []),
    suite(
      "MartletToolTests",
      [
        "Seeds", "MartletTool", "MartletCommands", "Verification", "Martlet",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ], excluding: ["shell_on_a_terminal.py"]),
    suite("ConcurrencyControlTests", ["Seeds", "ConcurrencyControl", "Primitives"]),
    suite("ConsensusTests", ["Seeds", "Consensus", "Primitives"]),
    suite(
      "ReplicationTests",
      [
        "Seeds", "Replication", "Consensus", "VersionStore", "RedoLog", "Simulation",
        "SystemEnvironment",
        "Environment", "Primitives", "RawBytes",
      ]),
    suite(
      "RedoLogTests",
      [
        "Seeds", "RedoLog", "Simulation", "SystemEnvironment", "Environment", "Primitives",
        "RawBytes",
      ]),
  ]
)

// What the thread sanitizer has nothing to look at: simulated worlds, whose threads take turns, and
// the tool, whose work is done by the same engine. Without them its build takes half as long.
if !latches.isEmpty {
  let idle: Set = [
    "MartletCommands", "MartletTool", "MartletToolTests", "Fuzzing", "MartletFuzz", "FuzzTests",
    "LedgerExample", "NotesExample", "ExampleTests", "DocumentationTests",
    "CrashTests", "TortureTests", "SimulateTests", "ReplicationTests", "ConsensusTests",
    "ModelCheckingTests", "LinearizabilityTests", "ExhaustiveTests", "DamageTests", "GoldenTests",
    "KeyCodingTests", "RecordCodingTests", "BackupTests", "CollectionTests", "ExpiryTests",
    "MergeTests", "SuspensionTests",
  ]
  package.targets.removeAll { idle.contains($0.name) }
  package.products.removeAll { $0.name == "martlet" }
}
