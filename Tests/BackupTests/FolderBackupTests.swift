import Environment
import Foundation
import Martlet
import Seeds
import Simulation
import SystemEnvironment
import Testing

/// Backups to a directory and as a stream, on files in memory.
@Suite struct `A backup` {
  /// The story: whether a directory holds an incomplete copy was looked at before its lock was taken.
  /// One that was completed in between was cleared away, though its backup had succeeded.
  @Test func `leaves a copy alone that is completed just before the directory is locked`() throws {
    let world = BackupWorld()
    let database = try world.database()
    let expected = try world.fill(database, seed: 3, count: 300)
    let other = world.effects
    // Incomplete, as a crash leaves it.
    try other.files.createDirectory("/copy")
    _ = try other.files.open("/copy/incomplete", FileMode(creation: .ifAbsent))
    let files = InterposedFiles(other.files) { try database.backup(to: "/copy", outside: other) }
    let outside = Effects(
      files: files, time: other.time, entropy: other.entropy, waits: other.waits,
      background: other.background, events: other.events)
    let error = #expect(throws: DatabaseError.self) {
      try database.backup(to: "/copy", outside: outside)
    }
    #expect(error?.code == .directoryNotEmpty)
    try database.close()
    let copy = try world.database(at: "/copy")
    #expect(try world.contents(copy) == expected)
    try copy.close()
  }

  @Test func `to a directory opens as a database with exactly what was committed before`() throws {
    let world = BackupWorld()
    let database = try world.database()
    let model = try world.fill(database, seed: Seed.take(for: #function), count: 2_000)
    let summary = try database.backup(to: "/copy", outside: world.effects)
    try database.write { (tx: borrowing Transaction) in
      try tx.set("after", for: "after", in: try database.keyspace("default"))
    }
    #expect(summary.source == database.id && summary.copy != database.id)
    #expect(summary.pageCount > 10)
    let copy = try world.database(at: "/copy")
    #expect(copy.id == summary.copy)
    #expect(try world.contents(copy) == model)
    #expect(try copy.verify().isClean)
    try copy.close()
    try database.close()
  }

  @Test func `as a stream is restored to the same contents, whatever the length of its pieces`()
    throws
  {
    let world = BackupWorld()
    let database = try world.database()
    let model = try world.fill(database, seed: Seed.take(for: #function), count: 2_000)
    var stream: [UInt8] = []
    let summary = try database.backup { stream += $0 }
    #expect(summary.copy == nil)
    try database.close()
    for length in [1_000_000_000, 4_099, 64_000] {
      let directory = "/restored-\(length)"
      var rest = stream[...]
      let restored = try Database.restore(to: directory, effects: world.effects) {
        defer { rest = rest.dropFirst(length) }
        return rest.isEmpty ? nil : Array(rest.prefix(length))
      }
      #expect(restored.timestamp == summary.timestamp)
      #expect(restored.pageCount == summary.pageCount)
      let copy = try world.database(at: directory)
      #expect(try world.contents(copy) == model)
      #expect(try copy.verify().isClean)
      try copy.close()
    }
  }

  /// Between two pieces everything happens that gives places back: overwriting, checkpoints, dropped
  /// keyspaces, bulk builds, compactions.
  @Test func `shows one moment whatever happens meanwhile, and then lets its places go`() throws {
    let world = BackupWorld()
    let database = try world.database()
    var random = SeededGenerator(seed: Seed.take(for: #function))
    let model = try world.fill(database, seed: random.next(), count: 6_000)
    var stream: [UInt8] = []
    var pieces = 0
    var held: UInt64 = 0
    let summary = try database.backup { piece in
      stream += piece
      pieces += 1
      switch pieces % 5 {
      case 0: try database.dropKeyspace("other")
      case 1:
        try database.build("built \(pieces)") { builder in
          for index in 0..<500 { try builder.append("\(1_000 + index)", "built") }
        }
      case 2: try database.compact()
      default: _ = try world.fill(database, seed: random.next(), count: 2_000)
      }
      try database.checkpoint()
      #expect(database.statistics.runningBackups == 1)
      held = max(held, database.statistics.backupHeldBytes)
    }
    #expect(pieces > 4)
    #expect(held > 100_000, "nothing was held back, so nothing was put to the test: \(held)")
    #expect(database.statistics.backupHeldBytes == 0)
    #expect(database.statistics.runningBackups == 0)
    // What was dropped still goes in the background, and dirties pages on its way: few that have no
    // place yet.
    let used = database.statistics.usedBytes + 65_536
    var checkpoints = 0
    repeat {
      try database.checkpoint()
      checkpoints += 1
    } while database.statistics.usedBytes > used && checkpoints < 1_000
    #expect(database.statistics.usedBytes <= used)
    #expect(try database.verify().isClean)
    try database.close()
    var rest = [stream]
    let restored = try Database.restore(to: "/restored", effects: world.effects) { rest.popLast() }
    #expect(restored.timestamp == summary.timestamp)
    let copy = try world.database(at: "/restored")
    #expect(try world.contents(copy) == model)
    #expect(try copy.verify().isClean)
    try copy.close()
  }

  @Test func `to a directory that is not empty changes nothing`() throws {
    let world = BackupWorld()
    let database = try world.database()
    try database.backup(to: "/copy", outside: world.effects)
    let error = #expect(throws: DatabaseError.self) {
      try database.backup(to: "/copy", outside: world.effects)
    }
    #expect(error?.code == .directoryNotEmpty)
    let copy = try world.database(at: "/copy")
    try copy.close()
    try database.close()
  }

  @Test func `that its progress ends, or a cancelled task, leaves nothing`() async throws {
    struct Enough: Error {}
    let world = BackupWorld()
    let database = try world.database()
    _ = try world.fill(database, seed: Seed.take(for: #function), count: 4_000)
    var last: BackupProgress?
    #expect(throws: Enough.self) {
      try database.backup(to: "/copy", outside: world.effects) { progress in
        last = progress
        if progress.byteCount > 0 { throw Enough() }
      }
    }
    let progress = try #require(last)
    #expect(progress.pageCount > 0 && (progress.fraction ?? 0) > 0)
    #expect(progress.timeLeft != nil && progress.bytesPerSecond > 0)
    #expect(try world.effects.files.kind(of: "/copy") == .absent)
    let task = Task {
      unsafe withUnsafeCurrentTask { unsafe $0?.cancel() }
      for try await _ in database.backupStream() {}
    }
    await #expect(throws: DatabaseError.self) { try await task.value }
    #expect(database.statistics.runningBackups == 0)
    try database.close()
  }

  @Test func `as an asynchronous sequence is restored from one`() async throws {
    let world = BackupWorld()
    let database = try world.database()
    let model = try world.fill(database, seed: Seed.take(for: #function), count: 1_000)
    let directory = "/tmp/martlet-backup-\(UInt64.random(in: 0 ... .max))"
    defer { try? FileManager.default.removeItem(atPath: directory) }
    let summary = try await Database.restore(to: directory, from: database.backupStream())
    #expect(summary.source == database.id)
    let copy = try Database(at: directory, configuration: world.configuration)
    #expect(try world.contents(copy) == model)
    try copy.close()
    // An iterator that goes away lets its places go.
    var iterator: BackupStream.Iterator? = database.backupStream().makeAsyncIterator()
    _ = try await iterator?.next()
    #expect(database.statistics.runningBackups == 1)
    iterator = nil
    #expect(database.statistics.runningBackups == 0)
    try database.close()
  }

  @Test func `of a database in memory goes to the disk`() throws {
    let database = try Database.inMemory()
    let keyspace = try database.keyspace("default")
    try database.write { try $0.set("value", for: "key", in: keyspace) }
    let directory = "/tmp/martlet-backup-\(UInt64.random(in: 0 ... .max))"
    defer { try? FileManager.default.removeItem(atPath: directory) }
    try database.backup(to: directory)
    let restored = directory + "-restored"
    defer { try? FileManager.default.removeItem(atPath: restored) }
    try Database.restore(from: directory, to: restored)
    let copy = try Database(at: restored)
    let found = try #require(try copy.existingKeyspace("default"))
    #expect(try copy.read { try $0.value(for: "key", in: found, as: String.self) } == "value")
    try copy.close()
  }

  @Test func `that the database is closed under ends with that`() throws {
    let world = BackupWorld()
    let database = try world.database()
    _ = try world.fill(database, seed: Seed.take(for: #function), count: 4_000)
    let error = #expect(throws: DatabaseError.self) {
      try database.backup(to: "/copy", outside: world.effects) { _ in try database.close() }
    }
    #expect(error?.code == .closed)
    #expect(try world.effects.files.kind(of: "/copy") == .absent)
  }
}
