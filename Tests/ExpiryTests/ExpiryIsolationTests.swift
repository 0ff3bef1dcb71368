import Environment
import Martlet
import Simulation
import Testing
import Verification

/// What isolation levels promise of entries that expire while transactions run: the section on them in
/// "Transactions and isolation".
@Suite struct `Expiry beside isolation` {
  struct Mode: Sendable, CustomStringConvertible {
    let level: IsolationLevel
    var using: TransactionProtocol?

    var description: String { level.rawValue + (using.map { " by \($0.rawValue)" } ?? "") }

    /// Whether a statement sees what was committed since the transaction began.
    var seesNewest: Bool { level == .readUncommitted || level == .readCommitted }
    /// Whether what was read is locked.
    var locksReads: Bool { level == .repeatableRead || using == .twoPhaseLocking }

    static let all: [Mode] =
      [.readUncommitted, .readCommitted, .repeatableRead, .snapshot].map { Mode(level: $0) }
      + TransactionProtocol.allCases.map { Mode(level: .serializable, using: $0) }
    static let serializable = all.filter { $0.using != nil }
  }

  private static func nap(_ effects: Effects, _ seconds: Double) {
    let end = effects.time.monotonic() + UInt64(seconds * 1e9)
    _ = effects.waits.park(effects.waits.makeTicket(), until: end)
  }

  /// Runs a body in simulated time, with a key `k` that lives for two seconds.
  private func run(
    _ body: @escaping @Sendable (Database, Keyspace, Effects) throws -> Void
  ) throws {
    try Simulator(seed: 9).run { effects in
      let db = try Database(
        at: "/db", configuration: CrashSession.smallConfiguration, effects: effects)
      defer { try? db.close() }
      let keys = try db.keyspace("k")
      try db.write { tx in
        try tx.set("1", for: "x", in: keys)
        try tx.set("1", for: "y", in: keys)
        try tx.set("alive", for: "k", in: keys, expires: .after(.seconds(2)))
      }
      try body(db, keys, effects)
    }
  }

  private static func write(
    _ db: Database, _ mode: Mode, _ body: (borrowing Transaction) throws -> Void
  ) throws {
    try db.write(isolation: mode.level, using: mode.using, retry: .never, body)
  }

  private static func names(
    _ reader: borrowing Transaction, _ keys: Keyspace, _ pause: () -> Void = {}
  ) throws -> [String] {
    var names: [String] = []
    try reader.forEach(in: keys) { key, _ in
      names.append(String(valueBytes: key) ?? "?")
      pause()
      return .continue
    }
    return names
  }

  /// Between two statements and inside one.
  @Test(arguments: Mode.all)
  func `what lives at the begin lives on, until the sweeper's commit where commits show`(
    _ mode: Mode
  ) throws {
    try run { db, keys, effects in
      try Self.write(db, mode) { tx in
        #expect(try tx.contains("k", in: keys))
        // It expires during the scan, and the sweeper removes it, unless it is locked.
        let seen = try Self.names(tx, keys) { Self.nap(effects, 20) }
        #expect(seen == ["k", "x", "y"], "one statement has one moment")
        #expect(db.statistics.expiredEntriesRemoved == (mode.locksReads ? 0 : 1))
        #expect(try tx.contains("k", in: keys) == !mode.seesNewest)
        #expect(try Self.names(tx, keys) == (mode.seesNewest ? ["x", "y"] : ["k", "x", "y"]))
        #expect(try db.read { try $0.contains("k", in: keys) } == false, "to a younger one")
      }
      Self.nap(effects, 20)
      #expect(db.statistics.expiredEntriesRemoved == 1, "what was locked goes afterwards")
    }
  }

  /// One has seen it alive and one expired, side by side, and each writes what the other has not read.
  @Test(arguments: Mode.all)
  func `that a key expires is nobody's write`(_ mode: Mode) throws {
    try run { db, keys, effects in
      try Self.write(db, mode) { first in
        #expect(try first.contains("k", in: keys))
        // It has expired then, and the sweeper has not come.
        Self.nap(effects, 2.001)
        try Self.write(db, mode) { second in
          #expect(try second.contains("k", in: keys) == false)
          #expect(try Self.names(second, keys) == ["x", "y"])
          try second.set("2", for: "z", in: keys)
        }
        #expect(db.statistics.expiredEntriesRemoved == 0, "the test is about what nobody removed")
        try first.set("2", for: "x", in: keys)
      }
      #expect(db.statistics.aborts.isEmpty, "\(db.statistics.aborts)")
    }
  }

  /// The removal is an ordinary commit of somebody who has read the key.
  @Test(arguments: Mode.all)
  func `its removal is a write, for which a transaction may have to run again`(_ mode: Mode) throws
  {
    try run { db, keys, effects in
      var runs = 0
      try db.write(isolation: mode.level, using: mode.using) { tx in
        runs += 1
        let isThere = try tx.contains("k", in: keys)
        #expect(isThere == (runs == 1))
        Self.nap(effects, 20)
        try tx.set("2", for: "x", in: keys)
      }
      // Only who wants all that was read to be the newest minds.
      #expect(runs == (mode.using == .optimistic ? 2 : 1), "\(db.statistics.aborts)")
    }
    try run { db, keys, effects in
      Self.nap(effects, 2.001)
      var runs = 0
      try db.write(isolation: mode.level, using: mode.using) { tx in
        runs += 1
        // Absent and not locked: the sweeper takes it away meanwhile.
        _ = try tx.get("x", in: keys)
        Self.nap(effects, 20)
        #expect(db.statistics.expiredEntriesRemoved == 1)
        try tx.set("anew", for: "k", in: keys)
      }
      let firstUpdaterWins = mode.level == .snapshot || mode.using == .serializableSnapshot
      #expect(runs == (firstUpdaterWins ? 2 : 1), "\(db.statistics.aborts)")
      #expect(try db.read { try $0.value(for: "k", in: keys, as: String.self) } == "anew")
    }
  }

  /// Under two-phase locking reads show the newest state, and expiry is judged by the begin all the
  /// same.
  @Test func `each transaction has the clock of its own begin, also where it sees what came later`()
    throws
  {
    try run { db, keys, effects in
      let mode = Mode(level: .serializable, using: .twoPhaseLocking)
      try Self.write(db, mode) { old in
        Self.nap(effects, 2.001)
        try Self.write(db, mode) { young in
          #expect(try young.contains("k", in: keys) == false)
          try young.set("has expired", for: "note", in: keys)
        }
        #expect(try old.contains("note", in: keys))
        #expect(try old.contains("k", in: keys))
      }
    }
  }

  /// A counter of requests in a window of time, say.
  @Test(arguments: Mode.all)
  func `a merge changes what lived at the begin, and gives it no longer life`(_ mode: Mode) throws {
    try run { db, keys, effects in
      try Self.write(db, mode) { tx in
        _ = try tx.get("x", in: keys)
        try tx.merge(.append("!"), for: "k", in: keys)
        Self.nap(effects, 2.001)
        #expect(db.statistics.expiredEntriesRemoved == 0)
      }
      #expect(try db.read { try $0.contains("k", in: keys) } == false)
      try db.write { try $0.merge(.append("!"), for: "k", in: keys) }
      #expect(try db.read { try $0.value(for: "k", in: keys, as: String.self) } == "!")
    }
  }
}
