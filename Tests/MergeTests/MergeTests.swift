import Foundation
import Martlet
import Primitives
import Synchronization
import Testing

/// What merges do to a value.
@Suite struct `A merge` {
  let db: Database
  let keys: Keyspace

  init() throws {
    db = try Database.inMemory(configuration: Configuration(lockTimeout: .seconds(20)))
    keys = try db.keyspace("k")
  }

  private func number(_ key: String) throws -> Int? {
    try db.read { try $0.value(for: key, in: keys, as: Int.self) }
  }

  private func merge(_ operation: MergeOperation, _ key: String) throws {
    try db.write { try $0.merge(operation, for: key, in: keys) }
  }

  @Test func `adds, keeps the least and the greatest`() throws {
    try merge(.add(5), "a")
    try merge(.add(-8), "a")
    #expect(try number("a") == -3)
    try merge(.min(7), "least")
    try merge(.min(9), "least")
    #expect(try number("least") == 7)
    try merge(.max(7), "most")
    try merge(.max(9), "most")
    try merge(.max(8), "most")
    #expect(try number("most") == 9)
  }

  @Test func `appends, into large values as well`() throws {
    try merge(.append("one,"), "a")
    try merge(.append("two"), "a")
    #expect(try db.read { try $0.value(for: "a", in: keys, as: String.self) } == "one,two")
    let piece = [UInt8](repeating: 1, count: 3000)
    for _ in 0..<5 { try merge(.append(piece), "b") }
    #expect(try db.read { try $0.get("b", in: keys) } == [UInt8](repeating: 1, count: 15000))
    #expect(try db.verify().findings == [])
  }

  @Test func `puts into a set and takes out of it`() throws {
    for name in ["pear", "apple", "fig", "apple"] { try merge(.insert(name), "set") }
    try merge(.remove("fig"), "set")
    try merge(.remove("plum"), "set")
    let set = try #require(try db.read { try $0.value(for: "set", in: keys, as: ByteSet.self) })
    #expect(set == ByteSet([Array("apple".utf8), Array("pear".utf8)]))
    #expect(set.contains("pear") && !set.contains("fig"))
    try merge(.remove("x"), "absent")
    #expect(try db.read { try $0.get("absent", in: keys) } == nil, "nothing out of nothing")
    try db.write { try $0.set("no set", for: "text", in: keys) }
  }

