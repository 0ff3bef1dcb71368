import Environment
import Martlet
import Simulation
import SystemEnvironment
import Testing

/// Backups to a directory and as a stream, on files in memory.
@Suite struct `A backup` {
  @Test func `to a directory opens as a database with exactly what was committed before`() throws {
    let world = BackupWorld()
    let database = try world.database()
    let model = try world.fill(database, seed: testSeed(), count: 2_000)
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
    let model = try world.fill(database, seed: testSeed(), count: 2_000)
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
}
