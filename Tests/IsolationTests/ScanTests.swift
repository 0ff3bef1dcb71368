import Foundation
import Martlet
import Synchronization
import Testing

/// What a scan has read: neither less than it showed, nor more than it walked over.
@Suite struct `A scan` {
  let stage: Stage

  init() throws { stage = try Stage(["b", "d"]) }

  /// Whether a write of a key refuses an optimistic transaction that scanned a range before.
  private func isRefused(
    by key: String, after limit: Int?, reverse: Bool = false
  ) throws -> Bool {
    let scanner = try stage.open(.serializable, .optimistic)
    _ = try stage.scan("a"..<"z", limit: limit, reverse: reverse, scanner)
    try stage.set("zz", 1, scanner)
    try stage.db.write { try $0.set(1, for: key, in: stage.keys) }
    let error = stage.error { _ = try scanner.commit() }
    if let error { #expect(error.code == .serializationFailure) }
    // For the next one.
    try stage.db.write { tx in
      for name in ["a", "c", "y"] { try tx.remove(name, in: stage.keys) }
    }
    return error != nil
  }

  @Test func `has read to the bound that it was asked for, behind the last key it met (S9)`()
    throws
  {
    #expect(try isRefused(by: "a", after: nil))
    #expect(try isRefused(by: "c", after: nil))
    #expect(try isRefused(by: "y", after: nil))
  }

  @Test func `has read the key at which it stopped, and nothing behind it (S9)`() throws {
    #expect(try isRefused(by: "b", after: 1))
    #expect(try isRefused(by: "a", after: 1))
    #expect(try !isRefused(by: "c", after: 1))
    #expect(try !isRefused(by: "d", after: 1))
  }

  @Test func `that goes backward has read from where it stopped to its upper bound (S9)`() throws {
    #expect(try isRefused(by: "d", after: 1, reverse: true))
    #expect(try isRefused(by: "y", after: 1, reverse: true))
    #expect(try !isRefused(by: "c", after: 1, reverse: true))
    #expect(try !isRefused(by: "b", after: 1, reverse: true))
    #expect(try isRefused(by: "a", after: nil, reverse: true))
  }

  @Test func `that waited for a writer shows what that one committed (L3)`() throws {
    let writer = try stage.open(.readCommitted)
    try stage.set("c", 7, writer)
    let db = stage.db
    let keys = stage.keys
    let seen = Mutex<[String]>([])
    let scanner = Background {
      try db.write(isolation: .serializable, using: .twoPhaseLocking) { tx in
        try tx.forEach(in: keys) { key, _ in
          seen.withLock { $0.append(String(valueBytes: key) ?? "?") }
          return .continue
        }
      }
    }
    while db.waitingTransactions.isEmpty { Thread.sleep(forTimeInterval: 0.001) }
    _ = try writer.commit()
    try scanner.join()
    #expect(seen.withLock { $0 } == ["b", "c", "d"])
  }
}