  @Test func `refuses values that it does not fit, and rolls back`() throws {
    try db.write { try $0.set("text", for: "text", in: keys) }
    try db.write { try $0.set(Int.max, for: "most", in: keys) }
    for (operation, key, code) in [
      (MergeOperation.add(1), "text", DatabaseError.Code.valueMismatch),
      (.min(1), "text", .valueMismatch), (.insert("x"), "most", .valueMismatch),
      (.add(1), "most", .valueOverflow),
    ] {
      let late = #expect(throws: DatabaseError.self) {
        try db.write { tx in
          try tx.set("too", for: "other", in: keys)
          try tx.merge(operation, for: key, in: keys)
        }
      }
      #expect(late?.code == code)
      #expect(late?.message.contains(key) == true)
      #expect(try db.read { try $0.get("other", in: keys) } == nil)
      // Of the transaction's own value, and of one that it reads, the refusal comes at once.
      try db.write { tx in
        if key == "text" {
          try tx.set("text", for: "own", in: keys)
        } else {
          try tx.set(Int.max, for: "own", in: keys)
        }
        let early = #expect(throws: DatabaseError.self) {
          try tx.merge(operation, for: "own", in: keys)
        }
        #expect(early?.code == code)
      }
      try db.write { tx in
        let mark = try tx.savepoint()
        try tx.merge(operation, for: key, in: keys)
        let read = #expect(throws: DatabaseError.self) { try tx.get(key, in: keys) }
        #expect(read?.code == code)
        try tx.rollBack(to: mark)
      }
    }
  }

  @Test(arguments: IsolationLevel.allCases)
  func `shows itself to its own transaction, and goes back to savepoints`(_ level: IsolationLevel)
    throws
  {
    try db.write { try $0.set(10, for: "n", in: keys) }
    try db.write(isolation: level) { tx in
      try tx.merge(.add(1), for: "n", in: keys)
      let first = try tx.savepoint()
      try tx.merge(.add(10), for: "n", in: keys)
      try tx.merge(.max(5), for: "new", in: keys)
      #expect(try tx.value(for: "n", in: keys, as: Int.self) == 21)
      try tx.merge(.add(100), for: "n", in: keys)
      #expect(try tx.value(for: "n", in: keys, as: Int.self) == 121)
      try tx.rollBack(to: first)
      var seen: [String: Int] = [:]
      try tx.forEach(in: keys) { key, value in
        seen[String(valueBytes: key) ?? "?"] = Int(valueBytes: value)
        return .continue
      }
      #expect(seen == ["n": 11])
      try tx.merge(.max(5), for: "new", in: keys)
      try tx.merge(.add(1), for: "removed", in: keys)
      try tx.remove("removed", in: keys)
      try tx.set(1, for: "mixed", in: keys)
      try tx.merge(.add(1), for: "mixed", in: keys)
      try tx.remove("gone", in: keys)
      try tx.merge(.add(3), for: "gone", in: keys)
      #expect(try tx.byteCount(of: "new", in: keys) == 8)
    }
    #expect(try number("n") == 11)
    #expect(try number("new") == 5)
    #expect(try number("removed") == nil)
    #expect(try number("mixed") == 2)
    #expect(try number("gone") == 3)
  }

  @Test func `rolled back leaves nothing`() throws {
    struct Stop: Error {}
    #expect(throws: Stop.self) {
      try db.write { tx in
        try tx.merge(.add(1), for: "n", in: keys)
        throw Stop()
      }
    }
    #expect(try number("n") == nil)
    // The same transaction object, used again, remembers nothing of it.
    try db.write { try $0.set(1, for: "other", in: keys) }
    #expect(try number("n") == nil)
  }
}

/// Merges of one key by several transactions.
@Suite struct `Merges of one key` {
  let db: Database
  let keys: Keyspace

  init() throws {
    db = try Database.inMemory(configuration: Configuration(lockTimeout: .seconds(20)))
    keys = try db.keyspace("k")
    try db.write { tx in
      try tx.set(0, for: "n", in: keys)
      try tx.set(0, for: "x", in: keys)
    }
  }

  private func number(_ key: String) throws -> Int? {
    try db.read { try $0.value(for: key, in: keys, as: Int.self) }
  }

  static let modes: [(IsolationLevel, TransactionProtocol?)] =
    IsolationLevel.allCases.map { ($0, nil) } + [
      (.serializable, .optimistic), (.serializable, .twoPhaseLocking),
      (.strictSerializable, .serializableSnapshot),
    ]

  @Test(arguments: modes)
  func `do not get in each other's way: neither waits for the other's end, none fails`(
    _ mode: (IsolationLevel, TransactionProtocol?)
  ) throws {
    try db.write(isolation: mode.0, using: mode.1, retry: .never) { first in
      try first.merge(.add(1), for: "n", in: keys)
      // Begins, merges and commits while the first one is open, on the same thread.
      try db.write(isolation: mode.0, using: mode.1, retry: .never) {
        try $0.merge(.add(10), for: "n", in: keys)
      }
      try first.merge(.add(100), for: "n", in: keys)
    }
    #expect(try number("n") == 111)
  }

