import Environment
import Martlet
import RawBytes
import Seeds
import Simulation
import SystemEnvironment
import Testing

/// Bytes that are not what was written, in the database and in the stream.
@Suite struct `Damage` {
  @Test func `of a page stops a backup with an error that names it`() throws {
    let world = BackupWorld()
    let database = try world.database()
    _ = try world.fill(database, seed: Seed.take(for: #function), count: 3_000)
    try database.checkpoint()
    let size = Int(database.statistics.fileBytes)
    var random = SeededGenerator(seed: Seed.take(for: #function))
    var found = 0
    // Some land in free space.
    for _ in 0..<40 {
      let file = try world.effects.files.open("/database/data.martlet", FileMode())
      let offset = UInt64(4 * 4096 + random.below(size - 5 * 4096))
      let memory = AlignedMemory(byteCount: 1)
      _ = try file.read(into: memory.bytes, at: offset)
      let old = memory.bytes.view.array
      try [old[0] ^ 0x40].withByteView { (bytes) throws(FileError) in
        try file.write(bytes, at: offset)
      }
      do {
        try database.backup(to: "/copy-\(offset)", outside: world.effects)
        let copy = try world.database(at: "/copy-\(offset)")
        #expect(try copy.verify().isClean)
        try copy.close()
      } catch let error as DatabaseError {
        found += 1
        #expect(error.code == .corrupt)
        #expect(
          ["page", "root table"].contains { error.message.contains($0) }, "\(error.message)")
        #expect(try world.effects.files.kind(of: "/copy-\(offset)") == .absent)
      }
      try old.withByteView { (bytes) throws(FileError) in try file.write(bytes, at: offset) }
    }
    #expect(found > 5, "\(found) of 40")
    try database.close()
  }

  @Test func `of a stream, and a stream that was cut short, make no database`() throws {
    let world = BackupWorld()
    let database = try world.database()
    _ = try world.fill(database, seed: Seed.take(for: #function), count: 1_000)
    var stream: [UInt8] = []
    try database.backup { stream += $0 }
    try database.close()
    var random = SeededGenerator(seed: Seed.take(for: #function))
    func restore(_ bytes: [UInt8], _ codes: [DatabaseError.Code], _ what: Comment) throws {
      var rest = [bytes]
      let error = #expect(throws: DatabaseError.self, what) {
        try Database.restore(to: "/restored", effects: world.effects) { rest.popLast() }
      }
      let isExpected = error.map { codes.contains($0.code) } ?? false
      #expect(isExpected, "\(what): \(String(describing: error))")
      #expect(try world.effects.files.kind(of: "/restored") == .absent, what)
    }
    for _ in 0..<60 {
      var bytes = stream
      let index = random.below(bytes.count)
      bytes[index] ^= UInt8(1 << random.below(8))
      try restore(
        bytes, [.corrupt, .notADatabase, .newerFormat, .incomplete], "byte \(index) flipped")
    }
    for _ in 0..<30 {
      let length = random.below(stream.count)
      try restore(Array(stream.prefix(length)), [.incomplete], "cut at \(length)")
    }
    try restore(stream + [0], [.corrupt], "a byte behind the end")
    try restore(Array(stream.prefix(100_000) + stream), [.corrupt], "two in one")
  }

  @Test func `of the data file stops a compaction with an error that names the page`() throws {
    let world = BackupWorld()
    let database = try world.database()
    _ = try world.fill(database, seed: Seed.take(for: #function), count: 3_000)
    try database.checkpoint()
    let used = database.statistics.usedBytes
    try database.dropKeyspace("default")
    // Its pages go in the background; only then is there something to move.
    var checkpoints = 0
    while database.statistics.usedBytes > used * 3 / 4, checkpoints < 10_000 {
      try database.checkpoint()
      checkpoints += 1
    }
    try database.checkpoint()
    let size = Int(database.statistics.fileBytes)
    let file = try world.effects.files.open("/database/data.martlet", FileMode())
    let memory = AlignedMemory(byteCount: 4096)
    for offset in stride(from: 5 * 4096, to: size, by: 4096) {
      try file.write(memory.bytes.view, at: UInt64(offset))
    }
    let error = #expect(throws: DatabaseError.self) { try database.compact() }
    #expect(error?.code == .corrupt)
    #expect(error?.message.contains("page") ?? false)
    try? database.close()
  }
}
