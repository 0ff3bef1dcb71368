import Environment
import Martlet
import RawBytes
import Simulation
import Synchronization
import Testing

/// Transactions that are open and do nothing.
@Suite struct `An idle transaction` {
  /// Gathers events.
  private final class Collector: EventSink {
    private let seen = Mutex<[Event]>([])
    var warnings: [Event] { seen.withLock { $0.filter { $0.kind == .idleTransaction } } }

    func wants(_ severity: Event.Severity) -> Bool { severity >= .warning }
    func report(_ event: Event) { seen.withLock { $0.append(event) } }
  }

  private static func nap(_ effects: Effects, _ seconds: UInt64) {
    _ = effects.waits.park(
      effects.waits.makeTicket(), until: effects.time.monotonic() + seconds * 1_000_000_000)
  }

  /// Runs a body in a simulated world with a database; returns the warnings.
  private func warnings(
    threshold: Duration? = .seconds(10),
    _ body: @escaping @Sendable (Database, Keyspace, Effects) throws -> Void
  ) throws -> [Event] {
    let collector = Collector()
    try Simulator(seed: 6).run { world in
      let effects = Effects(
        files: world.files, time: world.time, entropy: world.entropy, waits: world.waits,
        background: world.background, events: collector)
      let db = try Database(
        at: "/db",
        configuration: Configuration(
          checkpointInterval: .seconds(2), idleTransactionThreshold: threshold),
        effects: effects)
      defer { try? db.close() }
      let keyspace = try db.keyspace("k")
      try db.write { tx in
        for number in 0..<100 { try tx.set(number, for: number, in: keyspace) }
      }
      try body(db, keyspace, effects)
    }
    return collector.warnings
  }

  @Test func `is told of once, by its label and with what it keeps`() throws {
    let warnings = try warnings { db, keyspace, effects in
      try db.write(label: "checkout") { tx in
        try tx.set(1, for: 1, in: keyspace)
        Self.nap(effects, 9)
        try tx.set(2, for: 2, in: keyspace)
        Self.nap(effects, 60)
      }
    }
    let event = try #require(warnings.first)
    #expect(warnings.count == 1)
    #expect(event.severity == .warning)
    #expect(event.facts["label"] == .text("checkout"))
    #expect(event.message.contains("\"checkout\""))
    guard case .duration(let idle)? = event.facts["idle"],
      case .duration(let age)? = event.facts["age"]
    else {
      Issue.record("no durations: \(event.facts)")
      return
    }
    #expect(idle >= .seconds(10) && idle <= .seconds(20))
    #expect(age >= .seconds(19) && age <= .seconds(30), "from its last operation on: \(age)")
  }

  @Test func `is none that works now and then, whatever it does`() throws {
    let warnings = try warnings { db, keyspace, effects in
      for work in 0..<7 {
        try db.write(label: "busy") { tx in
          for turn in 0..<12 {
            Self.nap(effects, 4)
            switch work {
            case 0: _ = try tx.get(turn, in: keyspace)
            case 1: try tx.set(turn, for: turn, in: keyspace)
            case 2: try tx.remove(turn, in: keyspace)
            case 3: try tx.merge(.add(1), for: 7, in: keyspace)
            case 4: _ = try tx.byteCount(of: turn, in: keyspace)
            case 5: try tx.increment(turn, in: keyspace)
            default:
              try tx.forEach(in: keyspace, .all, reverse: false, limit: 2) { _, _ in .continue }
            }
          }
        }
      }
      for level in [IsolationLevel.readCommitted, .serializable] {
        try db.write(isolation: level, label: "scan") { tx in
          try tx.forEach(in: keyspace, .all, reverse: false, limit: 12) { _, _ in
            Self.nap(effects, 4)
            return .continue
          }
        }
      }
      try db.read(label: "scan") { snapshot in
        try snapshot.forEach(in: keyspace, .all, reverse: false, limit: 12) { _, _ in
          Self.nap(effects, 4)
          return .continue
        }
      }
    }
    #expect(warnings.isEmpty, "\(warnings.map(\.message))")
  }

  @Test func `is none that waits for another's lock`() throws {
    let warnings = try warnings { db, keyspace, effects in
      let waiter = effects.background.start("waiter") {
        Self.nap(effects, 1)
        try? db.write(retry: .never, label: "waits") { try $0.set(1, for: 1, in: keyspace) }
      }
      try db.write(isolation: .readCommitted, label: "holds") { tx in
        for turn in 0..<15 {
          try tx.set(1, for: 1, in: keyspace)
          _ = try tx.get(turn, in: keyspace)
          Self.nap(effects, 4)
        }
      }
      waiter.join()
    }
    #expect(warnings.isEmpty, "\(warnings.map(\.message))")
  }

  @Test func `that only reads is told of when it keeps old versions`() throws {
    for isPinning in [false, true] {
      let warnings = try warnings { db, keyspace, effects in
        try db.read(label: "report") { snapshot in
          _ = try snapshot.get(1, in: keyspace)
          if isPinning { try db.write { try $0.set(2, for: 1, in: keyspace) } }
          Self.nap(effects, 60)
        }
      }
      #expect(warnings.count == (isPinning ? 1 : 0), "\(warnings.map(\.message))")
      if let event = warnings.first {
        #expect(event.facts["label"] == .text("report"))
        guard case .integer(let bytes)? = event.facts["bytes"] else {
          Issue.record("no bytes: \(event.facts)")
          return
        }
        #expect(bytes > 0)
      }
    }
  }

  @Test func `is nobody's concern without a threshold, and a threshold is positive`() throws {
    let warnings = try warnings(threshold: nil) { db, keyspace, effects in
      try db.write { tx in
        try tx.set(1, for: 1, in: keyspace)
        Self.nap(effects, 100)
      }
    }
    #expect(warnings.isEmpty)
    let error = #expect(throws: DatabaseError.self) {
      try Database.inMemory(configuration: Configuration(idleTransactionThreshold: .zero))
    }
    #expect(error?.code == .invalidArgument)
  }

  /// The word that asks is the one that tells of a suspension.
  @Test func `that was asked is ended by a suspension all the same`() throws {
    let warnings = try warnings { db, keyspace, effects in
      let error = #expect(throws: DatabaseError.self) {
        try db.write(retry: .never) { tx in
          Self.nap(effects, 30)
          _ = try tx.get(1, in: keyspace)
          let suspender = effects.background.start("suspender") {
            try? db.suspend(within: .seconds(1))
          }
          Self.nap(effects, 1)
          _ = try tx.get(1, in: keyspace)
          suspender.join()
        }
      }
      #expect(error?.code == .suspended)
      try db.resume()
      try db.write { tx in
        Self.nap(effects, 8)
        try tx.set(1, for: 1, in: keyspace)
      }
    }
    #expect(warnings.count == 1)
  }
}
