import Foundation
import Martlet
import MartletCommands
import Paging
import Simulation

/// A golden folder on a real disk: the files of a database under `database`, cut behind their last
/// byte that is not zero, since files are made in large steps; in `sizes.tsv` how long they were; and in
/// `entries.tsv` what a scan of all keyspaces must give: keyspace, key and value of each entry, escaped
/// as `martlet scan` does.
struct GoldenFolder: Sendable, CustomStringConvertible {
  let url: URL

  var description: String { url.deletingLastPathComponent().lastPathComponent + "/" + name }
  var name: String { url.lastPathComponent }
  private var database: URL { url.appending(path: "database") }
  private var entries: URL { url.appending(path: "entries.tsv") }
  private var sizes: URL { url.appending(path: "sizes.tsv") }

  /// Where the committed ones are, by format version.
  static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .appending(path: "Golden")

  /// Those of the format that this engine writes.
  static var current: URL { root.appending(path: "version-\(Superblock.formatVersion)") }

  /// All that are committed, of all versions: each is open for ever.
  static let committed: [GoldenFolder] = {
    let manager = FileManager.default
    let versions = (try? manager.contentsOfDirectory(atPath: root.path)) ?? []
    return versions.sorted().flatMap { version in
      let folder = root.appending(path: version)
      let names = (try? manager.contentsOfDirectory(atPath: folder.path)) ?? []
      return names.sorted().map { GoldenFolder(url: folder.appending(path: $0)) }
    }
  }()

  var byteCount: Int {
    get throws { try files().values.reduce(0) { $0 + $1.count } }
  }

  /// The files of the database by name, as they are kept.
  func files() throws -> [String: [UInt8]] {
    var files: [String: [UInt8]] = [:]
    for name in try FileManager.default.contentsOfDirectory(atPath: database.path) {
      files[name] = [UInt8](try Data(contentsOf: database.appending(path: name)))
    }
    return files
  }

  /// Writes the files of a simulated disk here, and what the engine finds in a copy of them.
  func write(_ disk: DiskImage) throws {
    let manager = FileManager.default
    try manager.createDirectory(at: database, withIntermediateDirectories: true)
    var lines = ""
    for path in disk.paths where path.hasPrefix(GoldenShape.directory + "/") {
      let name = String(path.dropFirst(GoldenShape.directory.count + 1))
      let bytes = disk.contents(of: path) ?? []
      lines += "\(name)\t\(bytes.count)\n"
      let end = bytes.lastIndex { $0 != 0 }.map { $0 + 1 } ?? 0
      try Data(bytes[..<end]).write(to: database.appending(path: name))
    }
    try Data(lines.utf8).write(to: sizes)
    try Data(try scanOfCopy().entries).write(to: entries)
  }

  /// What is committed beside the database.
  func expectedEntries() throws -> [UInt8] { [UInt8](try Data(contentsOf: entries)) }

  /// What the engine finds in a copy of the folder: damaged places, and all entries. Twice: at once,
  /// and after the copy was closed in order.
  func scanOfCopy() throws -> (findings: [String], entries: [UInt8]) {
    try withCopy { path in
      var findings: [String] = []
      var scans: [[UInt8]] = []
      for _ in 0..<2 {
        let database = try Database(at: path, configuration: Configuration(createIfMissing: false))
        findings += try database.verify().findings.map(\.description)
        scans.append(try Self.scan(database))
        try database.write { _ in }
        try database.close()
      }
      if scans[0] != scans[1] { findings.append("the second opening finds something else") }
      return (findings, scans[0])
    }
  }

  private static func scan(_ database: Database) throws -> [UInt8] {
    var output: [UInt8] = []
    for name in database.keyspaceNames.sorted() {
      guard let keyspace = try database.existingKeyspace(name) else { continue }
      try database.read { snapshot in
        try snapshot.forEach(in: keyspace) { key, value in
          let fields = unsafe [
            Array(name.utf8), key.withUnsafeBytes { unsafe [UInt8]($0) },
            value.withUnsafeBytes { unsafe [UInt8]($0) },
          ]
          TabSeparated.append(record: fields, to: &output)
          return .continue
        }
      }
    }
    return output
  }

  /// What the second reader, written from `format-spec` alone, finds. Nil without `python3`.
  func scanBySecondReader() throws -> [UInt8]? {
    let program = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .deletingLastPathComponent().deletingLastPathComponent()
      .appending(path: "format-spec/reader/martlet_reader.py").path
    guard (try? Self.output(of: ["python3", "--version"])) != nil else { return nil }
    return try withCopy { try Self.scan($0, bySecondReader: program) }
  }

  private static func scan(_ path: String, bySecondReader program: String) throws -> [UInt8] {
    let listing = try output(of: ["python3", program, path, "--keyspaces", "--check"])
    let names = String(decoding: listing, as: UTF8.self).split(separator: "\n").map(String.init)
    var lines: [UInt8] = []
    for name in names.sorted() {
      var prefix: [UInt8] = []
      TabSeparated.append(Array(name.utf8), to: &prefix)
      let scan = try output(of: ["python3", program, path, "--keyspace", name])
      for line in scan.split(separator: 10) { lines += prefix + [9] + line + [10] }
    }
    return lines
  }

  /// Standard output of a program that ends with 0.
  private static func output(of arguments: [String]) throws -> [UInt8] {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = arguments
    let (output, error) = (Pipe(), Pipe())
    process.standardInput = FileHandle.nullDevice
    process.standardOutput = output
    process.standardError = error
    try process.run()
    let bytes = output.fileHandleForReading.readDataToEndOfFile()
    let text = error.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    guard process.terminationStatus == 0 else {
      throw ToolError("\(arguments): \(String(decoding: text, as: UTF8.self))")
    }
    return [UInt8](bytes)
  }

  private func withCopy<Result>(_ body: (String) throws -> Result) throws -> Result {
    let manager = FileManager.default
    let copy = manager.temporaryDirectory.appending(path: "martlet-golden-\(UUID().uuidString)")
    try manager.createDirectory(at: copy, withIntermediateDirectories: true)
    defer { try? manager.removeItem(at: copy) }
    let lines = String(decoding: try Data(contentsOf: sizes), as: UTF8.self)
    for line in lines.split(separator: "\n") {
      let fields = line.split(separator: "\t")
      guard fields.count == 2, let size = Int(fields[1]) else {
        throw ToolError("\(self): \(line)")
      }
      var bytes = try Data(contentsOf: database.appending(path: String(fields[0])))
      bytes.append(Data(count: size - bytes.count))
      try bytes.write(to: copy.appending(path: String(fields[0])))
    }
    return try body(copy.path)
  }
}
