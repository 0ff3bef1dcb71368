import Foundation
import Martlet
import RawBytes
import Synchronization
import Seeds
import Testing

/// Snapshot isolation with first updater wins: what two transactions do to each other.
@Suite struct `Two transactions` {
  let db: Database
  let keys: Keyspace

  init() throws {
    db = try Database.inMemory(configuration: Configuration(lockTimeout: .seconds(5)))
    keys = try db.keyspace("keys")
    try db.write { tx in for name in ["a", "b"] { try tx.set(0, for: name, in: keys) } }
  }

  private func value(_ key: String) throws -> Int? {
    try db.read { try $0.value(for: key, in: keys, as: Int.self) }
  }

  @Test func `that write different keys both proceed while neither has committed`() throws {
    try db.write { first in
      try first.set(1, for: "a", in: keys)
      // The other one begins, writes and commits while the first is open.
      try db.write(retry: .never) { second in try second.set(2, for: "b", in: keys) }
      let own = try first.value(for: "b", in: keys, as: Int.self)
      #expect(own == 0, "the first one's snapshot is older")
    }
    #expect(try value("a") == 1)
    #expect(try value("b") == 2)
  }

  @Test func `that write one key: the first updater wins`() throws {
    var attempts = 0
    try db.write { first in
      attempts += 1
      _ = try first.get("a", in: keys)
      if attempts == 1 {
        try db.write(retry: .never) { try $0.set(7, for: "a", in: keys) }
      }
      let seen = try first.value(for: "a", in: keys, as: Int.self) ?? 0
      try first.set(seen + 1, for: "a", in: keys)
    }
    #expect(attempts == 2, "the loser runs again")
    #expect(try value("a") == 8, "and loses no update")
    #expect(db.statistics.aborts["writeConflict"] == 1)
  }

  @Test func `that write one key: without a retry the second gets a conflict that names it`() throws
  {
    let error = #expect(throws: DatabaseError.self) {
      try db.write(retry: .never) { first in
        try db.write(retry: .never) { try $0.set(7, for: "a", in: keys) }
        try first.set(8, for: "a", in: keys)
      }
    }
    #expect(error?.code == .writeConflict)
    #expect(error?.isRetryable == true)
    #expect(error?.message.contains("\"a\"") == true)
    #expect(try value("a") == 7)
  }

  @Test func `that insert one absent key conflict as well`() throws {
    let error = #expect(throws: DatabaseError.self) {
      try db.write(retry: .never) { first in
        _ = try first.get("new", in: keys)
        try db.write(retry: .never) { try $0.set(1, for: "new", in: keys) }
        try first.set(2, for: "new", in: keys)
      }
    }
    #expect(error?.code == .writeConflict)
    #expect(try value("new") == 1)
  }

  @Test func `that remove and insert one key conflict as well`() throws {
    let error = #expect(throws: DatabaseError.self) {
      try db.write(retry: .never) { first in
        _ = try first.get("a", in: keys)
        try db.write(retry: .never) { try $0.remove("a", in: keys) }
        try first.set(2, for: "a", in: keys)
      }
    }
    #expect(error?.code == .writeConflict)
    #expect(try value("a") == nil)
  }

  @Test func `where one waits for the other's lock`() throws {
    let isHolding = DispatchSemaphore(value: 0)
    let mayEnd = DispatchSemaphore(value: 0)
    let done = DispatchSemaphore(value: 0)
    let db = db
    let keys = keys
    Thread.detachNewThread {
      try? db.write(retry: .never) { tx in
        try tx.set(1, for: "a", in: keys)
        isHolding.signal()
        mayEnd.wait()
        struct Stop: Error {}
        throw Stop()
      }
      done.signal()
    }
    isHolding.wait()
    Thread.detachNewThread {
      Thread.sleep(forTimeInterval: 0.05)
      mayEnd.signal()
    }
    // Behind a holder that rolls back the waiter goes on (rule M7).
    try db.write(retry: .never) { try $0.set(2, for: "a", in: keys) }
    done.wait()
    #expect(try value("a") == 2)
    #expect(db.statistics.lockWaits == 1)
  }

  @Test func `in a deadlock: one is rolled back, both end`() throws {
    let codes = Mutex<[String]>([])
    let db = db
    let keys = keys
    let arrived = Atomic<Int>(0)
    DispatchQueue.concurrentPerform(iterations: 2) { index in
      let own = index == 0 ? "a" : "b"
      let other = index == 0 ? "b" : "a"
      do {
        try db.write(retry: .never) { tx in
          try tx.set(index, for: own, in: keys)
          _ = arrived.add(1, ordering: .sequentiallyConsistent)
          while arrived.load(ordering: .sequentiallyConsistent) < 2 {
            Thread.sleep(forTimeInterval: 0.001)
          }
          try tx.set(index, for: other, in: keys)
        }
      } catch let error as DatabaseError {
        codes.withLock { $0.append(error.code.name) }
      } catch {
        codes.withLock { $0.append("\(error)") }
      }
    }
    let found = codes.withLock { $0 }
    // The victim committed nothing, so the other one goes on and commits.
    #expect(found == ["deadlockVictim"])
    #expect(try value("a") == value("b"))
  }

  @Test func `of which one is doomed: it cannot commit even if it swallows the error`() throws {
    var later: DatabaseError?
    let error = #expect(throws: DatabaseError.self) {
      try db.write(retry: .never) { first in
        do {
          try first.set(Array(repeating: UInt8(0), count: 300), for: "a", in: keys)
          try first.setLarge(byteCount: 65 << 20, for: "x", in: keys) { _ in }
        } catch {
          // Too few bytes: nothing happened, and the transaction may go on.
        }
        for number in 0..<100_000 where later == nil {
          let value = Array(repeating: UInt8(1), count: 1000)
          do { try first.set(value, for: "filler \(number)", in: keys) } catch {
            later = error as? DatabaseError
          }
        }
        do { try first.set(1, for: "b", in: keys) } catch {
          #expect(error as? DatabaseError == later)
        }
      }
    }
    #expect(later?.code == .transactionTooLarge)
    #expect(error == later, "doomed (X1)")
    #expect(try value("b") == 0)
  }

  @Test func `many threads move money and lose none`() throws {
    let accountCount = 20
    let db = db
    let keys = keys
    try db.write { tx in
      for account in 0..<accountCount { try tx.set(100, for: "account \(account)", in: keys) }
    }
    let seed = Seed.take()
    print("seed \(seed)")
    DispatchQueue.concurrentPerform(iterations: 4) { thread in
      var random = SplitMix(seed &+ UInt64(thread))
      for round in 0..<300 {
        let from = "account \(random.next() % UInt64(accountCount))"
        let to = "account \(random.next() % UInt64(accountCount))"
        guard from != to else { continue }
        do {
          try db.write(durability: round % 2 == 0 ? .relaxed : .full) { tx in
            let source = try tx.value(for: from, in: keys, as: Int.self) ?? 0
            let target = try tx.value(for: to, in: keys, as: Int.self) ?? 0
            try tx.set(source - 1, for: from, in: keys)
            try tx.set(target + 1, for: to, in: keys)
          }
          try db.read { snapshot in
            var sum = 0
            try snapshot.forEach(in: keys, .prefix("account ")) { _, value in
              sum += Int(valueBytes: value) ?? 0
              return .continue
            }
            #expect(sum == 100 * accountCount, "a snapshot shows half a transfer")
          }
        } catch {
          Issue.record("\(error)")
        }
      }
    }
    #expect(try db.verify().findings == [])
    #expect(db.statistics.versionBytes == 0, "no snapshot is open, so nothing is kept")
  }
}
