import Environment
import Martlet
import Simulation
import Testing

/// A claim that fails while it looks for messages.
@Suite struct `A claim that fails` {
  @Test func `keeps no message from later claims`() throws {
    try Simulator(seed: 5).run { effects in
      let db = try QueueWorld.open(effects)
      defer { try? db.close() }
      let queue = try db.queue("q")
      try db.write { _ = try $0.enqueue("work", to: queue) }
      let keyspace = try #require(try db.existingKeyspace("queue:q"))
      // The key of a turn, cut short, behind the true one: damage that the look comes to second.
      let broken: [UInt8] = [2, 255]
      try db.write { try $0.set([UInt8](), for: broken, in: keyspace) }
      #expect(throws: DatabaseError.self) { _ = try queue.claim(limit: 2) }
      try db.write { try $0.remove(broken, in: keyspace) }
      #expect(try queue.claim().count == 1)
    }
  }
}
