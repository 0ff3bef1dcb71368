import Environment
import Martlet
import RawBytes
import Seeds
import Simulation
import Testing

/// What a feed makes of a device that fails or lies.
@Suite struct `A change feed over a failing device` {
  @Test func `reports damage in a kept segment instead of leaving a change out`() throws {
    let simulator = Simulator(seed: 5)
    try simulator.run { effects in
      let db = try FeedWorld.open(effects)
      let keys = try db.keyspace("k")
      let token = try db.changeToken()
      for number in 0..<120 {
        try db.write { tx in
          try tx.set([UInt8](repeating: 3, count: 900), for: "\(number)", in: keys)
        }
      }
      try db.checkpoint()
      try db.close()
      let name = try #require(
        try effects.files.list(FeedWorld.directory).filter { $0.hasPrefix("log-") }.min())
      let file = try effects.files.open(FeedWorld.directory + "/" + name, FileMode())
      // In the payload of some batch in the middle.
      try [UInt8](repeating: 0xAA, count: 16).withByteView { bytes in
        try file.write(bytes, at: 16384 + 300)
      }
      let again = try FeedWorld.open(effects)
      let error = #expect(throws: DatabaseError.self) {
        try ChangeReader(again, from: token).pollAll()
      }
      #expect(error?.code == .corrupt)
      #expect(error?.message.contains(name) == true, "it names the place")
      #expect(try again.verify().findings.count == 1)
      try again.close()
    }
  }

  @Test func `fails with an error and goes on from its token when the device does`() throws {
    let seed = Seed.take(for: #function)
    for number in 1...24 {
      let simulator = Simulator(seed: seed)
      try simulator.run { effects in
        let db = try FeedWorld.open(effects)
        let life = FeedLife(seed: seed, stepCount: 60)
        try life.run(db)
        try db.checkpoint()
        simulator.disk.inject(
          Fault(.fails(Fault.inputOutput), on: [.read], .once(at: number), path: "log-"))
        var token = life.tokens[0].token
        var told: [Told] = []
        var failureCount = 0
        while true {
          do {
            let reader = try ChangeReader(db, from: token)
            while let element = try reader.poll() {
              told += life.told([element])
              token = element.token
            }
            break
          } catch let error as DatabaseError {
            #expect(error.code == .inputOutput)
            failureCount += 1
          }
        }
        #expect(failureCount <= 1)
        #expect(told == life.expected)
        try db.close()
      }
    }
  }

  @Test func `ends with what is durable when a flush fails`() throws {
    let simulator = Simulator(seed: 7)
    try simulator.run { effects in
      let db = try FeedWorld.open(effects)
      let keys = try db.keyspace("k")
      let reader = try ChangeReader(db)
      try db.write { try $0.set("kept", for: "a", in: keys) }
      simulator.disk.inject(
        Fault(.fails(Fault.inputOutput), on: [.write, .sync], .always, path: "log-"))
      #expect(throws: DatabaseError.self) {
        try db.write { try $0.set("lost", for: "a", in: keys) }
      }
      #expect(try reader.poll()?.changes.first?.newValue.decoded(as: String.self) == "kept")
      let error = #expect(throws: DatabaseError.self) { try reader.poll() }
      #expect(error?.code == .poisoned)
      try? db.close()
    }
  }

  /// Each call that a life makes of the file system fails once; whatever became of the life, the
  /// feed of the reopened database tells what is there.
  @Test func `never tells what is not there, whichever call fails`() throws {
    let seed = Seed.take(for: #function)
    for number in stride(from: 1, to: 240, by: 6) {
      let simulator = Simulator(seed: seed)
      let life = FeedLife(seed: seed, stepCount: 60)
      simulator.disk.inject(
        Fault(.fails(Fault.inputOutput), on: [.write, .sync, .rename, .remove], .once(at: number)))
      simulator.run { effects in
        guard let db = try? FeedWorld.open(effects) else { return }
        try? life.run(db)
        try? db.close()
      }
      guard let first = life.tokens.first, life.tokens.last?.token != nil else { continue }
      try Simulator(seed: seed, disk: simulator.disk.snapshot).run { effects in
        let db = try FeedWorld.open(effects)
        let rows = try db.rows()
        for (count, token) in [first, life.tokens[life.tokens.count - 1]] {
          let rest = try ChangeReader(db, from: token).pollAll()
          let told = life.told(rest)
          let end = count + told.count
          #expect(told == Array(life.expected[count..<end]), "call \(number)")
          #expect(life.states[end] == rows, "call \(number)")
          #expect(end >= life.acknowledged, "call \(number)")
        }
        try db.close()
      }
    }
  }
}
