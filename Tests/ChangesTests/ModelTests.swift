import Martlet
import Seeds
import Simulation
import Testing

/// The feed of a random life, held against a model of it.
@Suite struct `A change feed` {
  @Test func `tells every commit once, in order, whole, with old values where asked for`() throws {
    let seed = Seed.take(for: #function)
    try Simulator(seed: seed).run { effects in
      let db = try FeedWorld.open(effects)
      let life = FeedLife(seed: seed, stepCount: 300)
      try life.run(db)
      try db.checkpoint()
      try life.poll()
      #expect(life.shown == life.expected)
      #expect(life.timestamps == life.timestamps.sorted())
      #expect(try db.rows() == life.states.last)
      #expect(db.statistics.checkpoints >= 3, "the life must have recycled its log")
      try db.close()
    }
  }

  @Test func `goes on from any token exactly behind it, after a restart as well`() throws {
    let seed = Seed.take(for: #function)
    let simulator = Simulator(seed: seed)
    let life = FeedLife(seed: seed, stepCount: 200)
    try simulator.run { effects in
      let db = try FeedWorld.open(effects)
      try life.run(db)
      // The last relaxed commits become durable.
      try db.checkpoint()
      try life.poll()
      for (count, token) in life.tokens {
        let rest = try ChangeReader(db, from: token).pollAll()
        #expect(life.told(rest) == Array(life.expected[count...]))
      }
      try db.close()
    }
    try Simulator(seed: seed, disk: simulator.disk.snapshot).run { effects in
      let db = try FeedWorld.open(effects)
      for (count, token) in life.tokens {
        let rest = try ChangeReader(db, from: token).pollAll()
        #expect(life.told(rest) == Array(life.expected[count...]))
      }
      try db.close()
    }
  }

  @Test func `shows what it watches and nothing else, and moves its token meanwhile`() throws {
    let db = try Database.inMemory()
    let watched = try db.keyspace("watched")
    let other = try db.keyspace("other")
    let reader = try ChangeReader(db, in: [watched])
    let start = try db.changeToken()
    try db.write { try $0.set("1", for: "a", in: watched) }
    for number in 0..<40 {
      try db.write { tx in
        try tx.set([UInt8](repeating: 1, count: 60_000), for: "k\(number)", in: other)
      }
    }
    try db.write { tx in
      try tx.set("2", for: "a", in: watched)
      try tx.set("2", for: "a", in: other)
    }
    let elements = try reader.pollAll()
    let full = elements.filter { !$0.isEmpty }
    #expect(full.map { $0.changes.map(\.newValue) } == [[.bytes([49])], [.bytes([50])]])
    #expect(full.allSatisfy { $0.changes.allSatisfy { $0.keyspace == watched.id } })
    let empty = elements.filter(\.isEmpty)
    #expect((1...4).contains(empty.count), "about one in each megabyte")
    #expect(empty.allSatisfy { $0.token != start })
    let behind = try ChangeReader(db, in: [watched], from: empty.last?.token).pollAll()
    #expect(behind.filter { !$0.isEmpty }.count == 1)
  }

  @Test func `says of a value that it leaves out how large it is`() throws {
    let db = try Database.inMemory()
    let keys = try db.keyspace("k", options: KeyspaceOptions(recordsPreviousValues: true))
    let reader = try ChangeReader(db)
    let large = [UInt8](repeating: 7, count: (1 << 20) + 1)
    try db.write { try $0.set(large, for: "a", in: keys) }
    try db.write { try $0.set("small", for: "a", in: keys) }
    try db.write { tx in
      for number in 0..<20 {
        try tx.set([UInt8](repeating: 8, count: 1 << 20), for: "b\(number)", in: keys)
      }
    }
    try db.write { tx in for number in 0..<20 { try tx.remove("b\(number)", in: keys) } }
    let elements = try reader.pollAll()
    #expect(elements[0].changes[0].newValue == .omitted(byteCount: UInt64(large.count)))
    #expect(elements[0].changes[0].oldValue == .absent)
    #expect(elements[1].changes[0].oldValue == .omitted(byteCount: UInt64(large.count)))
    #expect(elements[1].changes[0].newValue.decoded(as: String.self) == "small")
    let carried = elements[2].changes.filter {
      if case .bytes(let bytes) = $0.newValue { bytes.count == 1 << 20 } else { false }
    }
    #expect(carried.count == 16, "sixteen megabytes are carried along, and the rest is named")
    let old = elements[3].changes.filter { if case .bytes = $0.oldValue { true } else { false } }
    #expect(old.count == 16)
    #expect(elements[3].changes.count == 20)
  }
}
