import Foundation
import Martlet
import Synchronization
import Testing

/// Two-phase locking through the face: what is locked, how long, and who waits for whom.
@Suite struct `Under two-phase locking` {
  let stage: Stage

  init() throws { stage = try Stage(["b", "d"]) }

  private func locking() throws -> OpenTransaction {
    try stage.open(.serializable, .twoPhaseLocking)
  }

  @Test(arguments: ["b", "absent"])
  func `a key that was read stays as it is, whether it is there or not (L2)`(_ key: String) throws {
    let reader = try locking()
    let before = try stage.get(key, reader)
    for level in IsolationLevel.allCases {
      let writer = try stage.open(level)
      // An optimistic transaction would wait in its commit.
      #expect(stage.code { try stage.set(key, 1, writer) } == .lockTimeout, "\(level)")
      writer.rollback()
    }
    let optimist = try stage.open(.serializable, .optimistic)
    try stage.set(key, 1, optimist)
    #expect(stage.code { _ = try optimist.commit() } == .lockTimeout)
    #expect(try stage.get(key, reader) == before)
    _ = try reader.commit()
    #expect(
      stage.code { try stage.db.write(retry: .never) { try $0.set(1, for: key, in: stage.keys) } }
        == nil)
  }

  @Test
  func
    `nothing appears in a range that was scanned: before, between, behind, or in an empty one (L3)`()
    throws
  {
    for (range, inside) in [
      ("a"..<"e", ["a", "aa", "c", "dz"]), ("x"..<"z", ["x", "y"]), ("b"..<"c", ["b", "ba"]),
    ] {
      let scanner = try locking()
      _ = try stage.scan(range, scanner)
      for key in inside {
        let writer = try stage.open(.readCommitted)
        #expect(stage.code { try stage.set(key, 1, writer) } == .lockTimeout, "\(key) in \(range)")
        writer.rollback()
      }
      let outside = try stage.open(.readCommitted)
      #expect(stage.code { try stage.set("zz", 1, outside) } == nil)
      outside.rollback()
      scanner.rollback()
    }
  }

  @Test func `a scan with a limit locks up to where it stopped, in both directions (S9)`() throws {
    let forward = try locking()
    #expect(try stage.scan("a"..<"z", limit: 1, forward) == ["b": 0])
    let writer = try stage.open(.readCommitted)
    #expect(stage.code { try stage.set("c", 1, writer) } == nil)
    writer.rollback()
    forward.rollback()
    let backward = try locking()
    #expect(try stage.scan("a"..<"z", limit: 1, reverse: true, backward) == ["d": 0])
    let other = try stage.open(.readCommitted)
    #expect(stage.code { try stage.set("c", 1, other) } == nil)
    other.rollback()
    let third = try stage.open(.readCommitted)
    #expect(stage.code { try stage.set("y", 1, third) } == .lockTimeout)
    third.rollback()
    backward.rollback()
  }

  @Test func `a scan in pieces shows every key once and locks them all`() throws {
    try stage.db.write { tx in
      for number in 0..<1000 { try tx.set(number, for: "k\(1000 + number)", in: stage.keys) }
    }
    let scanner = try locking()
    #expect(try stage.scan("k"..<"l", scanner).count == 1000)
    #expect(try stage.scan("k"..<"l", reverse: true, scanner).count == 1000)
    #expect(try stage.scan("k"..<"l", limit: 300, scanner).count == 300)
    let writer = try stage.open(.readCommitted)
    #expect(stage.code { try stage.set("k1999x", 1, writer) } == .lockTimeout)
    writer.rollback()
    scanner.rollback()
  }

  @Test func `repeatable read locks the keys it met and lets others appear`() throws {
    let reader = try stage.open(.repeatableRead)
    #expect(try stage.scan("a"..<"z", reader) == ["b": 0, "d": 0])
    #expect(
      stage.code {
        try stage.db.write(retry: .never) { try $0.set(1, for: "c", in: stage.keys) }
      } == nil)
    let writer = try stage.open(.readCommitted)
    #expect(stage.code { try stage.set("b", 1, writer) } == .lockTimeout)
    writer.rollback()
    #expect(try stage.scan("a"..<"z", reader) == ["b": 0, "c": 1, "d": 0], "a phantom")
    reader.rollback()
  }

  @Test
  func `two that read to update do not meet in a deadlock: the second waits at its read (L5)`()
    throws
  {
    let first = try locking()
    let second = try locking()
    #expect(try first.run { try $0.valueForUpdate(for: "b", in: stage.keys, as: Int.self) } == 0)
    #expect(
      stage.code { _ = try second.run { try $0.getForUpdate("b", in: stage.keys) } }
        == .lockTimeout)
    second.rollback()
    let reader = try locking()
    #expect(try stage.get("b", reader) == 0, "readers pass")
    reader.rollback()
    try stage.set("b", 1, first)
    _ = try first.commit()
    #expect(try stage.value("b") == 1)
  }

  @Test
  func
    `two that upgrade what both have read: one is rolled back at once, the other goes on (L5, L7)`()
    throws
  {
    let db = stage.db
    let keys = stage.keys
    let haveRead = Atomic<Int>(0)
    let threads = (0..<2).map { number in
      Background {
        try db.write(isolation: .serializable, using: .twoPhaseLocking) { tx in
          let value = try tx.value(for: "b", in: keys, as: Int.self) ?? 0
          haveRead.add(1, ordering: .relaxed)
          while haveRead.load(ordering: .relaxed) < 2 { Thread.sleep(forTimeInterval: 0.001) }
          try tx.set(value + 1, for: "b", in: keys)
        }
      }
    }
    for thread in threads { try thread.join() }
    #expect(try stage.value("b") == 2)
    #expect((db.statistics.aborts["deadlockVictim"] ?? 0) >= 1)
    #expect((db.statistics.abortCauses["deadlock"] ?? 0) >= 1)
  }

  @Test func `a transaction inside another that needs its lock is a deadlock, found at once (L8)`()
    throws
  {
    let start = ContinuousClock.now
    let error = stage.error {
      try stage.db.write { outer in
        try outer.set(1, for: "b", in: stage.keys)
        try stage.db.write(retry: .never) { try $0.set(2, for: "b", in: stage.keys) }
      }
    }
    #expect(error?.code == .deadlockVictim)
    #expect(ContinuousClock.now - start < .seconds(5), "not by the time limit of ten seconds")
  }

  @Test func `a cancelled task does not wait for its lock any longer (L11)`() async throws {
    let holder = try stage.open(.readCommitted)
    try stage.set("b", 1, holder)
    let db = stage.db
    let keys = stage.keys
    // As patient as a machine is busy: who gave up before anybody looked would be waited for in vain.
    let patient = RetryPolicy(attemptLimit: .max, timeLimit: .seconds(3600))
    let task = Task { try await db.write(retry: patient) { try $0.set(2, for: "b", in: keys) } }
    while db.waitingTransactions.isEmpty { try await Task.sleep(for: .milliseconds(1)) }
    task.cancel()
    let result = await task.result
    #expect(throws: DatabaseError.self) { try result.get() }
    holder.rollback()
    #expect(try stage.value("b") == 0)
  }

  @Test func `a lock that is not granted in time names the key and who holds it`() throws {
    let holder = try stage.open(.readCommitted)
    try stage.set("b", 1, holder)
    let late = try stage.open(.readCommitted)
    let error = stage.error { try stage.set("b", 2, late) }
    #expect(error?.code == .lockTimeout)
    #expect(error?.abort?.cause == .lockTimeout)
    #expect(error?.abort?.others == [holder.id])
    #expect(error?.abort?.place?.key == Array("b".utf8))
    #expect(error?.message.contains("\"b\"") == true)
  }

  @Test
  func `locks that do not fit the budget become a lock of the keyspace, and it is told (L11)`()
    throws
  {
    let messages = Mutex<[String]>([])
    let small = try Stage(
      ["other"],
      configuration: Configuration(
        lockBudget: 1 << 16, events: { event in messages.withLock { $0.append(event.message) } }))
    let writer = try small.open(.snapshot)
    try writer.run { tx in
      for number in 0..<5_000 { try tx.set(number, for: "key \(number)", in: small.keys) }
    }
    #expect(small.db.statistics.lockEscalations >= 1)
    #expect(messages.withLock { $0.contains { $0.contains("the whole keyspace locked") } })
    let other = try small.open(.readCommitted)
    #expect(small.code { try small.set("other", 1, other) } == .lockTimeout)
    other.rollback()
    _ = try writer.commit()
    #expect(try small.value("key 4999") == 4999)
    #expect(
      small.code { try small.db.write { try $0.set(1, for: "other", in: small.keys) } } == nil)
  }
}

/// A thread whose failure is thrown where it is awaited.
final class Background: @unchecked Sendable {
  // SENDABLE: `failure` is written before the signal and read after it.
  private let done = DispatchSemaphore(value: 0)
  private var failure: (any Error)?

  init(_ body: @escaping @Sendable () throws -> Void) {
    Thread.detachNewThread { [self] in
      do { try body() } catch { failure = error }
      done.signal()
    }
  }

  func join() throws {
    done.wait()
    if let failure { throw failure }
  }
}
