import Environment
import Martlet
import Primitives
import Simulation
import Seeds
import Testing
import Verification

/// The sweeper, in simulated time.
@Suite struct `The sweeper` {
  static var configuration: Configuration { CrashSession.smallConfiguration }

  private static func nap(_ effects: Effects, _ seconds: Double) {
    let end = effects.time.monotonic() + UInt64(seconds * 1e9)
    _ = effects.waits.park(effects.waits.makeTicket(), until: end)
  }

  @Test func `removes what has expired and nothing else, and takes its keyspace along`() throws {
    let simulator = Simulator(seed: 3)
    var configuration = Self.configuration
    configuration.checkpointInterval = .seconds(10_000)
    try simulator.run { effects in
      let db = try Database(at: "/db", configuration: configuration, effects: effects)
      let keys = try db.keyspace("k")
      for block in 0..<20 {
        try db.write { tx in
          for number in 0..<50 {
            let key = "key \(block * 50 + number)"
            switch number % 5 {
            case 0: try tx.set("stays", for: key, in: keys)
            case 1: try tx.set("later", for: key, in: keys, expires: .after(.seconds(300)))
            default: try tx.set("goes", for: key, in: keys, expires: .after(.seconds(number)))
            }
          }
        }
      }
      let large = [UInt8](repeating: 1, count: 50_000)
      try db.write { try $0.set(large, for: "large", in: keys, expires: .after(.seconds(5))) }
      #expect(db.statistics.expiredEntriesRemoved == 0)
      Self.nap(effects, 100)
      #expect(db.statistics.expiredEntriesRemoved == 601)
      let report = try db.verify()
      #expect(report.findings == [])
      var count = 0
      try db.read {
        try $0.forEach(in: keys) { _, _ in
          count += 1; return .continue
        }
      }
      #expect(count == 400)
      Self.nap(effects, 400)
      #expect(db.statistics.expiredEntriesRemoved == 801)
      // It sleeps: nothing more is due.
      let calls = simulator.trace.callCount
      Self.nap(effects, 3000)
      #expect(simulator.trace.callCount - calls < 2000, "hardly a call in an hour")
      try db.write { try $0.set("x", for: "last", in: keys, expires: .after(.seconds(1))) }
      try db.dropKeyspace("k")
      Self.nap(effects, 10)
      #expect(simulator.events.filter { $0.severity == .warning }.isEmpty)
      try db.close()
    }
  }

  @Test func `goes on after a restart with what had expired in between`() throws {
    let simulator = Simulator(seed: 4)
    try simulator.run { effects in
      var db = try Database(at: "/db", configuration: Self.configuration, effects: effects)
      var keys = try db.keyspace("k")
      try db.write { tx in
        for number in 0..<500 {
          try tx.set("v", for: "key \(number)", in: keys, expires: .after(.seconds(60)))
        }
      }
      try db.close()
      simulator.jumpWallClock(byNanoseconds: 120_000_000_000)
      db = try Database(at: "/db", configuration: Self.configuration, effects: effects)
      keys = try db.keyspace("k")
      let seen = try db.read { try $0.contains("key 1", in: keys) }
      #expect(!seen)
      Self.nap(effects, 60)
      #expect(db.statistics.expiredEntriesRemoved == 500)
      try db.close()
    }
  }

  @Test func `waits for nobody, and comes back for what somebody held`() throws {
    let simulator = Simulator(seed: 5)
    try simulator.run { effects in
      let db = try Database(at: "/db", configuration: Self.configuration, effects: effects)
      let keys = try db.keyspace("k")
      try db.write { tx in
        for name in ["a", "b", "c"] {
          try tx.set(name, for: name, in: keys, expires: .after(.seconds(1)))
        }
      }
      try db.write { tx in
        try tx.set("renewed", for: "b", in: keys)
        Self.nap(effects, 10)
        #expect(db.statistics.expiredEntriesRemoved == 2)
      }
      Self.nap(effects, 10)
      #expect(db.statistics.expiredEntriesRemoved == 2)
      let value = try db.read { try $0.value(for: "b", in: keys, as: String.self) }
      #expect(value == "renewed")
      try db.close()
    }
  }
}

