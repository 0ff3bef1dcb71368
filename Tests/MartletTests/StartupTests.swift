import Environment
import Foundation
import Martlet
import Simulation
import SystemEnvironment
import Testing

/// The table of startup cases (rule R4), and who may open a directory (rule F8).
@Suite struct `Opening a directory` {
  private func temporary() -> String {
    NSTemporaryDirectory() + "martlet-test-\(UInt64.random(in: 0 ... .max))"
  }

  private func code(_ body: () throws -> Void) -> DatabaseError.Code? {
    do {
      try body()
      return nil
    } catch {
      return (error as? DatabaseError)?.code
    }
  }

  @Test func `that is absent makes a database, and opening it again finds the data`() throws {
    let path = temporary()
    defer { try? FileManager.default.removeItem(atPath: path) }
    do {
      let db = try Database(at: path)
      let keys = try db.keyspace("k")
      try db.write { try $0.set("v", for: "a", in: keys) }
      try db.close()
    }
    let db = try Database(at: path)
    let keys = try #require(try db.existingKeyspace("k"))
    let found = try db.read { try $0.value(for: "a", in: keys, as: String.self) }
    #expect(found == "v")
    #expect(Database.isDatabase(at: path))
    try db.close()
  }

  @Test func `that is open already is refused at once, and works after closing`() throws {
    let path = temporary()
    defer { try? FileManager.default.removeItem(atPath: path) }
    let db = try Database(at: path)
    #expect(code { _ = try Database(at: path) } == .alreadyOpen)
    let link = path + "-link"
    try FileManager.default.createSymbolicLink(atPath: link, withDestinationPath: path)
    defer { try? FileManager.default.removeItem(atPath: link) }
    #expect(code { _ = try Database(at: link) } == .alreadyOpen, "by any name")
    try db.close()
    try Database(at: link).close()
  }

  @Test func `that holds something else is refused and left as it is`() throws {
    let path = temporary()
    defer { try? FileManager.default.removeItem(atPath: path) }
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    try "letter".write(toFile: path + "/letter.txt", atomically: true, encoding: .utf8)
    #expect(code { _ = try Database(at: path) } == .notADatabase)
    #expect(try FileManager.default.contentsOfDirectory(atPath: path) == ["letter.txt"])
    #expect(code { _ = try Database(at: path + "/letter.txt") } == .notADatabase)
  }

