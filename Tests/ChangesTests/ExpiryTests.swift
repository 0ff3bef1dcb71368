import Environment
import Martlet
import Seeds
import Simulation
import Testing

/// What a feed tells of entries that expire.
@Suite struct `A change feed of entries that expire` {
  private static func nap(_ effects: Effects, _ seconds: Int) {
    let end = effects.time.monotonic() + UInt64(seconds) * 1_000_000_000
    _ = effects.waits.park(effects.waits.makeTicket(), until: end)
  }

  @Test func `tells values without their expiry, the expiry, and the sweeper's removals`() throws {
    try Simulator(seed: 11).run { effects in
      let db = try FeedWorld.open(effects)
      let options = KeyspaceOptions(recordsPreviousValues: true)
      let keys = try db.keyspace("k", options: options)
      let plain = try db.keyspace("plain")
      let reader = try ChangeReader(db)
      let large = [UInt8](repeating: 6, count: 50_000)
      let huge = [UInt8](repeating: 7, count: (1 << 20) + 1)
      var moments: [String: WallTime] = [:]
      let names = ["huge", "large", "small"]
      try db.write { tx in
        try tx.set("value", for: "small", in: keys, expires: .after(.seconds(10)))
        try tx.set(large, for: "large", in: keys, expires: .after(.seconds(10)))
        try tx.set(huge, for: "huge", in: keys, expires: .after(.seconds(10)))
        try tx.set("value", for: "small", in: plain, expires: .after(.seconds(10)))
        for name in names { moments[name] = try tx.expiry(of: name, in: keys)?.moment }
      }
      #expect(moments.count == 3)
      var told = try reader.pollAll().flatMap(\.changes)
      let values: [ChangedValue] = [
        .omitted(byteCount: UInt64(huge.count)), .bytes(large), .bytes(Array("value".utf8)),
      ]
      #expect(told.map(\.newValue) == values + [values[2]])
      #expect(told.map(\.expiry) == names.map { moments[$0] } + [moments["small"]])
      #expect(told.map(\.oldValue) == [.absent, .absent, .absent, .unrecorded])
      #expect(told.allSatisfy { $0.oldExpiry == nil })

      try db.write { try $0.touch("small", in: keys, expires: .after(.seconds(20))) }
      told = try reader.pollAll().flatMap(\.changes)
      #expect(told.map(\.newValue) == [values[2]] && told.map(\.oldValue) == [values[2]])
      #expect(told[0].oldExpiry == moments["small"])
      moments["small"] = told[0].expiry
      let prolonged = try #require(told[0].expiry)
      let before = try #require(told[0].oldExpiry)
      #expect(prolonged > before)

      Self.nap(effects, 100)
      #expect(db.statistics.expiredEntriesRemoved == 4)
      try db.checkpoint()
      told = try reader.pollAll().flatMap(\.changes)
      #expect(told.allSatisfy { $0.isRemoval && $0.expiry == nil })
      let swept = told.filter { $0.keyspace == keys.id }
        .sorted { $0.key.lexicographicallyPrecedes($1.key) }
      #expect(swept.map(\.oldValue) == values)
      #expect(swept.map(\.oldExpiry) == names.map { moments[$0] })
      let unrecorded = told.filter { $0.keyspace == plain.id }
      #expect(unrecorded.map(\.oldValue) == [.unrecorded])
      try db.close()
    }
  }

  /// So a consumer that keeps what it was told, and looks old values up in it, always finds them.
  @Test func `tells as old what it told as new, whether it has expired or not`() throws {
    let seed = Seed.take(for: #function)
    try Simulator(seed: seed).run { effects in
      var generator = SplitMix(seed)
      let db = try FeedWorld.open(effects)
      let keys = try db.keyspace("k", options: KeyspaceOptions(recordsPreviousValues: true))
      let reader = try ChangeReader(db)
      var known: [[UInt8]: (ChangedValue, WallTime?)] = [:]
      var replacedExpired = 0
      for turn in 0..<300 {
        let base = generator
        try db.write { tx in
          generator = base
          for _ in 0..<1 + generator.below(3) {
            let key = "key \(generator.below(12))"
            switch generator.below(6) {
            case 0: try tx.remove(key, in: keys)
            case 1: try tx.set(turn, for: key, in: keys)
            case 2: try tx.merge(.add(1), for: key, in: keys)
            case 3:
              let large = [UInt8](repeating: 1, count: 9000)
              try tx.set(
                large, for: "large \(key)", in: keys,
                expires: .after(.seconds(generator.below(4))))
            default:
              try tx.set(turn, for: key, in: keys, expires: .after(.seconds(generator.below(4))))
            }
          }
        }
        if generator.below(4) == 0 { Self.nap(effects, 1) }
        for element in try reader.pollAll() {
          for change in element.changes {
            let before = known[change.key] ?? (.absent, nil)
            #expect(change.oldValue == before.0 && change.oldExpiry == before.1)
            if let old = change.oldExpiry, !change.isRemoval,
              old.nanosecondsSince1970 <= effects.time.wallClock()
            {
              replacedExpired += 1
            }
            known[change.key] = (change.newValue, change.expiry)
          }
        }
      }
      #expect(db.statistics.expiredEntriesRemoved > 0 && replacedExpired > 0)
      try db.close()
    }
  }
}
