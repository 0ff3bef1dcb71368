import Environment
import Martlet
import Simulation
import Synchronization
import Testing
import Verification

/// Closing waits for whoever is inside (RT1).
@Suite struct `Closing a database` {
  private final class Flags: Sendable {
    let hasBegun = Atomic<Bool>(false)
    let hasEnded = Atomic<Bool>(false)
  }

  /// Runs a body of a second of virtual time on another thread, closes meanwhile, and says whether the
  /// body had ended when closing returned.
  private func closesAfter(
    _ run: @escaping @Sendable (Database, () -> Void) throws -> Void
  ) throws -> Bool {
    try Simulator(seed: 1).run { effects in
      let db = try Database(
        at: "/db", configuration: CrashSession.smallConfiguration, effects: effects)
      _ = try db.keyspace("k")
      let flags = Flags()
      let thread = effects.background.start("slow") {
        try? run(db) {
          flags.hasBegun.store(true, ordering: .sequentiallyConsistent)
          let deadline = effects.time.monotonic() + 1_000_000_000
          _ = effects.waits.park(effects.waits.makeTicket(), until: deadline)
          flags.hasEnded.store(true, ordering: .sequentiallyConsistent)
        }
      }
      var attempt = 0
      while !flags.hasBegun.load(ordering: .sequentiallyConsistent) {
        effects.waits.yield(attempt: attempt)
        attempt += 1
      }
      try db.close()
      let hasEnded = flags.hasEnded.load(ordering: .sequentiallyConsistent)
      thread.join()
      #expect(throws: DatabaseError.self) { try db.read { _ in } }
      return hasEnded
    }
  }

  @Test func `waits for a transaction that runs on another thread`() throws {
    #expect(try closesAfter { db, body in try db.write { _ in body() } })
  }

  @Test func `waits for a snapshot that is read on another thread`() throws {
    #expect(try closesAfter { db, body in try db.read { _ in body() } })
    #expect(try closesAfter { db, body in try db.read(isolation: .serializable) { _ in body() } })
  }

  /// The story: it waited for its own transaction, for ever and at full speed.
  @Test func `is refused inside a transaction that writes, which goes on`() throws {
    let database = try Database.inMemory()
    let keyspace = try database.keyspace("k")
    try database.write { tx in
      try tx.set("1", for: "a", in: keyspace)
      let error = #expect(throws: DatabaseError.self) { try database.close() }
      #expect(error?.code == .invalidArgument)
      try tx.set("2", for: "b", in: keyspace)
    }
    #expect(try database.read { try $0.get("b", in: keyspace) } == Array("2".utf8))
    try database.close()
  }
}