  @Test func `that is absent is refused when nothing is to be made`() throws {
    let path = temporary()
    #expect(
      code { _ = try Database(at: path, configuration: Configuration(createIfMissing: false)) }
        == .notFound)
    #expect(!FileManager.default.fileExists(atPath: path))
  }

  @Test func `that was closed refuses every use`() throws {
    let db = try Database.inMemory()
    let keys = try db.keyspace("k")
    try db.close()
    #expect(code { try db.read { _ = try $0.get("a", in: keys) } } == .closed)
    #expect(code { try db.write { try $0.set("v", for: "a", in: keys) } } == .closed)
    #expect(code { try db.checkpoint() } == .closed)
    try db.close()
  }

  @Test func `with impossible settings is refused with the reason`() {
    #expect(
      code { _ = try Database.inMemory(configuration: .init(pageSize: 5000)) } == .invalidArgument)
    #expect(
      code { _ = try Database.inMemory(configuration: .init(cacheSize: 1)) } == .invalidArgument)
  }

  // MARK: Damaged directories, in the simulator

  /// A closed database with a checkpoint and, unless it was closed, commits beyond it.
  private func image(closing: Bool) throws -> DiskImage {
    let simulator = Simulator(seed: 5)
    var result: DiskImage?
    try simulator.run { effects in
      let db = try Database(at: "/db", configuration: Self.small, effects: effects)
      let keys = try db.keyspace("k")
      for number in 0..<50 {
        try db.write { tx in
          try tx.set(Array(repeating: UInt8(number), count: 500), for: "key \(number)", in: keys)
        }
        if number == 25 { try db.checkpoint() }
      }
      result = simulator.disk.snapshot
      try db.close()
      if closing { result = simulator.disk.snapshot }
    }
    return try #require(result)
  }

  static let small = Configuration(pageSize: 4096, cacheSize: 64 * 4096)

  private func open(_ image: DiskImage) -> (code: DatabaseError.Code?, count: Int) {
    let simulator = Simulator(seed: 6, disk: image)
    do {
      return try simulator.run { effects in
        let db = try Database(at: "/db", configuration: Self.small, effects: effects)
        defer { try? db.close() }
        var count = 0
        if let keys = try db.existingKeyspace("k") {
          try db.read {
            try $0.forEach(in: keys) { _, _ in
              count += 1; return .continue
            }
          }
        }
        return (nil, count)
      }
    } catch {
      return ((error as? DatabaseError)?.code, 0)
    }
  }

  @Test func `after a crash finds every commit`() throws {
    #expect(open(try image(closing: false)).count == 50)
    #expect(open(try image(closing: true)).count == 50)
  }

  @Test func `without its data file fails closed`() throws {
    var image = try image(closing: true)
    image.remove("/db/data.martlet")
    #expect(open(image).code == .corrupt)
  }

  @Test func `without its log fails closed`() throws {
    var image = try image(closing: true)
    for path in image.paths where path.contains("/log-") { image.remove(path) }
    #expect(open(image).code == .corrupt)
  }

  @Test func `with one bad superblock copy of each pair opens`() throws {
    var image = try image(closing: false)
    for block in [0, 2] {
      image.overwrite(
        "/db/data.martlet", at: UInt64(block * 4096), with: Array(repeating: 0xff, count: 4096))
    }
    #expect(open(image).count == 50)
  }

  @Test func `with every superblock bad fails closed`() throws {
    var image = try image(closing: false)
    image.overwrite("/db/data.martlet", at: 0, with: Array(repeating: 0xff, count: 16384))
    let found = open(image).code
    #expect(found == .corrupt || found == .notADatabase)
  }

  @Test func `with leftovers of unfinished work removes them`() throws {
    var image = try image(closing: true)
    image.put("/db/log-0000000000000099.new", [1, 2, 3])
    image.put("/db/data.martlet.new", [1, 2, 3])
    #expect(open(image).count == 50)
  }

  @Test func `of another database's log refuses it (F9)`() throws {
    var image = try image(closing: false)
    let other = Simulator(seed: 77)
    try other.run { effects in
      let db = try Database(at: "/db", configuration: Self.small, effects: effects)
      _ = try db.keyspace("k")
      try db.close()
    }
    for path in image.paths where path.contains("/log-") { image.remove(path) }
    for path in other.disk.snapshot.paths where path.contains("/log-") {
      image.put(path, try #require(other.disk.snapshot.contents(of: path)))
    }
    #expect(open(image).code == .corrupt)
  }

  @Test func `whose log is damaged before its end reports the place`() throws {
    let image = try image(closing: false)
    let log = try #require(image.paths.first { $0.contains("/log-") })
    let bytes = try #require(image.contents(of: log))
    // Each flipped block of the written part either is corruption or lies in the torn tail.
    var reported = 0
    for block in 1..<60 where block * 4096 < bytes.count {
      var damaged = image
      damaged.flipBit(of: log, at: UInt64(block * 4096 + 50), bit: 3)
      let result = open(damaged)
      if let code = result.code {
        #expect(code == .corrupt || code == .newerFormat)
        reported += 1
      } else {
        #expect(result.count >= 49, "block \(block): only the last batch may be taken for torn")
      }
    }
    #expect(reported > 20)
  }

  /// A torture run found it: a process was killed between making the directory and syncing its
  /// parent. The next one found a directory, made a database in it, acknowledged commits, and a
  /// power cut took all of it.
  @Test func `in a directory that a crash left makes the directory durable (F4)`() throws {
    let killed = Simulator(seed: 1)
    killed.run { effects in
      #expect(throws: Never.self) { try effects.files.createDirectory("/db") }
    }
    try commitAndLosePower(killed.disk.snapshot)
  }

  /// A torture run found it: the sync of the directory failed after the data file had its name.
  /// The name stayed, no later sync could make it durable (F1), and a power cut took the file.
  @Test(arguments: 1...6) func `after a failed sync of a directory leaves no name behind`(
    _ number: Int
  ) throws {
    let failing = Simulator(seed: 2)
    failing.disk.inject(
      Fault(
        .fails(Fault.inputOutput), on: [.syncDirectory], .once(at: number), path: "/db"))
    failing.run { effects in
      _ = try? Database(at: "/db", configuration: Self.small, effects: effects).close()
    }
    try commitAndLosePower(failing.disk.snapshot.afterProcessCrash())
  }

  /// Opens the disk, commits, loses the power and everything not synced, and wants the commit back.
  private func commitAndLosePower(_ image: DiskImage) throws {
    let living = Simulator(seed: 3, disk: image)
    try living.run { effects in
      let db = try Database(at: "/db", configuration: Self.small, effects: effects)
      let keyspace = try db.keyspace("k")
      try db.write { try $0.set("value", for: "key", in: keyspace) }
      living.disk.cutPower()
      try? db.close()
    }
    let survivor = living.disk.afterPowerCut(.loseAll, seed: 4)
    try Simulator(seed: 5, disk: survivor).run { effects in
      let db = try Database(at: "/db", configuration: Self.small, effects: effects)
      let keyspace = try #require(try db.existingKeyspace("k"))
      let value = try db.read { try $0.value(for: "key", in: keyspace, as: String.self) }
      #expect(value == "value")
      try db.close()
    }
  }
}
