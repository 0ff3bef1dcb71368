import Environment
import Foundation
import Martlet
import Primitives
import Simulation
import Synchronization
import Testing
import Verification

/// A database that lets its directory go, so that the system may stop the process.
@Suite struct `A suspended database` {
  static var configuration: Configuration { CrashSession.smallConfiguration }

  private static func nap(_ effects: Effects, _ seconds: Double) {
    let end = effects.time.monotonic() + UInt64(seconds * 1e9)
    _ = effects.waits.park(effects.waits.makeTicket(), until: end)
  }

  private func code(_ body: () throws -> Void) -> DatabaseError.Code? {
    do { try body() } catch { return (error as? DatabaseError)?.code }
    return nil
  }

  @Test func `begins nothing, touches no file, and goes on as it was`() throws {
    let simulator = Simulator(seed: 1)
    try simulator.run { effects in
      let db = try Database(at: "/db", configuration: Self.configuration, effects: effects)
      let keys = try db.keyspace("k")
      let cache = [UInt8](repeating: 1, count: 900)
      for number in 0..<200 {
        try db.write(durability: .relaxed) { try $0.set(cache, for: "key \(number)", in: keys) }
      }
      try db.write { try $0.set(1, for: "short", in: keys, expires: .after(.seconds(2))) }
      try db.suspend()
      #expect(db.isSuspended)
      try db.suspend()
      let changes = simulator.disk.snapshot.usedByteCount
      let touched = Mutex(0)
      simulator.disk.observeChanges { _ in touched.withLock { $0 += 1 } }
      #expect(code { try db.write { try $0.set(1, for: "a", in: keys) } } == .suspended)
      #expect(code { try db.read { _ = try $0.get("a", in: keys) } } == .suspended)
      #expect(code { try db.checkpoint() } == .suspended)
      #expect(code { _ = try db.keyspace("new") } == .suspended)
      // Checkpoints, sweeps and spare segments become due meanwhile.
      Self.nap(effects, 100)
      #expect(touched.withLock { $0 } == 0, "nothing is written")
      #expect(simulator.disk.snapshot.usedByteCount == changes)
      simulator.disk.observeChanges(nil)
      try db.resume()
      #expect(!db.isSuspended)
      try db.resume()
      try db.write { try $0.set(2, for: "a", in: keys) }
      #expect(try db.read { try $0.value(for: "a", in: keys, as: Int.self) } == 2)
      #expect(try db.read { try $0.get("key 7", in: keys) } == cache)
      Self.nap(effects, 20)
      #expect(db.statistics.expiredEntriesRemoved == 1)
      #expect(try db.verify().findings == [])
      for _ in 0..<3 {
        try db.suspend()
        try db.resume()
      }
      try db.suspend()
      try db.close()
      #expect(code { try db.resume() } == .closed)
      let again = try Database(at: "/db", configuration: Self.configuration, effects: effects)
      let back = try #require(try again.existingKeyspace("k"))
      #expect(try again.read { try $0.value(for: "a", in: back, as: Int.self) } == 2)
      try again.close()
    }
  }

  @Test func `has made relaxed commits durable`() throws {
    let simulator = Simulator(seed: 2)
    try simulator.run { effects in
      let db = try Database(at: "/db", configuration: Self.configuration, effects: effects)
      let keys = try db.keyspace("k")
      try db.write(durability: .relaxed) { try $0.set("kept", for: "a", in: keys) }
      try db.suspend()
      simulator.disk.cutPower()
      try? db.close()
    }
    let next = Simulator(seed: 3, disk: simulator.disk.afterPowerCut(.loseAll, seed: 1))
    try next.run { effects in
      let db = try Database(at: "/db", configuration: Self.configuration, effects: effects)
      let keys = try #require(try db.existingKeyspace("k"))
      #expect(try db.read { try $0.value(for: "a", in: keys, as: String.self) } == "kept")
      try db.close()
    }
  }

