import Environment
import Martlet
import Seeds
import Simulation
import Synchronization
import Testing
import Verification

/// Each budget of memory, exhausted at each of its uses: a typed refusal, and the engine goes on.
/// Locks have no budget: a transaction's locks are bounded by its write set.
@Suite(.serialized) struct `A budget of memory` {
  private typealias Violation = CrashSession.Violation

  /// Opens a new database in a simulation.
  private func with<Result>(
    _ configuration: Configuration = CrashSession.smallConfiguration,
    _ body: (Database, Keyspace) throws -> Result
  ) throws -> Result {
    let simulator = Simulator(seed: Seed.fixed)
    return try simulator.run { effects in
      let database = try Database(
        at: CrashSession.directory, configuration: configuration, effects: effects)
      do {
        let result = try body(database, try database.keyspace("main"))
        let isClean = try database.verify().isClean
        #expect(isClean)
        try database.close()
        return result
      } catch {
        try? database.close()
        throw error
      }
    }
  }

  private static func key(_ number: Int) -> [UInt8] { Array("key/\(1000 + number)".utf8) }

  private static func value(_ number: Int, _ byteCount: Int) -> [UInt8] {
    var generator = ScriptGenerator(seed: UInt64(number))
    return (0..<byteCount).map { _ in UInt8(truncatingIfNeeded: generator.next()) }
  }

  private func code(_ body: () throws -> Void) throws -> DatabaseError.Code? {
    do { try body() } catch let error as DatabaseError { return error.code }
    return nil
  }

  @Test func `of a write set, exceeded by the nth write`() throws {
    var configuration = CrashSession.smallConfiguration
    configuration.pageSize = 1 << 16
    configuration.cacheSize = 64 << 16
    configuration.transactionSizeLimit = 1 << 16
    try with(configuration) { database, main in
      func write(_ count: Int, _ byteCount: Int, _ written: inout Int) throws {
        try database.write { transaction in
          for number in 0..<count {
            try transaction.set(Self.value(number, byteCount), for: Self.key(number), in: main)
            written += 1
          }
        }
      }
      var met: Set<Int> = []
      for count in 5...60 {
        let byteCount = (1 << 16) / count - 32
        var written = 0
        let refusal = try code { try write(1000, byteCount, &written) }
        #expect(refusal == .transactionTooLarge)
        met.insert(written)
        let isEmpty = try database.read { try !$0.contains(Self.key(0), in: main) }
        #expect(isEmpty, "nothing of it is there")
        // What fits is taken.
        var again = 0
        try write(written, byteCount, &again)
        let found = try database.read { try $0.get(Self.key(written - 1), in: main) }
        #expect(found == Self.value(written - 1, byteCount))
        try database.write { transaction in
          for number in 0..<written { try transaction.remove(Self.key(number), in: main) }
        }
      }
      #expect(met.isSuperset(of: 6...50), "\(met.sorted())")
    }
  }

  /// A reader that begins after so many commits looks at its snapshot after every further one.
  private func read(
    _ database: Database, _ main: Keyspace, since start: Int, until end: Int, keyCount: Int,
    state: inout [Int]
  ) throws -> Bool {
    let begun = state
    var isExpired = false
    try database.write { try $0.set(Self.value(1, 9), for: Self.key(999), in: main) }
    do {
      try database.read { snapshot in
        for number in start..<end {
          try database.write {
            try $0.set(Self.value(number, 700), for: Self.key(number % keyCount), in: main)
          }
          state[number % keyCount] = number
          for key in 0..<keyCount where (key + number) % 20 == 0 {
            do {
              let found = try snapshot.get(Self.key(key), in: main)
              let expected = begun[key] < 0 ? nil : Self.value(begun[key], 700)
              guard found == expected else {
                throw Violation(description: "a wrong version of key \(key) after \(number)")
              }
              guard !isExpired else { throw Violation(description: "an expired reader reads on") }
            } catch let error as DatabaseError {
              guard error.code == .snapshotTooOld else { throw error }
              isExpired = true
            }
          }
        }
      }
    } catch let error as DatabaseError {
      guard error.code == .snapshotTooOld else { throw error }
    }
    return isExpired
  }

  @Test func `for versions, exhausted under a reader that began at any commit`() throws {
    var tight = CrashSession.smallConfiguration
    tight.versionBudget = 1 << 16
    tight.checkpointLogBytes = 1 << 20
    let configuration = tight
    let starts = Effort.sample(Array(0..<60), debug: 30, release: 4)
    let expiredCount = Atomic<Int>(0)
    let found = Parallel.failures(starts) { start in
      for length in [40, 70, 90, 100, 130, 250] {
        let expired = try with(configuration) { database, main in
          var state = [Int](repeating: -1, count: 200)
          try database.write { transaction in
            for number in 0..<160 + start {
              let key = number % 200
              try transaction.set(Self.value(number, 700), for: Self.key(key), in: main)
              state[key] = number
            }
          }
          let expired = try read(
            database, main, since: start, until: start + length, keyCount: 200, state: &state)
          // Whoever begins now sees the newest.
          for key in 0..<200 {
            let newest = try database.read { try $0.get(Self.key(key), in: main) }
            guard newest == (state[key] < 0 ? nil : Self.value(state[key], 700)) else {
              throw Violation(description: "the newest value of \(key) is wrong")
            }
          }
          return expired
        }
        if expired { expiredCount.add(1, ordering: .relaxed) }
      }
    }
    let expired = expiredCount.load(ordering: .relaxed)
    print("\(starts.count * 6) readers, \(expired) expired")
    #expect(expired > starts.count && expired < starts.count * 6)
    found.expectNone("versions")
  }

  @Test func `for pages, with scans inside scans to any depth`() throws {
    try with { database, main in
      for batch in 0..<20 {
        try database.write { transaction in
          for number in 0..<20 {
            try transaction.set(
              Self.value(number, 900), for: Self.key(batch * 20 + number), in: main)
          }
        }
      }
      func descend(
        _ snapshot: borrowing Snapshot, _ depth: Int, _ limit: Int
      ) throws -> Int {
        guard depth < limit else { return depth }
        var deepest = depth
        // Each scan stands in a leaf of its own while the next one runs.
        try snapshot.forEach(in: main, .from(Self.key(depth * 4))) { _, _ in
          deepest = try descend(snapshot, depth + 1, limit)
          return .stop
        }
        return deepest
      }
      // A commit holds the leaves that it prepares: any number of them, also more than the cache has.
      for count in Effort.sample(Array(1...130), debug: 16) {
        let refusal = try code {
          try database.write { transaction in
            for number in 0..<count {
              try transaction.set(Self.value(count, 880), for: Self.key(number * 3), in: main)
            }
          }
        }
        #expect(refusal == nil)
        let found = try database.read { try $0.get(Self.key((count - 1) * 3), in: main) }
        #expect(found == Self.value(count, 880))
      }
      for limit in Effort.sample(Array(1...96), debug: 16) {
        let refusal = try code {
          let depth = try database.read { try descend($0, 0, limit) }
          #expect(depth == limit)
        }
        #expect(refusal == nil || refusal == .invalidArgument)
        try database.write { try $0.set(Self.value(limit, 50), for: Self.key(limit), in: main) }
      }
    }
  }
}
