import Environment
import Martlet
import Seeds
import Simulation
import Testing

/// How far back a feed can go, and what it says beyond.
@Suite struct `The log that is kept for change feeds` {
  private func fill(_ db: Database, _ keys: Keyspace, count: Int, from start: Int = 0) throws {
    for number in start..<start + count {
      try db.write { tx in
        try tx.set([UInt8](repeating: UInt8(number % 251), count: 900), for: "\(number)", in: keys)
      }
      if number % 40 == 39 { try db.checkpoint() }
    }
  }

  private func segmentBytes(_ effects: Effects) throws -> UInt64 {
    try effects.files.list(FeedWorld.directory).filter { $0.hasPrefix("log-") }.reduce(0) {
      let file = try effects.files.open(
        FeedWorld.directory + "/" + $1, FileMode(isWritable: false))
      return $0 + (try file.size())
    }
  }

  @Test func `stays below its cap, and holds what was written last`() throws {
    for cap in [0, 256 << 10, 1 << 20] {
      try Simulator(seed: UInt64(cap) + 1).run { effects in
        let db = try FeedWorld.open(effects, retention: cap)
        let keys = try db.keyspace("k")
        var tokens: [(count: Int, token: ChangeToken)] = []
        for round in 0..<20 {
          tokens.append((40 * round, try db.changeToken()))
          try fill(db, keys, count: 40, from: 40 * round)
        }
        #expect(db.statistics.logBytesRetained <= cap)
        #expect(cap == 0 || db.statistics.logBytesRetained > cap / 2, "and near it")
        var reachable = 0
        for (count, token) in tokens {
          do {
            let elements = try ChangeReader(db, from: token).pollAll()
            #expect(elements.count == 800 - count, "never less than all")
            reachable += 1
          } catch let error as DatabaseError {
            #expect(error.code == .positionLost)
            #expect(error.message.contains("changeRetention"))
            #expect(reachable == 0, "what is lost is what is oldest")
          }
        }
        // Forty blocks of four kilobytes a round, in segments of which half is headroom.
        #expect(reachable >= cap / (2 * 48 * 4096))
        try db.close()
        // The last checkpoint and what is kept, and no segment that was ready for use.
        #expect(try segmentBytes(effects) <= UInt64(cap) + (128 << 10))
      }
    }
  }

  @Test func `is there after a restart, and shrinks with a smaller cap`() throws {
    let simulator = Simulator(seed: 3)
    var tokens: [ChangeToken] = []
    try simulator.run { effects in
      let db = try FeedWorld.open(effects, retention: 4 << 20)
      let keys = try db.keyspace("k")
      for round in 0..<10 {
        tokens.append(try db.changeToken())
        try fill(db, keys, count: 40, from: 40 * round)
      }
      try db.close()
    }
    try Simulator(seed: 4, disk: simulator.disk.snapshot).run { effects in
      let db = try FeedWorld.open(effects, retention: 4 << 20)
      for (index, token) in tokens.enumerated() {
        #expect(try ChangeReader(db, from: token).pollAll().count == 400 - 40 * index)
      }
      #expect(try db.verify().findings == [])
      try db.close()
    }
    try Simulator(seed: 5, disk: simulator.disk.snapshot).run { effects in
      let db = try FeedWorld.open(effects, retention: 0)
      #expect(db.statistics.logBytesRetained == 0)
      let error = #expect(throws: DatabaseError.self) {
        try ChangeReader(db, from: tokens[0]).pollAll()
      }
      #expect(error?.code == .positionLost)
      try db.close()
      #expect(try segmentBytes(effects) <= 128 << 10)
    }
  }

  @Test func `of nothing is enough for a consumer that keeps up and closes in order`() throws {
    let simulator = Simulator(seed: 6)
    var token: ChangeToken?
    try simulator.run { effects in
      let db = try FeedWorld.open(effects, retention: 0)
      let keys = try db.keyspace("k")
      let reader = try ChangeReader(db)
      for number in 0..<200 {
        try fill(db, keys, count: 1, from: number)
        token = try reader.pollAll().last?.token ?? token
      }
      try db.close()
    }
    try Simulator(seed: 7, disk: simulator.disk.snapshot).run { effects in
      let db = try FeedWorld.open(effects, retention: 0)
      let keys = try db.keyspace("k")
      #expect(try ChangeReader(db, from: token).pollAll().isEmpty)
      try fill(db, keys, count: 1, from: 500)
      #expect(try ChangeReader(db, from: token).pollAll().count == 1)
      try db.close()
    }
  }

  @Test func `is read while checkpoints give segments back under the reader`() throws {
    let seed = Seed.take(for: #function)
    try Simulator(seed: seed).run { effects in
      let db = try FeedWorld.open(effects, retention: 512 << 10)
      let keys = try db.keyspace("k")
      let reader = try ChangeReader(db)
      final class Ending: @unchecked Sendable {
        // SENDABLE: the baton orders the threads of one simulation.
        var failure: (any Error)?
        var isOver = false
      }
      let ending = Ending()
      let writer = effects.background.start("writer") {
        do {
          for number in 0..<300 {
            try db.write { tx in
              try tx.set([UInt8](repeating: 1, count: 700), for: "\(number)", in: keys)
            }
            if number % 10 == 0 { try db.checkpoint() }
          }
        } catch {
          ending.failure = error
        }
        ending.isOver = true
      }
      var seen: [String] = []
      while true {
        let isOver = ending.isOver
        for element in try reader.pollAll() {
          seen += element.changes.map { String(decoding: $0.key, as: UTF8.self) }
        }
        if isOver { break }
        effects.waits.yield(attempt: 0)
      }
      writer.join()
      #expect(ending.failure == nil)
      #expect(seen == (0..<300).map(String.init))
      try db.close()
    }
  }
}