/// The sweeper beside a writer who gives new life to what is about to expire.
@Suite struct `A key that is renewed when it expires` {
  @Test func `is not taken by a sweep that saw it before`() throws {
    let first = Seed.take()
    print("seed \(first)")
    var sweptCount: UInt64 = 0
    for offset in 0..<20 as Range<UInt64> {
      let seed = first &+ offset
      try Simulator(seed: seed).run { effects in
        var configuration = `The sweeper`.configuration
        configuration.expiryPace.delay = .zero
        configuration.expiryPace.restFactor = 1
        let db = try Database(at: "/db", configuration: configuration, effects: effects)
        defer { try? db.close() }
        let keys = try db.keyspace("k")
        let names = (10..<50).map { "key \($0)" }
        func nap() {
          _ = effects.waits.park(
            effects.waits.makeTicket(), until: effects.time.monotonic() + 120_000_000)
        }
        try db.write { tx in
          for name in names {
            try tx.set("old", for: name, in: keys, expires: .after(.milliseconds(100)))
          }
        }
        let renewed = names.filter { $0.hasSuffix("1") || $0.hasSuffix("5") }
        try db.write(durability: .relaxed) { tx in
          for name in renewed { try tx.set("new", for: name, in: keys) }
          // The sweeper finds them expired and locked, again and again, until this commits.
          nap()
        }
        nap()
        sweptCount += db.statistics.expiredEntriesRemoved
        var found: [String] = []
        try db.read { snapshot in
          try snapshot.forEach(in: keys) { key, _ in
            found.append(String(valueBytes: key) ?? "?")
            return .continue
          }
        }
        #expect(found == renewed, "seed \(seed)")
      }
    }
    #expect(sweptCount == 20 * 32)
  }
}

/// A life with expiring sets, merges, touches, clocks that jump and sweeps, cut off at its changes.
@Suite struct `Expiring data after a power cut` {
  /// What the model knows of a key.
  private struct Value: Equatable {
    var number: Int
    var expiry: UInt64
  }

  private struct Moment {
    let image: DiskImage
    let attempted: Int
    let acknowledged: Int
  }

  private final class Journal: @unchecked Sendable {
    // SENDABLE: touched by the one thread of the simulation that runs.
    var states: [[String: Value]] = [[:]]
    var acknowledged = 0
    var moments: [Moment] = []
  }

