import Foundation
import Testing

/// The layer table of the Architecture article, held against what the files really import: the
/// package manager lets an undeclared transitive import pass.
@Suite struct `The layers` {
  /// What each target may import of the others.
  static let table: [String: Set<String>] = [
    "Primitives": [],
    "RawBytes": ["CMartlet"],
    "KeyCoding": ["RawBytes"],
    "RecordCoding": ["RawBytes"],
    "Environment": ["Primitives", "RawBytes"],
    "SystemEnvironment": ["Environment", "CMartlet", "RawBytes", "Primitives"],
    "Simulation": ["Environment", "Primitives", "RawBytes"],
    "Paging": ["Environment", "Primitives", "RawBytes", "CLZ4"],
    "BTreeIndex": ["Paging", "Primitives", "RawBytes"],
    "VersionStore": ["BTreeIndex", "Paging", "Environment", "Primitives", "RawBytes"],
    "RedoLog": ["Environment", "Primitives", "RawBytes", "CLZ4"],
    "ConcurrencyControl": ["Primitives"],
    "Consensus": ["Primitives"],
    "Replication": [
      "Consensus", "VersionStore", "RedoLog", "Environment", "Primitives", "RawBytes",
    ],
    "Martlet": [
      "VersionStore", "RedoLog", "ConcurrencyControl", "BTreeIndex", "Paging",
      "SystemEnvironment", "Environment", "KeyCoding", "RecordCoding", "Primitives", "RawBytes",
      // With the package traits of these names alone.
      "Logging", "Metrics", "Tracing",
    ],
    "Verification": [
      "Martlet", "Replication", "Consensus", "VersionStore", "RedoLog", "Simulation",
      "SystemEnvironment", "Environment", "Primitives", "RawBytes",
    ],
    "MartletCommands": ["Martlet", "Verification", "ArgumentParser"],
    "MartletTool": ["MartletCommands"],
    "Fuzzing": [
      "MartletCommands", "Martlet", "VersionStore", "RedoLog", "BTreeIndex", "Paging", "Simulation",
      "SystemEnvironment", "Environment", "KeyCoding", "RecordCoding", "Primitives", "RawBytes",
    ],
    "MartletFuzz": ["Fuzzing", "RawBytes"],
    "LedgerExample": ["Martlet"],
    "NotesExample": ["Martlet"],
  ]

  /// Modules of the toolchain.
  static let toolchain: Set<String> = [
    "Darwin", "Glibc", "Musl", "Synchronization", "Swift", "Dispatch", "Observation",
    "SwiftUI",
  ]

  /// Which targets may use Foundation: tools, and what speaks to users of `UUID`, `Date` and `Data`.
  static let usersOfFoundation: Set<String> = [
    "MartletCommands", "MartletTool", "Fuzzing", "MartletFuzz", "KeyCoding", "RecordCoding",
    "Martlet", "LedgerExample", "NotesExample",
  ]

  static let root = URL(filePath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent().deletingLastPathComponent()

  static func files(of target: String) throws -> [URL] {
    let folder = root.appending(path: "Sources/\(target)")
    let walker = try #require(
      FileManager.default.enumerator(at: folder, includingPropertiesForKeys: nil))
    // The code of the tutorial lies in the catalog and is compiled by DocumentationTests.
    return walker.compactMap { $0 as? URL }.filter {
      $0.pathExtension == "swift" && !$0.path.contains(".docc/")
    }
  }

  /// The modules that a file imports.
  static func imports(in source: String) -> [String] {
    source.split(separator: "\n").compactMap { line in
      let words = line.split(whereSeparator: \.isWhitespace).map(String.init)
      guard let index = words.firstIndex(of: "import"), index + 1 < words.count,
        words[..<index].allSatisfy({
          ["public", "package", "internal", "private", "fileprivate", "@_exported"].contains($0)
        })
      else { return nil }
      return String(words[index + 1].split(separator: ".")[0])
    }
  }

  @Test func `import only what stands below them`() throws {
    var fileCount = 0
    for (target, allowed) in Self.table.sorted(by: { $0.key < $1.key }) {
      let folder = Self.root.appending(path: "Sources/\(target)")
      try #require(FileManager.default.fileExists(atPath: folder.path), "no target \(target)")
      for file in try Self.files(of: target) {
        fileCount += 1
        let mayUseFoundation = Self.usersOfFoundation.contains(target)
        for module in Self.imports(in: try String(contentsOf: file, encoding: .utf8)) {
          let isAllowed =
            allowed.contains(module) || Self.toolchain.contains(module)
            || (mayUseFoundation && ["Foundation", "FoundationEssentials"].contains(module))
          #expect(isAllowed, "\(target)/\(file.lastPathComponent) imports \(module)")
        }
      }
    }
    #expect(fileCount > 100, "the walk found only \(fileCount) files")
  }

  @Test func `are all in the table`() throws {
    let folders = try FileManager.default.contentsOfDirectory(
      atPath: Self.root.appending(path: "Sources").path)
    for folder in folders where !["CMartlet", "CLZ4"].contains(folder) && !folder.hasPrefix(".") {
      #expect(Self.table[folder] != nil, "target \(folder) is not in the layer table")
    }
  }

  @Test func `finds an import whatever its access level`() {
    let source = """
      package import RawBytes
      @_exported public import Primitives
      internal import Environment
      // import Nothing
      """
    #expect(Self.imports(in: source).prefix(2) == ["RawBytes", "Primitives"])
    #expect(!Self.imports(in: source).contains("Nothing"))
  }
}
