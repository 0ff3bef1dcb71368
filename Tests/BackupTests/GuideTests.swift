import Foundation
import Martlet
import Testing

/// The samples of the article Backup, compiled and run.
@Suite struct `The guide to backups` {
  /// What the samples call that is the reader's.
  private final class File: @unchecked Sendable {
    // SENDABLE: used by one thread at a time.
    var bytes: [UInt8] = []

    func write(contentsOf piece: [UInt8]) throws { bytes += piece }

    func read(upToCount count: Int) throws -> [UInt8]? {
      defer { bytes.removeFirst(min(count, bytes.count)) }
      return bytes.isEmpty ? nil : Array(bytes.prefix(count))
    }
  }

  @Test func `has samples that do what they say`() async throws {
    let folder = "/tmp/martlet-guide-\(UInt64.random(in: 0 ... .max))"
    try FileManager.default.createDirectory(
      atPath: folder + "/backups", withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    try await run(in: folder)
  }

  private func run(in folder: String) async throws {
    let database = try Database(at: folder + "/database")
    let keyspace = try database.keyspace("default")
    try await database.write { try $0.set("value", for: "key", in: keyspace) }
    let output = File()
    let input = File()
    let uploaded = File()
    func upload(_ piece: [UInt8]) async throws { try uploaded.write(contentsOf: piece) }

    try samples(database, output, folder)
    output.bytes = []
    try streams(database, output)
    for try await piece in database.backupStream() {
      try await upload(piece)
    }
    input.bytes = uploaded.bytes
    try wayBack(input, folder)
    try dumps(database, output)
    try compaction(database)
    try database.close()
    for name in ["restored", "received"] {
      let copy = try Database(at: folder + "/" + name)
      let found = try #require(try copy.existingKeyspace("default"))
      let value = try await copy.read { try $0.value(for: "key", in: found, as: String.self) }
      #expect(value == "value")
      try copy.close()
    }
  }

  private func samples(_ database: Database, _ output: File, _ folder: String) throws {
    let summary = try database.backup(to: folder + "/backups/monday")
    print("the state at \(summary.timestamp), \(summary.pageCount) pages")
    try database.backup(to: folder + "/backups/tuesday") { progress in
      if let fraction = progress.fraction, let left = progress.timeLeft {
        print("\(Int(fraction * 100)) %, \(Int(progress.bytesPerSecond) >> 20) MiB/s, \(left) left")
      }
    }
  }

  private func streams(_ database: Database, _ output: File) throws {
    try database.backup { piece in try output.write(contentsOf: piece) }
    #expect(output.bytes.starts(with: "MartletB".utf8))
  }

  private func wayBack(_ input: File, _ folder: String) throws {
    try Database.restore(from: folder + "/backups/monday", to: folder + "/restored")
    try Database.restore(to: folder + "/received") {
      try input.read(upToCount: 1 << 20).map(Array.init)
    }
  }

  private func dumps(_ database: Database, _ output: File) throws {
    output.bytes = []
    try database.dump { piece in try output.write(contentsOf: piece) }
    #expect(output.bytes.starts(with: "martlet-dump 1".utf8))
    output.bytes = []
    try database.dump(.lmdb()) { piece in try output.write(contentsOf: piece) }
    #expect(output.bytes.starts(with: "VERSION=3".utf8))
  }

  private func compaction(_ database: Database) throws {
    let compaction = try database.compact()
    print("\(compaction.bytesBefore) bytes before, \(compaction.bytesAfter) after")
  }

  /// Every line of a sample stands here, but for where it puts its files.
  @Test func `has no sample that is not compiled here`() throws {
    let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent()
    let guide = try String(
      contentsOf: root.appending(path: "Sources/Martlet/Martlet.docc/Backup.md"), encoding: .utf8)
    let here = try String(contentsOf: URL(filePath: #filePath), encoding: .utf8)
      .replacing("folder + \"/", with: "\"").split(separator: "\n")
      .map { $0.trimmingCharacters(in: .whitespaces) }
    var isSample = false
    var count = 0
    for line in guide.split(separator: "\n") {
      if line.hasPrefix("```") {
        isSample = line == "```swift"
      } else if isSample {
        count += 1
        let line = line.trimmingCharacters(in: .whitespaces)
        #expect(here.contains(line), "\(line)")
      }
    }
    #expect(count > 15)
  }
}
