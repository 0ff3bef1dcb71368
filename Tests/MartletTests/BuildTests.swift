import Environment
import Foundation
import Martlet
import RawBytes
import Simulation
import Synchronization
import Seeds
import Testing
import Verification

@Suite struct `A bulk build` {
  private struct Stop: Error {}

  private static func key(_ number: Int) -> String { "key/\(1_000_000 + number)" }

  private static func value(_ number: Int, _ byteCount: Int) -> [UInt8] {
    [UInt8](repeating: UInt8(truncatingIfNeeded: number), count: byteCount)
  }

  private func contents(
    _ database: Database, _ keyspace: Keyspace
  ) throws -> [(key: [UInt8], value: [UInt8])] {
    var all: [(key: [UInt8], value: [UInt8])] = []
    try database.read { snapshot in
      try snapshot.forEach(in: keyspace) { key, value in
        all.append(([UInt8](valueBytes: key) ?? [], [UInt8](valueBytes: value) ?? []))
        return .continue
      }
    }
    return all
  }

  private func code(_ body: () throws -> Void) -> DatabaseError.Code? {
    do { try body() } catch { return (error as? DatabaseError)?.code }
    return nil
  }

  private func inSimulation(
    seed: UInt64 = 1, configuration: Configuration = CrashSession.smallConfiguration,
    _ body: (Database, Effects, Simulator) throws -> Void
  ) throws {
    let simulator = Simulator(seed: seed)
    try simulator.run { effects in
      let database = try Database(at: "/db", configuration: configuration, effects: effects)
      do {
        try body(database, effects, simulator)
      } catch {
        try? database.close()
        throw error
      }
      try database.close()
    }
  }

  // MARK: What it makes

  @Test(arguments: [BuildOrder.ascending, .any(memory: 256 << 10), .any()])
  func `makes what transactions make`(_ order: BuildOrder) throws {
    let seed = Seed.take()
    print("MARTLET_SEED=\(seed)")
    var random = SplitMix(seed)
    let database = try Database.inMemory(
      configuration: Configuration(pageSize: 4096, cacheSize: 64 * 4096))
    let set = try database.keyspace("set")
    var records: [(key: String, value: [UInt8])] = (0..<12_000).map { number in
      let byteCount = number % 500 == 3 ? 20_000 : Int.random(in: 0...140, using: &random)
      return (Self.key(number), Self.value(number, byteCount))
    }
    if case .any = order {
      records += (0..<600).map { (Self.key($0 * 7), Self.value($0, $0 % 100 == 0 ? 9_000 : 30)) }
      records.shuffle(using: &random)
      records += (0..<40).map { (Self.key($0), Self.value($0, 5)) }
    }
    for start in stride(from: 0, to: records.count, by: 1_000) {
      try database.write { tx in
        for record in records[start..<min(start + 1_000, records.count)] {
          try tx.set(record.value, for: record.key, in: set)
        }
      }
    }
    var phases: [BuildProgress.Phase] = []
    let built = try database.build(
      "built", order: order, progress: { if phases.last != $0.phase { phases.append($0.phase) } }
    ) { builder in
      for record in records { try builder.append(record.key, record.value) }
      #expect(builder.recordCount == records.count)
    }
    let expected = try contents(database, set)
    let found = try contents(database, built)
    #expect(found.map(\.key) == expected.map(\.key))
    #expect(found.map(\.value) == expected.map(\.value))
    #expect(phases.last == .committing)
    let report = try database.verify()
    #expect(report.findings == [])
    // It is a keyspace like any other.
    try database.write { tx in
      for number in 0..<3_000 { try tx.remove(Self.key(number), in: built) }
      try tx.set("new", for: "zzz", in: built)
    }
    #expect(try contents(database, built).count == expected.count - 3_000 + 1)
    try database.dropKeyspace("built")
    #expect(try database.verify().findings == [])
    try database.close()
  }

  @Test func `of nothing is an empty keyspace, there after reopening`() throws {
    let simulator = Simulator(seed: 2)
    try simulator.run { effects in
      for round in 0..<2 {
        let database = try Database(
          at: "/db", configuration: CrashSession.smallConfiguration, effects: effects)
        if round == 0 { try database.build("empty") { _ in } }
        let empty = try #require(try database.existingKeyspace("empty"))
        #expect(try contents(database, empty).isEmpty)
        try database.write { try $0.set("v", for: "k", in: empty) }
        try database.write { try $0.remove("k", in: empty) }
        #expect(try database.verify().findings == [])
        try database.close()
      }
    }
  }