  @Test func `is a prefix of what was committed, seen at any time of the wall clock`() throws {
    let seed = Seed.take()
    print("seed \(seed)")
    let journal = Journal()
    let simulator = Simulator(seed: seed)
    var changes = 0
    simulator.disk.observeChanges { [disk = simulator.disk] _ in
      changes += 1
      guard changes % 9 == 0 else { return }
      journal.moments.append(
        Moment(
          image: disk.snapshot, attempted: journal.states.count - 1,
          acknowledged: journal.acknowledged))
    }
    var last: UInt64 = 0
    try simulator.run { effects in
      var generator = SplitMix(seed)
      let db = try Database(
        at: "/db", configuration: CrashSession.smallConfiguration, effects: effects)
      defer { try? db.close() }
      let keys = try db.keyspace("k")
      for turn in 0..<250 {
        let base = journal.states.count
        let chance = generator
        let filler = [UInt8](repeating: UInt8(turn % 256), count: Int(generator.next() % 600))
        try db.write { tx in
          // Again after a sweep that was first.
          generator = chance
          journal.states.removeLast(journal.states.count - base)
          var next = journal.states[base - 1]
          // The one who runs is the only writer but for the sweeper, which changes nothing visible.
          let now = try Self.now(tx, in: keys)
          for _ in 0..<1 + Int(generator.next() % 4) {
            let key = "key \(generator.next() % 60)"
            let old = next[key].flatMap { $0.expiry == 0 || $0.expiry > now ? $0 : nil }
            let life = Duration.seconds(Int(generator.next() % 40))
            let moment = now + UInt64(life.components.seconds) * 1_000_000_000
            switch generator.next() % 6 {
            case 0, 1:
              try tx.set(turn, for: key, in: keys, expires: .after(life))
              next[key] = Value(number: turn, expiry: moment)
            case 2:
              try tx.set(turn, for: key, in: keys)
              next[key] = Value(number: turn, expiry: 0)
            case 3:
              let isThere = try tx.touch(key, in: keys, expires: .after(life))
              #expect(isThere == (old != nil))
              if let old { next[key] = Value(number: old.number, expiry: moment) }
            case 4:
              try tx.merge(.add(1000), for: key, in: keys)
              next[key] = Value(number: (old?.number ?? 0) + 1000, expiry: old?.expiry ?? 0)
            default:
              try tx.remove(key, in: keys)
              next[key] = nil
            }
          }
          try tx.set(filler, for: "filler \(turn % 40)", in: keys)
          journal.states.append(next)
        }
        journal.acknowledged = journal.states.count - 1
        if turn % 7 == 0 {
          _ = effects.waits.park(
            effects.waits.makeTicket(), until: effects.time.monotonic() + 4_000_000_000)
        }
        if turn % 50 == 49 { simulator.jumpWallClock(byNanoseconds: -3_000_000_000) }
      }
      #expect(db.statistics.expiredEntriesRemoved > 20, "sweeps are to be cut off as well")
      #expect(try db.verify().findings == [])
      last = try db.read { _ in effects.time.wallClock() } + 20_000_000_000
      try db.close()
    }
    simulator.disk.observeChanges(nil)
    #expect(journal.moments.count > 30)
    for (index, moment) in journal.moments.enumerated() where index % 6 == 0 {
      for model in LossModel.allCases {
        let image = moment.image.afterPowerCut(model, seed: seed &+ UInt64(index))
        try check(image, moment, journal, wallClock: last, seed: seed &+ 1)
      }
    }
  }

  /// The moment by which a transaction judges: what expires then or before is absent.
  private static func now(_ tx: borrowing Transaction, in keys: Keyspace) throws -> UInt64 {
    let mark = try tx.savepoint()
    try tx.set(0, for: "clock", in: keys, expires: .after(.seconds(1)))
    let moment = try #require(try tx.expiry(of: "clock", in: keys)?.moment)
    try tx.rollBack(to: mark)
    return moment.nanosecondsSince1970 - 1_000_000_000
  }

  /// Recovers, and looks at a time when some have expired and some have not.
  private func check(
    _ image: DiskImage, _ moment: Moment, _ journal: Journal, wallClock: UInt64, seed: UInt64
  ) throws {
    var configuration = Simulator.Configuration()
    configuration.startingWallClock = wallClock
    let simulator = Simulator(seed: seed, disk: image, configuration: configuration)
    try simulator.run { effects in
      let db = try Database(
        at: "/db", configuration: CrashSession.smallConfiguration, effects: effects)
      // Whatever is thrown: a world ends when its threads have.
      defer { try? db.close() }
      guard let keys = try db.existingKeyspace("k") else {
        #expect(moment.acknowledged == 0)
        return
      }
      for _ in 0..<2 {
        var found: [String: Value] = [:]
        var now: UInt64 = 0
        try db.write { tx in
          now = try Self.now(tx, in: keys)
          try tx.forEach(in: keys) { key, value in
            let name = String(valueBytes: key) ?? "?"
            guard name.hasPrefix("key") else { return .continue }
            let expiry = try tx.expiry(of: name, in: keys)?.moment?.nanosecondsSince1970 ?? 0
            found[name] = Value(number: Int(valueBytes: value) ?? -1, expiry: expiry)
            return .continue
          }
        }
        let matches = (moment.acknowledged...moment.attempted).contains { index in
          journal.states[index].filter { $0.value.expiry == 0 || $0.value.expiry > now } == found
        }
        #expect(matches, "seed \(seed): the recovered state is no prefix")
        // Once more, after the sweeper has been there.
        _ = effects.waits.park(
          effects.waits.makeTicket(), until: effects.time.monotonic() + 10_000_000_000)
      }
      #expect(try db.verify().findings == [])
    }
  }
}
