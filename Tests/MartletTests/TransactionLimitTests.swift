import Foundation
import Martlet
import Testing

/// `Configuration.transactionSizeLimit`: what one transaction may hold, to the byte.
@Suite struct `The limit of a transaction` {
  static let limit = 1 << 16
  let db: Database
  let keys: Keyspace
  /// What a key of four bytes takes beside a value of 128 to 16383 bytes, whose length takes two.
  private let overhead: Int

  init() throws {
    db = try Database.inMemory(configuration: Configuration(transactionSizeLimit: Self.limit))
    let keys = try db.keyspace("keys")
    self.keys = keys
    overhead = try db.write { transaction in
      try transaction.set([UInt8](repeating: 1, count: 1_000), for: "four", in: keys)
      return transaction.pendingByteCount - 1_000
    }
    try db.write { try $0.set(7, for: "seven", in: keys) }
  }

  /// Writes until exactly so many bytes are left.
  private func fill(_ transaction: borrowing Transaction, leaving room: Int) throws {
    while true {
      let free = Self.limit - room - transaction.pendingByteCount
      if free == 0 { return }
      // Rests that are too small for an entry are avoided.
      let next = free > 2_000 ? 1_000 : free
      let value = [UInt8](repeating: 1, count: next - overhead)
      try transaction.set(value, for: "fill", in: keys)
    }
  }

  /// The error of a closure that is to go beyond the limit; nothing of its transaction may be there.
  private func refusal(_ body: (borrowing Transaction) throws -> Void) throws -> DatabaseError {
    var isDoomed = false
    let error = #expect(throws: DatabaseError.self) {
      try db.write(retry: .never) { transaction in
        do { try body(transaction) } catch {
          // Swallowing the error does not help (X1).
          do { _ = try transaction.get("seven", in: keys) } catch { isDoomed = true }
        }
      }
    }
    #expect(isDoomed)
    let isThere = try db.read { try $0.contains("fill", in: keys) }
    #expect(!isThere, "rolled back")
    // And the database goes on.
    try db.write { try $0.set(7, for: "seven", in: keys) }
    return try #require(error)
  }

  @Test func `is met exactly: a full transaction commits, and a byte more is refused`() throws {
    try db.write { transaction in
      try fill(transaction, leaving: overhead - 1 + 4)
      try transaction.set("1234", for: "last", in: keys)
      #expect(transaction.pendingByteCount == Self.limit)
    }
    let last = try db.read { try $0.value(for: "last", in: keys, as: String.self) }
    #expect(last == "1234")
    try db.write { try $0.remove("fill", in: keys) }
    let error = try refusal { transaction in
      try fill(transaction, leaving: overhead - 1 + 4)
      try transaction.set("12345", for: "last", in: keys)
    }
    #expect(error.code == .transactionTooLarge)
    #expect(!error.isRetryable)
    for word in ["65537 bytes", "65536", "split", "bulk build", "transactionSizeLimit"] {
      #expect(error.message.contains(word), "\(error.message)")
    }
  }

  @Test func `counts removals and the keys of large values, and not the large values`() throws {
    // No value; a key of five bytes, an ordinal of one and a length of three.
    let largeByteCount = overhead - 2 + 1 + 1 + 3
    let removal = try refusal { transaction in
      try fill(transaction, leaving: overhead - 2 - 1)
      try transaction.remove("gone", in: keys)
    }
    #expect(removal.code == .transactionTooLarge)
    let large = try refusal { transaction in
      try fill(transaction, leaving: largeByteCount - 1)
      try transaction.set([UInt8](repeating: 3, count: 100_000), for: "large", in: keys)
    }
    #expect(large.code == .transactionTooLarge)
    try db.write { transaction in
      try fill(transaction, leaving: largeByteCount)
      try transaction.set([UInt8](repeating: 3, count: 100_000), for: "large", in: keys)
      #expect(transaction.pendingByteCount == Self.limit)
    }
    #expect(try db.read { try $0.byteCount(of: "large", in: keys) } == 100_000)
  }

  @Test func `what a savepoint undoes makes room again`() throws {
    try db.write { transaction in
      try fill(transaction, leaving: 40_000)
      let savepoint = try transaction.savepoint()
      for _ in 0..<5 {
        try fill(transaction, leaving: 0)
        try transaction.rollBack(to: savepoint)
        #expect(transaction.pendingByteCount == Self.limit - 40_000)
      }
      try transaction.set("there", for: "after", in: keys)
    }
    let after = try db.read { try $0.value(for: "after", in: keys, as: String.self) }
    #expect(after == "there")
  }

  @Test func `inside a part of the transaction it ends all of it`() throws {
    try db.write { try $0.remove("fill", in: keys) }
    let error = try refusal { transaction in
      try transaction.set("before", for: "fill", in: keys)
      do {
        try transaction.part { part in
          try fill(part, leaving: 0)
          try part.set("more", for: "fill", in: keys)
        }
      } catch {
        try transaction.set("after", for: "fill", in: keys)
      }
    }
    #expect(error.code == .transactionTooLarge)
  }

  @Test func `holds for every kind of conditional write`() throws {
    let writes: [(String, @Sendable (borrowing Transaction, Keyspace) throws -> Void)] = [
      ("increment", { _ = try $0.increment("seven", in: $1) }),
      ("compareAndSet", { _ = try $0.compareAndSet("seven", from: 7, to: 8, in: $1) }),
      ("insert", { _ = try $0.insert(1, for: "absent", in: $1) }),
      ("setOnce", { try $0.setOnce(1, for: "absent", in: $1) }),
    ]
    for (name, write) in writes {
      let error = try refusal { transaction in
        try fill(transaction, leaving: 10)
        try write(transaction, keys)
      }
      #expect(error.code == .transactionTooLarge, "\(name)")
    }
    let seven = try db.read { try $0.value(for: "seven", in: keys, as: Int.self) }
    #expect(seven == 7)
  }
}