  @Test func `is durable when it returns, in a database that is not`() throws {
    let simulator = Simulator(seed: 3)
    var configuration = CrashSession.smallConfiguration
    configuration.durability = .relaxed
    try simulator.run { [configuration] effects in
      let database = try Database(at: "/db", configuration: configuration, effects: effects)
      try database.build("built") { builder in
        for number in 0..<2_000 { try builder.append(Self.key(number), Self.value(number, 50)) }
      }
      simulator.disk.cutPower()
      try? database.close()
    }
    let later = Simulator(seed: 4, disk: simulator.disk.afterPowerCut(.loseAll, seed: 5))
    try later.run { [configuration] effects in
      let database = try Database(at: "/db", configuration: configuration, effects: effects)
      let built = try #require(try database.existingKeyspace("built"))
      #expect(try contents(database, built).count == 2_000)
      try database.close()
    }
  }

  // MARK: What it refuses

  @Test func `names the record whose key is not above the last one, and goes on`() throws {
    let database = try Database.inMemory()
    let built = try database.build("built") { builder in
      try builder.append("b", "1")
      for (key, _) in [("a", 0), ("b", 0), ("", 0)] {
        let error = #expect(throws: DatabaseError.self) { try builder.append(key, "x") }
        #expect(error?.code == .keysNotAscending)
        #expect(error?.message.contains("record 2") == true, "\(String(describing: error))")
      }
      #expect(
        code { try builder.append(String(repeating: "k", count: 5_000), "x") } == .keyTooLong)
      try builder.append("c", "2")
    }
    #expect(
      try contents(database, built).map { String(decoding: $0.key, as: UTF8.self) } == ["b", "c"])
    try database.close()
  }

  @Test func `needs a name that nobody has`() throws {
    let database = try Database.inMemory()
    _ = try database.keyspace("there")
    #expect(code { try database.build("there") { _ in } } == .keyspaceExists)
    #expect(code { try database.build("") { _ in } } == .invalidArgument)
    try database.build("mine") { builder in
      try builder.append("a", "1")
      #expect(code { _ = try database.keyspace("mine") } == .keyspaceExists)
      #expect(code { try database.build("mine") { _ in } } == .keyspaceExists)
      #expect(try database.existingKeyspace("mine") == nil, "named before it is committed")
      #expect(!database.keyspaceNames.contains("mine"))
    }
    try database.dropKeyspace("mine")
    try database.build("mine") { try $0.append("b", "2") }
    #expect(
      code { try database.build("x", order: .any(memory: 1_000)) { _ in } } == .invalidArgument)
    try database.close()
  }

  @Test(arguments: [BuildOrder.ascending, .any(memory: 256 << 10)])
  func `that throws leaves nothing, on disk or in memory`(_ order: BuildOrder) throws {
    try inSimulation { database, effects, _ in
      try database.checkpoint()
      let before = database.statistics
      for limit in [0, 10, 9_000] {
        #expect(throws: Stop.self) {
          try database.build("built", order: order) { builder in
            for number in 0..<limit {
              try builder.append(
                Self.key(number), Self.value(number, number % 1_000 == 7 ? 9_000 : 100))
            }
            throw Stop()
          }
        }
        // The progress closure may end it as well, wherever it is.
        #expect(throws: Stop.self) {
          try database.build(
            "built", order: order,
            progress: { if $0.phase == .committing || $0.recordCount > 5_000 { throw Stop() } }
          ) { builder in
            for number in 0..<limit {
              try builder.append(Self.key(number), Self.value(number, 150))
            }
          }
        }
        #expect(try database.existingKeyspace("built") == nil)
        #expect(try database.verify().findings == [])
      }
      try database.checkpoint()
      let after = database.statistics
      #expect(after.usedBytes <= before.usedBytes + (16 << 10))
      #expect(try effects.files.list("/db").allSatisfy { !$0.hasSuffix(".new") })
      try database.build("built", order: order) { try $0.append("a", "1") }
    }
  }

  @Test func `ends when its task is cancelled`() async throws {
    let database = try Database.inMemory()
    let task = Task {
      try database.build("built") { builder in
        var number = 0
        while true {
          try builder.append(Self.key(number), Self.value(number, 200))
          number += 1
          if number == 20_000 { unsafe withUnsafeCurrentTask { unsafe $0?.cancel() } }
        }
      }
    }
    let error = await #expect(throws: DatabaseError.self) { _ = try await task.value }
    #expect(error?.code == .cancelled)
    #expect(try database.existingKeyspace("built") == nil)
    try database.close()
  }

  // MARK: Beside others

  @Test func `is not shown to a snapshot from before, and shown to those after`() throws {
    let database = try Database.inMemory()
    let other = try database.keyspace("other")
    try database.write { try $0.set("1", for: "x", in: other) }
    var built: Keyspace?
    try database.read { snapshot in
      #expect(try snapshot.value(for: "x", in: other, as: String.self) == "1")
      let made = try database.build("built") { try $0.append("a", "1") }
      built = made
      let error = #expect(throws: DatabaseError.self) { try snapshot.get("a", in: made) }
      #expect(error?.code == .snapshotTooOld)
      #expect(code { try snapshot.forEach(in: made) { _, _ in .continue } } == .snapshotTooOld)
      // One that begins while the old one is open sees it.
      #expect(try database.read { try $0.value(for: "a", in: made, as: String.self) } == "1")
    }
    let made = try #require(built)
    #expect(try database.read { try $0.value(for: "a", in: made, as: String.self) } == "1")
    try database.close()
  }

  @Test(arguments: [
    IsolationLevel.readCommitted, .repeatableRead, .snapshot, .serializable, .strictSerializable,
  ])
  func `sends a transaction from before that uses it back to its beginning`(
    _ level: IsolationLevel
  ) throws {
    let database = try Database.inMemory()
    let other = try database.keyspace("other")
    var attempts = 0
    try database.write(isolation: level) { tx in
      attempts += 1
      _ = try tx.get("x", in: other)
      let made =
        try database.existingKeyspace("built")
        ?? database.build("built") { try $0.append("a", "1") }
      // Without a look at the key: the first updater wins, and that was the build.
      try tx.set("2", for: "a", in: made)
      try tx.set("3", for: "x", in: other)
    }
    let made = try #require(try database.existingKeyspace("built"))
    #expect(try database.read { try $0.value(for: "a", in: made, as: String.self) } == "2")
    if level == .snapshot { #expect(attempts == 2) }
    try database.close()
  }

  @Test(arguments: [BuildOrder.ascending, .any(memory: 512 << 10)])
  func `goes on beside writers and checkpoints`(_ order: BuildOrder) throws {
    let database = try Database.inMemory(
      configuration: Configuration(
        pageSize: 4096, cacheSize: 128 * 4096, checkpointLogBytes: 1 << 17))
    let other = try database.keyspace("other")
    let isDone = Atomic<Bool>(false)
    let failures = Mutex<[String]>([])
    let rounds = Mutex([0, 0])
    let bodies: [@Sendable () throws -> Void] = [
      {
        while !isDone.load(ordering: .acquiring) {
          let round = rounds.withLock { $0[0] }
          try database.write(durability: .relaxed) { tx in
            for number in 0..<20 {
              try tx.set(
                Self.value(round, 300), for: Self.key(round % 50 * 20 + number), in: other)
            }
          }
          rounds.withLock { $0[0] += 1 }
          usleep(1_000)
        }
      },
      {
        while !isDone.load(ordering: .acquiring) {
          try database.checkpoint()
          let findings = try database.verify().findings
          if !findings.isEmpty { failures.withLock { $0.append("\(findings)") } }
          rounds.withLock { $0[1] += 1 }
          usleep(20_000)
        }
      },
      {
        defer { isDone.store(true, ordering: .releasing) }
        for round in 0..<3 {
          try database.build("built \(round)", order: order) { builder in
            for number in 0..<6_000 {
              try builder.append(
                Self.key(number), Self.value(number, number % 1_500 == 5 ? 30_000 : 90))
              // On a machine with other work, until the others have gone on meanwhile.
              while number == 3_000, rounds.withLock({ $0.contains(0) }),
                !isDone.load(ordering: .acquiring)
              {
                usleep(1_000)
              }
            }
          }
          _ = try? database.build("never \(round)", order: order) { builder in
            for number in 0..<3_000 { try builder.append(Self.key(number), Self.value(number, 90)) }
            throw Stop()
          }
        }
      },
    ]
    let threads = bodies.enumerated().map { number, body in
      NativeThread(name: "test-\(number)") {
        do { try body() } catch {
          failures.withLock { $0.append("\(error)") }
          isDone.store(true, ordering: .releasing)
        }
      }
    }
    for thread in threads { thread.join() }
    #expect(failures.withLock { $0 } == [])
    for round in 0..<3 {
      let built = try #require(try database.existingKeyspace("built \(round)"))
      #expect(try contents(database, built).count == 6_000)
    }
    #expect(try contents(database, other).count == min(50, rounds.withLock { $0[0] }) * 20)
    #expect(rounds.withLock { $0[0] > 0 && $0[1] > 0 }, "nobody was beside the builds")
    let report = try database.verify()
    #expect(report.findings == [])
    try database.close()
  }

  /// It had said what the log said, which means that there is no such keyspace (torture, seed 1872).
  @Test func `whose log fails after its checkpoint is there, and says that it may be`() throws {
    let simulator = Simulator(seed: 8)
    try simulator.run { effects in
      let database = try Database(
        at: "/db", configuration: CrashSession.smallConfiguration, effects: effects)
      let answer = code {
        try database.build("built") { builder in
          for number in 0..<50 { try builder.append(Self.key(number), Self.value(number, 50)) }
          // The log takes the announcement, which is durable before the checkpoint, and nothing more.
          simulator.jumpWallClock(byNanoseconds: 3_600_000_000_000)
          simulator.disk.inject(
            Fault(.fails(Fault.inputOutput), on: [.write], .from(2), path: "log-"))
        }
      }
      #expect(answer == .commitUnknown)
      try? database.close()
    }
    let later = Simulator(seed: 9, disk: simulator.disk.afterPowerCut(.loseAll, seed: 1))
    try later.run { effects in
      let database = try Database(
        at: "/db", configuration: CrashSession.smallConfiguration, effects: effects)
      let built = try #require(try database.existingKeyspace("built"))
      #expect(try contents(database, built).count == 50)
      try database.close()
    }
  }

  @Test func `whose checkpoint fails is not there, and can be tried again`() throws {
    var afterRefusals: DiskImage?
    try inSimulation(seed: 6) { database, _, simulator in
      let other = try database.keyspace("other")
      try database.write { try $0.set("1", for: "x", in: other) }
      try database.checkpoint()
      let before = database.statistics
      // Any of the next writes to the data file fails: of pages, of the map, of the root table.
      var isOver = false
      var number = 1
      var refused = 0
      while !isOver {
        simulator.disk.inject(
          Fault(.fails(Fault.noSpace), on: [.write], .once(at: number), path: "data.martlet"))
        do {
          try database.build("built") { builder in
            for number in 0..<400 { try builder.append(Self.key(number), Self.value(number, 90)) }
          }
          isOver = true
        } catch let error as DatabaseError {
          guard error.code == .diskFull else {
            // The superblock's own write: what the device has is not known.
            #expect(error.code == .commitUnknown)
            simulator.disk.removeFaults()
            break
          }
          refused += 1
          #expect(try database.existingKeyspace("built") == nil)
          #expect(try database.verify().findings == [])
        }
        simulator.disk.removeFaults()
        if !isOver {
          try database.checkpoint()
          afterRefusals = simulator.disk.snapshot
        }
        number += 1
      }
      #expect(refused >= 3)
      if isOver {
        try database.dropKeyspace("built")
        try database.checkpoint()
        #expect(database.statistics.usedBytes <= before.usedBytes + (64 << 10))
      }
    }
    let image = try #require(afterRefusals)
    try Simulator(seed: 7, disk: image.afterProcessCrash()).run { effects in
      let database = try Database(
        at: "/db", configuration: CrashSession.smallConfiguration, effects: effects)
      #expect(database.keyspaceNames == ["other"])
      #expect(try database.verify().findings == [])
      try database.close()
    }
  }
}
