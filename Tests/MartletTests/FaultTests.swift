import Environment
import Martlet
import Simulation
import Testing
import Verification

/// What the database does when its device fails while it runs.
@Suite struct `While the device fails` {
  @Test func `a failed flush poisons: nothing more is acknowledged, and readers go on (F1, F2)`()
    throws
  {
    let simulator = Simulator(seed: 11)
    try simulator.run { effects in
      let db = try Database(
        at: "/db", configuration: CrashSession.smallConfiguration, effects: effects)
      let keys = try db.keyspace("k")
      try db.write { try $0.set("kept", for: "a", in: keys) }
      simulator.disk.inject(
        Fault(.fails(Fault.inputOutput), on: [.write, .sync], .always, path: "log-"))
      let first = #expect(throws: DatabaseError.self) {
        try db.write { try $0.set("lost", for: "a", in: keys) }
      }
      #expect(first?.code == .commitUnknown)
      let second = #expect(throws: DatabaseError.self) {
        try db.write { try $0.set("never", for: "b", in: keys) }
      }
      #expect(second?.code == .poisoned)
      simulator.disk.removeFaults()
      let third = #expect(throws: DatabaseError.self) {
        try db.write { try $0.set("never", for: "b", in: keys) }
      }
      #expect(third?.code == .poisoned, "a later success would mean nothing")
      let seen = try db.read { try $0.value(for: "a", in: keys, as: String.self) }
      #expect(seen == "kept", "readers see what was acknowledged")
      try? db.close()
      let again = try Database(
        at: "/db", configuration: CrashSession.smallConfiguration, effects: effects)
      let back = try #require(try again.existingKeyspace("k"))
      let value = try again.read { try $0.value(for: "a", in: back, as: String.self) }
      #expect(value == "kept" || value == "lost")
      try again.close()
    }
  }

  /// The story: it told of a full disk, behind which work goes on, and had ended the database.
  @Test(arguments: [Fault.noSpace, Fault.inputOutput])
  func `timestamps that cannot be reserved end the database, and the error says so`(
    number: Int32
  ) throws {
    let simulator = Simulator(seed: 14)
    try simulator.run { effects in
      let db = try Database(
        at: "/db", configuration: CrashSession.smallConfiguration, effects: effects)
      // The first commit reserves them.
      simulator.disk.inject(Fault(.fails(number), on: [.write], .once(at: 1), path: "log-"))
      let first = #expect(throws: DatabaseError.self) { try db.keyspace("k") }
      #expect(first?.code == .poisoned)
      #expect(first?.message.contains("reopen") == true)
      simulator.disk.removeFaults()
      let second = #expect(throws: DatabaseError.self) { try db.keyspace("k") }
      #expect(second?.code == .poisoned)
      try? db.close()
      let again = try Database(
        at: "/db", configuration: CrashSession.smallConfiguration, effects: effects)
      #expect(try again.existingKeyspace("k") == nil)
      _ = try again.keyspace("k")
      try again.close()
    }
  }

  @Test func `a full disk is refused before anything changes, and space brings it back (F10)`()
    throws
  {
    let simulator = Simulator(seed: 12)
    try simulator.run { effects in
      let db = try Database(
        at: "/db", configuration: CrashSession.smallConfiguration, effects: effects)
      let keys = try db.keyspace("k")
      simulator.disk.capacity = simulator.disk.snapshot.usedByteCount + (1 << 20)
      var written = 0
      var refusal: DatabaseError?
      while refusal == nil, written < 10_000 {
        do {
          try db.write { tx in
            try tx.set(
              Array(repeating: UInt8(written % 256), count: 900), for: "key \(written)", in: keys)
          }
          written += 1
        } catch {
          refusal = error as? DatabaseError
        }
      }
      #expect(refusal?.code == .diskFull)
      var count = 0
      try db.read {
        try $0.forEach(in: keys) { _, _ in
          count += 1; return .continue
        }
      }
      #expect(count == written, "everything acknowledged is readable")
      simulator.disk.capacity = nil
      try db.write { try $0.set("more", for: "after", in: keys) }
      let value = try db.read { try $0.value(for: "after", in: keys, as: String.self) }
      #expect(value == "more")
      #expect(try db.verify().findings == [])
      try db.close()
    }
  }

  @Test func `an old snapshot expires at the version budget instead of lying (V5)`() throws {
    let db = try Database.inMemory(
      configuration: Configuration(versionBudget: 1 << 16))
    let keys = try db.keyspace("k")
    let names = (0..<300).map { "key \($0)" }
    func write(_ byte: UInt8, _ names: [String]) throws {
      try db.write { tx in
        for name in names { try tx.set(Array(repeating: byte, count: 1000), for: name, in: keys) }
      }
    }
    try write(0, names)
    let error = #expect(throws: DatabaseError.self) {
      try db.read { snapshot in
        // One key at a time, so that the snapshot pins ever more.
        for name in names {
          try write(1, [name])
          let value = try snapshot.get(name, in: keys)
          #expect(value == Array(repeating: 0, count: 1000), "never a wrong row")
        }
      }
    }
    #expect(error?.code == .snapshotTooOld)
    #expect(db.statistics.expiredSnapshots == 1)
    let now = try db.read { try $0.get("key 0", in: keys) }
    #expect(now == Array(repeating: 1, count: 1000), "a new snapshot sees the newest state")
  }

  @Test func `a wrong sector from the data file is an error that names the place`() throws {
    for (seed, effect) in [
      Fault.Effect.flipsBit, .returnsStaleSector, .returnsMisdirectedSector,
    ].enumerated() {
      let simulator = Simulator(seed: 20 + UInt64(seed))
      try simulator.run { effects in
        let db = try Database(
          at: "/db", configuration: CrashSession.smallConfiguration, effects: effects)
        let keys = try db.keyspace("k")
        for round in 0..<2 {
          for start in stride(from: 0, to: 1000, by: 50) {
            try db.write { tx in
              for number in start..<start + 50 {
                try tx.set(
                  Array(repeating: UInt8(round), count: 700), for: "key \(number)", in: keys)
              }
            }
          }
        }
        try db.checkpoint()
        simulator.disk.inject(Fault(effect, on: [.read], .always, path: "data.martlet"))
        var failures = 0
        for number in stride(from: 0, to: 1000, by: 7) {
          do {
            let value = try db.read { try $0.get("key \(number)", in: keys) }
            #expect(value == Array(repeating: 1, count: 700), "\(effect): a wrong answer")
          } catch let error as DatabaseError {
            #expect(error.code == .corrupt)
            #expect(error.message.contains("data.martlet") || error.message.contains("page"))
            failures += 1
          }
        }
        #expect(failures > 0, "\(effect) never met a reader")
        simulator.disk.removeFaults()
        try? db.close()
      }
    }
  }
}