  @Test func `leaves the directory to others, and does not go on over what they did`() throws {
    for changes in [true, false] {
      let simulator = Simulator(seed: 4)
      try simulator.run { effects in
        let db = try Database(at: "/db", configuration: Self.configuration, effects: effects)
        let keys = try db.keyspace("k")
        try db.write { try $0.set("mine", for: "a", in: keys) }
        #expect(
          code { _ = try Database(at: "/db", configuration: Self.configuration, effects: effects) }
            == .alreadyOpen)
        try db.suspend()
        let other = try Database(at: "/db", configuration: Self.configuration, effects: effects)
        #expect(code { try db.resume() } == .alreadyOpen)
        if changes {
          let theirs = try #require(try other.existingKeyspace("k"))
          try other.write { try $0.set("theirs", for: "a", in: theirs) }
        }
        try other.close()
        #expect(code { try db.resume() } == .changedWhileSuspended)
        #expect(
          code { try db.write { try $0.set("mine", for: "a", in: keys) } } == .changedWhileSuspended
        )
        try? db.close()
        let again = try Database(at: "/db", configuration: Self.configuration, effects: effects)
        let back = try #require(try again.existingKeyspace("k"))
        let value = try again.read { try $0.value(for: "a", in: back, as: String.self) }
        #expect(value == (changes ? "theirs" : "mine"))
        #expect(try again.verify().findings == [])
        try again.close()
      }
    }
  }

  @Test func `lets transactions end that do so in time, and rolls back the others`() throws {
    let simulator = Simulator(seed: 5)
    try simulator.run { effects in
      let db = try Database(at: "/db", configuration: Self.configuration, effects: effects)
      let keys = try db.keyspace("k")
      try db.write { try $0.set(0, for: "held", in: keys) }
      let outcomes = Mutex<[String: DatabaseError.Code?]>([:])
      let isOver = Mutex(false)
      func start(_ name: String, _ body: @escaping @Sendable () throws -> Void)
        -> any BackgroundThread
      {
        effects.background.start(name) {
          var code: DatabaseError.Code?
          do { try body() } catch { code = (error as? DatabaseError)?.code }
          outcomes.withLock { $0[name] = code }
        }
      }
      let threads = [
        start("quick") {
          try db.write { tx in
            try tx.set(1, for: "quick", in: keys)
            Self.nap(effects, 0.5)
            try tx.set(2, for: "quick", in: keys)
          }
        },
        start("slow") {
          try db.write { tx in
            try tx.set(1, for: "held", in: keys)
            while true {
              Self.nap(effects, 0.1)
              try tx.set(1, for: "slow", in: keys)
            }
          }
        },
        start("waiting") {
          Self.nap(effects, 0.1)
          try db.write { try $0.set(2, for: "held", in: keys) }
        },
        start("reading") {
          try db.read { snapshot in
            while true {
              Self.nap(effects, 0.1)
              _ = try snapshot.get("held", in: keys)
            }
          }
        },
        start("stubborn") {
          try db.write { tx in
            try tx.set(1, for: "stubborn", in: keys)
            while !isOver.withLock({ $0 }) { Self.nap(effects, 0.1) }
          }
        },
      ]
      Self.nap(effects, 0.2)
      let begin = effects.time.monotonic()
      try db.suspend(within: .seconds(4))
      let took = effects.time.monotonic() - begin
      #expect(took >= 3_000_000_000 && took < 4_500_000_000, "\(took)")
      try db.resume()
      isOver.withLock { $0 = true }
      for thread in threads { thread.join() }
      let found = outcomes.withLock { $0 }
      #expect(found["quick"] == .some(nil))
      #expect(found["slow"] == .suspended)
      #expect(found["reading"] == .suspended)
      #expect(found["stubborn"] == .suspended, "it finds out when it comes back")
      #expect(found["waiting"] == .suspended)
      try db.read { snapshot in
        let quick = try snapshot.value(for: "quick", in: keys, as: Int.self)
        #expect(quick == 2)
        for name in ["slow", "stubborn"] {
          let value = try snapshot.get(name, in: keys)
          #expect(value == nil, "\(name)")
        }
        let held = try snapshot.value(for: "held", in: keys, as: Int.self)
        #expect(held == 0)
      }
      try db.close()
    }
  }

  @Test func `on a real file system holds no lock`() throws {
    let directory =
      FileManager.default.temporaryDirectory.path + "/suspension-\(UInt64.random(in: 0 ... .max))"
    defer { try? FileManager.default.removeItem(atPath: directory) }
    let db = try Database(at: directory)
    let keys = try db.keyspace("k")
    try db.write { try $0.set(1, for: "a", in: keys) }
    try db.suspend()
    let descriptor = unsafe open(directory + "/lock", O_RDWR)
    #expect(Self.lock(descriptor), "another process could take it")
    #expect(code { try db.resume() } == .alreadyOpen)
    close(descriptor)
    try db.resume()
    #expect(try db.read { try $0.value(for: "a", in: keys, as: Int.self) } == 1)
    try db.suspend()
    #expect(try Database(at: directory).keyspaceNames == ["k"])
    #expect(code { try db.resume() } == .changedWhileSuspended)
    try? db.close()
  }

  /// Takes the lock of a file as another process would.
  private static func lock(_ descriptor: Int32) -> Bool {
    #if os(Linux)
      var whole = flock()
      whole.l_type = Int16(F_WRLCK)
      // F_OFD_SETLK, a lock of the open file: the header hides its name.
      return unsafe fcntl(descriptor, 37, &whole) == 0
    #else
      return flock(descriptor, LOCK_EX | LOCK_NB) == 0
    #endif
  }

  @Test func `that cannot read its files while the device is locked says so, and reads on later`()
    throws
  {
    let simulator = Simulator(seed: 6)
    try simulator.run { effects in
      var configuration = Self.configuration
      configuration.checkpointInterval = .seconds(1000)
      let db = try Database(at: "/db", configuration: configuration, effects: effects)
      let keys = try db.keyspace("k")
      let value = [UInt8](repeating: 3, count: 900)
      for number in 0..<600 {
        try db.write(durability: .relaxed) { try $0.set(value, for: "key \(number)", in: keys) }
      }
      try db.checkpoint()
      simulator.disk.inject(Fault(.fails(1), on: [.read], .always, path: "data.martlet"))
      let found = code {
        try db.read { snapshot in
          for number in 0..<600 { _ = try snapshot.get("key \(number)", in: keys) }
        }
      }
      #expect(found == .dataProtected)
      #expect(DatabaseError.Code.dataProtected.isRetryable)
      simulator.disk.removeFaults()
      try db.read { snapshot in
        for number in 0..<600 {
          let read = try snapshot.get("key \(number)", in: keys)
          #expect(read == value)
        }
      }
      try db.write { try $0.set(1, for: "after", in: keys) }
      try db.close()
    }
  }
}
