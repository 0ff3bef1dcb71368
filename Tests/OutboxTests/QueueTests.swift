import Environment
import Martlet
import Seeds
import Simulation
import Testing

/// One consumer after the other, in virtual time.
@Suite struct `A message queue` {
  private func inWorld(_ seed: UInt64 = 1, _ body: (Database, Effects) throws -> Void) throws {
    try Simulator(seed: seed).run { effects in
      let db = try QueueWorld.open(effects)
      do { try body(db, effects) } catch {
        try? db.close()
        throw error
      }
      #expect(try db.verify().findings == [])
      try db.close()
    }
  }

  @Test func `delivers in the order of enqueuing what was committed, and nothing else`() throws {
    try inWorld { db, _ in
      let queue = try db.queue("q")
      for number in 0..<20 {
        try db.write { tx in
          for part in 0..<3 { try tx.enqueue("\(number).\(part)", to: queue) }
        }
        #expect(throws: WorkFailed.self) {
          try db.write { tx in
            try tx.enqueue("never", to: queue)
            throw WorkFailed(description: "rolled back")
          }
        }
      }
      let expected = (0..<20).flatMap { number in (0..<3).map { "\(number).\($0)" } }
      #expect(try queue.counts() == QueueCounts(ready: 60, waiting: 0, dead: 0))
      #expect(try queue.drain() == expected)
      #expect(try queue.counts() == QueueCounts())
      #expect(try db.rows(of: "queue:q") == 0, "nothing is left of them")
    }
  }

  @Test func `gives all there are to whoever asks for as many as there can be`() throws {
    try inWorld { db, _ in
      let queue = try db.queue("q")
      try db.write { tx in for part in 0..<3 { try tx.enqueue("\(part)", to: queue) } }
      let messages = try queue.claim(limit: .max)
      #expect(messages.count == 3)
      try db.write { tx in for message in messages { try tx.acknowledge(message) } }
    }
  }

  @Test func `delivers again when a lease ends, and refuses the late answer`() throws {
    try inWorld { db, effects in
      let queue = try db.queue("q", options: QueueOptions(leaseDuration: .seconds(30)))
      try db.write { _ = try $0.enqueue("work", to: queue) }
      let first = try #require(try queue.claim().first)
      #expect(try queue.claim().isEmpty, "it is out")
      QueueWorld.sleep(.seconds(20), effects)
      #expect(try queue.claim().isEmpty)
      QueueWorld.sleep(.seconds(11), effects)
      let second = try #require(try queue.claim().first)
      #expect(second.id == first.id && second.attempt == 2 && first.attempt == 1)
      let late = #expect(throws: DatabaseError.self) { try queue.acknowledge(first) }
      #expect(late?.code == .leaseLost)
      try queue.acknowledge(second)
      let twice = #expect(throws: DatabaseError.self) { try queue.acknowledge(second) }
      #expect(twice?.code == .leaseLost)
      QueueWorld.sleep(.seconds(60), effects)
      #expect(try queue.claim().isEmpty)
    }
  }

  @Test func `lets a lease be extended, and a message be given back`() throws {
    try inWorld { db, effects in
      let queue = try db.queue("q", options: QueueOptions(leaseDuration: .seconds(30)))
      try db.write { _ = try $0.enqueue("work", to: queue) }
      var message = try #require(try queue.claim().first)
      message = try queue.extendLease(of: message, by: .seconds(300))
      QueueWorld.sleep(.seconds(100), effects)
      #expect(try queue.claim().isEmpty)
      try queue.giveBack(message)
      let again = try #require(try queue.claim().first)
      #expect(again.attempt == 1, "what was given back does not count")
      try queue.acknowledge(again)
    }
  }

  @Test func `rests longer after each failure, then keeps a dead letter with the error`() throws {
    try inWorld { db, effects in
      let options = QueueOptions(
        attemptLimit: 3, firstBackOff: .seconds(1), longestBackOff: .seconds(3))
      let queue = try db.queue("q", options: options)
      try db.write { _ = try $0.enqueue("poison", to: queue) }
      for (attempt, rest) in [(1, 1), (2, 2)] {
        let message = try #require(try queue.claim().first)
        #expect(message.attempt == attempt)
        #expect(message.previousError == (attempt == 1 ? nil : "no \(attempt - 1)"))
        try queue.fail(message, WorkFailed(description: "no \(attempt)"))
        QueueWorld.sleep(.seconds(rest) - .milliseconds(100), effects)
        #expect(try queue.claim().isEmpty)
        QueueWorld.sleep(.milliseconds(101), effects)
      }
      try queue.fail(try #require(try queue.claim().first), WorkFailed(description: "no 3"))
      QueueWorld.sleep(.seconds(3600), effects)
      #expect(try queue.claim().isEmpty)
      let letter = try #require(try queue.deadLetters().first)
      #expect(letter.error == "no 3" && letter.attempts == 3)
      #expect(String(decoding: letter.body, as: UTF8.self) == "poison")
      #expect(try queue.counts().dead == 1)

      #expect(try queue.redrive() == 1)
      let revived = try #require(try queue.claim().first)
      #expect(revived.attempt == 1 && revived.id == letter.id)
      try queue.acknowledge(revived)
      #expect(try queue.counts() == QueueCounts())
    }
  }

  @Test func `buries a message whose consumers never answer`() throws {
    try inWorld { db, effects in
      let queue = try db.queue(
        "q", options: QueueOptions(leaseDuration: .seconds(1), attemptLimit: 2))
      try db.write { tx in
        try tx.enqueue("kills its consumer", to: queue)
        try tx.enqueue("fine", to: queue, after: .seconds(4))
      }
      for _ in 0..<2 {
        #expect(try queue.claim().count == 1)
        QueueWorld.sleep(.seconds(2), effects)
      }
      QueueWorld.sleep(.seconds(1), effects)
      #expect(try queue.claim(limit: 2).map { $0.decoded(as: String.self) } == ["fine"])
      #expect(try queue.deadLetters().first?.error.contains("without an answer") == true)
      #expect(try queue.purgeDeadLetters() == 1)
      #expect(try queue.purge() == 1)
      #expect(try queue.counts() == QueueCounts())
    }
  }

  @Test func `takes a message of one idempotency key once within the window`() throws {
    try inWorld { db, effects in
      let queue = try db.queue("q", options: QueueOptions(idempotencyWindow: .seconds(100)))
      func enqueue(_ body: String) throws -> EnqueueOutcome {
        try db.write { try $0.enqueue(body, to: queue, key: "order 7") }
      }
      guard case .enqueued(let id) = try enqueue("first") else {
        Issue.record("the first is no duplicate")
        return
      }
      #expect(try enqueue("second") == .duplicate(of: id))
      #expect(try queue.claim().first?.idempotencyKey == "order 7")
      QueueWorld.sleep(.seconds(90), effects)
      #expect(try queue.drain() == ["first"])
      #expect(try enqueue("third") == .duplicate(of: id), "delivered or not")
      QueueWorld.sleep(.seconds(11), effects)
      guard case .enqueued = try enqueue("fourth") else {
        Issue.record("the window is over")
        return
      }
      #expect(try queue.drain() == ["fourth"])
      QueueWorld.sleep(.seconds(200), effects)
      #expect(try db.rows(of: "queue:q") == 2, "the key is remembered")
      #expect(try queue.claim().isEmpty)
      #expect(try db.rows(of: "queue:q") == 0, "and forgotten by the next look")
    }
  }

  @Test func `does work in the same database exactly once, with its acknowledgement`() throws {
    try inWorld { db, effects in
      let queue = try db.queue("q", options: QueueOptions(leaseDuration: .seconds(1)))
      let done = try db.keyspace("done")
      try db.write { _ = try $0.enqueue("work", to: queue) }
      func work(_ message: QueuedMessage) throws {
        try db.write { tx in
          try tx.set(
            try (tx.value(for: "count", in: done, as: Int.self) ?? 0) + 1, for: "count", in: done)
          try tx.acknowledge(message)
        }
      }
      let first = try #require(try queue.claim().first)
      QueueWorld.sleep(.seconds(2), effects)
      let second = try #require(try queue.claim().first)
      try work(second)
      let error = #expect(throws: DatabaseError.self) { try work(first) }
      #expect(error?.code == .leaseLost)
      #expect(try db.read { try $0.value(for: "count", in: done, as: Int.self) } == 1)
    }
  }

  @Test func `refuses what cannot be`() throws {
    try inWorld { db, _ in
      let queue = try db.queue("q")
      func code(_ body: () throws -> Void) -> DatabaseError.Code? {
        do { try body() } catch { return (error as? DatabaseError)?.code }
        return nil
      }
      #expect(code { _ = try db.queue("") } == .invalidArgument)
      #expect(code { _ = try db.queue("q", options: .init(attemptLimit: 0)) } == .invalidArgument)
      #expect(code { _ = try queue.claim(limit: 0) } == .invalidArgument)
      #expect(
        code { try db.write { _ = try $0.enqueue("x", to: queue, key: "") } } == .invalidArgument)
      #expect(
        code { try db.write { _ = try $0.enqueue("x", to: queue, after: .seconds(-1)) } }
          == .invalidArgument)
      #expect(
        code {
          try db.write { _ = try $0.enqueue([UInt8](repeating: 0, count: 16 << 20), to: queue) }
        } == .invalidArgument)
      let other = try Database.inMemory()
      #expect(
        code { try other.write { _ = try $0.enqueue("x", to: queue) } } == .wrongDatabase)
    }
  }

  /// MQ4, in orders of threads that the seed chooses.
  @Test func `gives no message to two consumers at a time, and leaves none out`() throws {
    let seed = Seed.take(for: #function)
    for round in 0..<4 as Range<UInt64> {
      try inWorld(seed &+ round) { db, effects in
        let queue = try db.queue("q")
        for number in 0..<40 {
          try db.write(durability: .relaxed) { _ = try $0.enqueue("\(number)", to: queue) }
        }
        final class Taken: @unchecked Sendable {
          // SENDABLE: the baton orders the threads of one simulation.
          var bodies: [String] = []
          var failure: (any Error)?
        }
        let taken = Taken()
        let consumers = (0..<4).map { number in
          effects.background.start("consumer \(number)") {
            do {
              var misses = 0
              while misses < 3 {
                guard let message = try queue.claim().first else {
                  misses += 1
                  QueueWorld.sleep(.milliseconds(150), effects)
                  continue
                }
                taken.bodies.append(message.decoded(as: String.self) ?? "?")
                try queue.acknowledge(message)
              }
            } catch {
              taken.failure = error
            }
          }
        }
        for consumer in consumers { consumer.join() }
        #expect(taken.failure == nil)
        #expect(taken.bodies.sorted() == (0..<40).map(String.init).sorted())
        #expect(try queue.counts() == QueueCounts())
      }
    }
  }
}

extension Database {
  /// How many entries a keyspace has.
  func rows(of name: String) throws -> Int {
    guard let keyspace = try existingKeyspace(name) else { return 0 }
    var count = 0
    try read {
      try $0.forEach(in: keyspace) { _, _ in
        count += 1; return .continue
      }
    }
    return count
  }
}
