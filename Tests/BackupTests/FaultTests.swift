import Environment
import Martlet
import Seeds
import Simulation
import Testing
import Verification

/// One call into the file system fails, on either side, each in turn.
@Suite struct `A failing call` {
  private static let source = "/database"
  private static let target = "/copy"

  private func open(_ effects: Effects, at path: String = source) throws -> Database {
    try Database(at: path, configuration: CrashSession.smallConfiguration, effects: effects)
  }

  private func fill(_ database: Database) throws {
    let keyspace = try database.keyspace("default")
    for start in stride(from: 0, to: 300, by: 50) {
      try database.write { (tx: borrowing Transaction) in
        for index in start..<start + 50 {
          try tx.set([UInt8](repeating: 9, count: 200), for: "key \(index)", in: keyspace)
        }
      }
    }
    try database.checkpoint()
  }

  private func count(_ database: Database) throws -> Int {
    var count = 0
    guard let keyspace = try database.existingKeyspace("default") else { return 0 }
    try database.read { snapshot in
      try snapshot.forEachKey(in: keyspace, .all, reverse: false, limit: nil) { _, _ in
        count += 1
        return .continue
      }
    }
    return count
  }

  @Test(arguments: [Fault.inputOutput, Fault.noSpace])
  func `of the target ends a backup, takes away what was copied, and harms nothing`(
    number: Int32
  ) throws {
    var failures = 0
    for nth in 1...200 {
      let simulator = Simulator(seed: UInt64(nth))
      let isOver = try simulator.run { effects -> Bool in
        let database = try open(effects)
        try fill(database)
        simulator.disk.inject(
          Fault(.fails(number), .once(at: nth), path: "copy"))
        var isOver = false
        do {
          try database.backup(to: Self.target, outside: effects)
          isOver = true
        } catch let error as DatabaseError {
          failures += 1
          #expect([.inputOutput, .diskFull].contains(error.code), "call \(nth): \(error)")
        }
        simulator.disk.removeFaults()
        #expect(try count(database) == 300)
        if !isOver {
          // Nothing is left, or what is left says what it is and is cleared.
          try database.backup(to: Self.target, outside: effects)
        }
        let copy = try open(effects, at: Self.target)
        #expect(try count(copy) == 300)
        try copy.close()
        #expect(try database.verify().isClean)
        try database.close()
        return isOver
      }
      if isOver && nth > 40 { break }
    }
    #expect(failures > 10, "\(failures)")
  }

  @Test func `of a read of the source ends a backup, and the next one works`() throws {
    let simulator = Simulator(seed: Seed.take(for: #function))
    try simulator.run { effects in
      let database = try open(effects)
      try fill(database)
      simulator.disk.inject(
        Fault(.fails(Fault.inputOutput), on: [.read], .once(at: 4), path: "data.martlet"))
      let error = #expect(throws: DatabaseError.self) {
        try database.backup(to: Self.target, outside: effects)
      }
      #expect(error?.code == .inputOutput)
      #expect(try effects.files.kind(of: Self.target) == .absent)
      simulator.disk.removeFaults()
      try database.backup(to: Self.target, outside: effects)
      #expect(database.statistics.runningBackups == 0)
      try database.close()
    }
  }

  @Test func `of the data file ends a compaction, and loses nothing`() throws {
    for nth in 1...40 {
      let simulator = Simulator(seed: UInt64(nth))
      try simulator.run { effects in
        let database = try open(effects)
        try fill(database)
        let keyspace = try database.keyspace("default")
        try database.write { (tx: borrowing Transaction) in
          for index in 0..<270 { try tx.remove("key \(index)", in: keyspace) }
        }
        simulator.disk.inject(
          Fault(
            .fails(nth % 2 == 0 ? Fault.inputOutput : Fault.noSpace),
            on: [.read, .write, .truncate], .once(at: nth), path: "data.martlet"))
        do { try database.compact() } catch let error as DatabaseError {
          #expect([.inputOutput, .diskFull, .poisoned].contains(error.code), "\(nth): \(error)")
        }
        simulator.disk.removeFaults()
        #expect(try count(database) == 30)
        try? database.close()
        let again = try open(effects)
        #expect(try count(again) == 30)
        #expect(try again.verify().isClean)
        try again.close()
      }
    }
  }
}
