import Foundation
import Martlet
import Testing

@Suite(.ownFolder) struct BackupSamples {
  private func database() throws -> Database {
    try FileManager.default.createDirectory(
      atPath: OwnFolder.place("backups"), withIntermediateDirectories: true)
    let database = try Database(at: "database")
    let keyspace = try database.keyspace("default")
    try database.write { try $0.set("value", for: "key", in: keyspace) }
    return database
  }

  private func value(in copy: String) throws -> String? {
    let copy = try Database(at: copy)
    defer { try? copy.close() }
    let keyspace = try #require(try copy.existingKeyspace("default"))
    return try copy.read { try $0.value(for: "key", in: keyspace, as: String.self) }
  }

  private func file(_ name: String, _ bytes: [UInt8] = []) throws -> (FileHandle, path: String) {
    let path = OwnFolder.place(name)
    try Data(bytes).write(to: URL(filePath: path))
    return (try #require(FileHandle(forUpdatingAtPath: path)), path)
  }

  private func copy(_ database: Database) throws {
    var output: [String] = []
    func print(_ line: String) { output.append(line) }
    // sample: Backup
    let summary = try database.backup(to: "backups/monday")
    print("the state at \(summary.timestamp), \(summary.pageCount) pages")
    // end sample
    #expect(output.first?.hasPrefix("the state at ") == true)
    // sample: Backup
    try database.backup(to: "backups/tuesday") { progress in
      if let fraction = progress.fraction, let left = progress.timeLeft {
        print("\(Int(fraction * 100)) %, \(Int(progress.bytesPerSecond) >> 20) MiB/s, \(left) left")
      }
    }
    // end sample
  }

  @Test func `copies, and the way back`() async throws {
    let database = try database()
    try copy(database)

    let (output, path) = try file("stream")
    let uploaded = Output<[UInt8]>()
    func upload(_ piece: [UInt8]) async throws { uploaded.append(piece) }
    // sample: Backup
    try database.backup { piece in try output.write(contentsOf: piece) }

    for try await piece in database.backupStream() {
      try await upload(piece)
    }
    // end sample
    let stream = try [UInt8](Data(contentsOf: URL(filePath: path)))
    #expect(stream.starts(with: "MartletB".utf8))
    #expect(uploaded.lines.joined().starts(with: "MartletB".utf8))

    try wayBack(try file("received stream", stream).0)
    for copy in ["backups/monday", "backups/tuesday", "restored", "received"] {
      #expect(try value(in: copy) == "value")
    }
  }

  private func wayBack(_ input: FileHandle) throws {
    // sample: Backup
    try Database.restore(from: "backups/monday", to: "restored")

    try Database.restore(to: "received") {
      try input.read(upToCount: 1 << 20).map(Array.init)
    }
    // end sample
  }

  @Test func `dumps are text`() throws {
    let database = try database()
    let (output, path) = try file("dump")
    // sample: Backup
    try database.dump { piece in try output.write(contentsOf: piece) }
    try database.dump(.lmdb()) { piece in try output.write(contentsOf: piece) }
    // end sample
    let text = try String(contentsOfFile: path, encoding: .utf8)
    #expect(text.hasPrefix("martlet-dump 1"))
    #expect(text.contains("VERSION=3"))
  }

  @Test func `a compaction says what it did`() throws {
    var output: [String] = []
    func print(_ line: String) { output.append(line) }
    let database = try database()
    // sample: Backup
    let compaction = try database.compact()
    print("\(compaction.bytesBefore) bytes before, \(compaction.bytesAfter) after")
    // end sample
    #expect(output.first?.contains(" bytes before, ") == true)
  }
}