  @Test(arguments: modes)
  func `by many threads lose nothing`(_ mode: (IsolationLevel, TransactionProtocol?)) throws {
    let (db, keys) = (db, keys)
    let failures = Mutex<[String]>([])
    DispatchQueue.concurrentPerform(iterations: 4) { thread in
      for turn in 0..<50 {
        do {
          try db.write(isolation: mode.0, using: mode.1, retry: .never) { tx in
            try tx.merge(.add(1), for: "n", in: keys)
            try tx.merge(.insert("\(thread).\(turn)"), for: "set", in: keys)
          }
        } catch {
          failures.withLock { $0.append("\(error)") }
        }
      }
    }
    #expect(failures.withLock { $0 } == [])
    #expect(try number("n") == 200)
    #expect(try db.read { try $0.value(for: "set", in: keys, as: ByteSet.self) }?.count == 200)
    #expect(db.statistics.aborts.isEmpty, "\(db.statistics.aborts)")
  }

  @Test func `that are read are reads and writes: the first updater wins`() throws {
    let error = #expect(throws: DatabaseError.self) {
      try db.write(retry: .never) { tx in
        try tx.merge(.add(1), for: "n", in: keys)
        try db.write { try $0.merge(.add(10), for: "n", in: keys) }
        _ = try tx.get("n", in: keys)
      }
    }
    #expect(error?.code == .writeConflict)
    let later = #expect(throws: DatabaseError.self) {
      try db.write(isolation: .serializable, using: .optimistic, retry: .never) { tx in
        try tx.merge(.add(1), for: "n", in: keys)
        _ = try tx.get("n", in: keys)
        try db.write { try $0.merge(.add(100), for: "n", in: keys) }
      }
    }
    #expect(later?.code == .serializationFailure)
    #expect(try number("n") == 110)
  }

  @Test func `leave other keys of their transactions to the first updater`() throws {
    let error = #expect(throws: DatabaseError.self) {
      try db.write(retry: .never) { tx in
        try tx.merge(.add(1), for: "n", in: keys)
        try db.write { other in
          try other.set(7, for: "x", in: keys)
          try other.merge(.add(10), for: "n", in: keys)
        }
        try tx.set(8, for: "x", in: keys)
      }
    }
    #expect(error?.code == .writeConflict)
    #expect(try number("x") == 7)
    #expect(try number("n") == 10)
  }

  /// Before its rival, for it read what that overwrote; after it, for it changed what that wrote.
  @Test func `do not let a serializable transaction stand at two places`() throws {
    func run(_ level: IsolationLevel, _ wish: TransactionProtocol?) throws -> DatabaseError? {
      do {
        try db.write(isolation: level, using: wish, retry: .never) { tx in
          _ = try tx.get("x", in: keys)
          try tx.merge(.append("first"), for: "log", in: keys)
          try db.write(isolation: level, using: wish, retry: .never) { other in
            try other.set(1, for: "x", in: keys)
            try other.merge(.append("second"), for: "log", in: keys)
          }
        }
        return nil
      } catch {
        return error as? DatabaseError
      }
    }
    #expect(try run(.serializable, .serializableSnapshot)?.code == .serializationFailure)
    #expect(try run(.serializable, .optimistic)?.code == .serializationFailure)
    #expect(try run(.snapshot, nil) == nil, "snapshot isolation does not promise it")
    // Without the read it stands after its rival, whatever it began with.
    try db.write(isolation: .serializable, retry: .never) { tx in
      try tx.merge(.append("!"), for: "log", in: keys)
      try db.write(isolation: .serializable, retry: .never) { other in
        try other.set(2, for: "x", in: keys)
        try other.merge(.append("?"), for: "log", in: keys)
      }
    }
  }

  @Test func `keep the expiry that was there`() throws {
    try db.write { try $0.set(1, for: "e", in: keys, expires: .after(.seconds(1000))) }
    let before = try db.read { try $0.expiry(of: "e", in: keys) }
    try db.write { try $0.merge(.add(1), for: "e", in: keys) }
    try db.write { tx in
      try tx.merge(.add(1), for: "e", in: keys)
      #expect(try tx.expiry(of: "e", in: keys) == before)
    }
    #expect(try db.read { try $0.expiry(of: "e", in: keys) } == before)
    #expect(try number("e") == 3)
  }
}
