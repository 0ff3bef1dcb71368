import Foundation
import Martlet
import Testing

/// Serializable snapshots, optimistic transactions and mixes of all three protocols, through the
/// face: the histories that the rules name.
@Suite struct `Certified transactions` {
  @Test
  func
    `write skew is refused to the one who commits last, with the edges and both others named (S2)`()
    throws
  {
    let stage = try Stage()
    let first = try stage.open(.serializable)
    let second = try stage.open(.serializable)
    for transaction in [first, second] {
      _ = try stage.get("x", transaction)
      _ = try stage.get("y", transaction)
    }
    try stage.set("x", 1, first)
    try stage.set("y", 1, second)
    _ = try first.commit()
    let id = second.id
    let error = stage.error { _ = try second.commit() }
    #expect(error?.code == .serializationFailure)
    #expect(error?.abort?.cause == .pivot)
    #expect(error?.abort?.transaction == id)
    #expect(error?.abort?.others == [first.id, first.id] || error?.abort?.others == [first.id])
    #expect(error?.abort?.place?.key == Array("x".utf8))
    #expect(error?.abort?.isCoarse == false)
    #expect(stage.db.statistics.abortCauses["pivot"] == 1)
    #expect(try stage.value("y") == 0)
  }

  @Test func `write skew on keys that were absent is refused as well (S8)`() throws {
    for using in [TransactionProtocol.serializableSnapshot, .optimistic] {
      let stage = try Stage()
      let first = try stage.open(.serializable, using)
      let second = try stage.open(.serializable, using)
      #expect(try stage.get("a", first) == nil)
      #expect(try stage.get("b", second) == nil)
      try stage.set("b", 1, first)
      try stage.set("a", 1, second)
      _ = try first.commit()
      #expect(stage.code { _ = try second.commit() } == .serializationFailure, "\(using)")
    }
  }

  @Test func `one dependency without a dangerous structure aborts nobody (S2)`() throws {
    let stage = try Stage()
    let reader = try stage.open(.serializable)
    let writer = try stage.open(.serializable)
    _ = try stage.get("x", reader)
    try stage.set("x", 1, writer)
    try stage.set("y", 2, reader)
    _ = try writer.commit()
    _ = try reader.commit()
    #expect(try stage.value("y") == 2)
    #expect(stage.db.statistics.aborts.isEmpty)
  }

  @Test func `what was read before a savepoint was rolled back still counts (S6)`() throws {
    for using in [TransactionProtocol.serializableSnapshot, .optimistic] {
      let stage = try Stage()
      let first = try stage.open(.serializable, using)
      let second = try stage.open(.serializable, using)
      try first.run { tx in
        let savepoint = try tx.savepoint()
        _ = try tx.get("x", in: stage.keys)
        try tx.set(7, for: "z", in: stage.keys)
        try tx.rollBack(to: savepoint)
        try tx.set(1, for: "y", in: stage.keys)
      }
      _ = try stage.get("y", second)
      try stage.set("x", 1, second)
      _ = try second.commit()
      let code = stage.code { _ = try first.commit() }
      #expect(code == .serializationFailure, "\(using)")
      #expect(try stage.value("z") == nil)
    }
  }

  @Test
  func
    `an optimistic transaction commits if all it read is the newest, and blind writes conflict with nobody (O3, O8)`()
    throws
  {
    let stage = try Stage()
    let reader = try stage.open(.serializable, .optimistic)
    _ = try stage.get("x", reader)
    try stage.set("y", 1, reader)
    let blind = try stage.open(.serializable, .optimistic)
    try stage.set("y", 2, blind)
    _ = try blind.commit()
    _ = try reader.commit()
    #expect(try stage.value("y") == 1, "the later commit")

    let stale = try stage.open(.serializable, .optimistic)
    _ = try stage.get("x", stale)
    try stage.set("z", 1, stale)
    try stage.db.write { try $0.set(5, for: "x", in: stage.keys) }
    let error = stage.error { _ = try stale.commit() }
    #expect(error?.abort?.cause == .staleRead)
    #expect(error?.abort?.place?.key == Array("x".utf8))
  }

  @Test func `a phantom in a scanned range refuses an optimistic transaction (O4)`() throws {
    let stage = try Stage()
    let scanner = try stage.open(.serializable, .optimistic)
    #expect(try stage.scan("m"..<"n", scanner).isEmpty)
    try stage.set("x", 1, scanner)
    try stage.db.write { try $0.set(5, for: "mm", in: stage.keys) }
    #expect(stage.code { _ = try scanner.commit() } == .serializationFailure)
    // Beyond where a limited scan stopped nothing was read (S9).
    let limited = try stage.open(.serializable, .optimistic)
    #expect(try stage.scan("a"..<"z", limit: 1, limited) == ["mm": 5])
    try stage.set("x", 1, limited)
    try stage.db.write { try $0.set(6, for: "n", in: stage.keys) }
    #expect(stage.code { _ = try limited.commit() } == nil)
  }

  @Test
  func
    `reads of a locking transaction are remembered past its commit while it can precede a pivot (M3)`()
    throws
  {
    // Tout commits x; the locking reader sees it and reads y; the pivot, which began before all of
    // them, read the old x and writes y. In no serial order can all three be.
    let stage = try Stage()
    let pivot = try stage.open(.serializable, .serializableSnapshot)
    #expect(try stage.get("x", pivot) == 0)
    try stage.db.write(isolation: .serializable) { try $0.set(1, for: "x", in: stage.keys) }
    let locking = try stage.open(.serializable, .twoPhaseLocking)
    #expect(try stage.get("x", locking) == 1)
    #expect(try stage.get("y", locking) == 0)
    _ = try locking.commit()
    try stage.set("y", 1, pivot)
    #expect(stage.code { _ = try pivot.commit() } == .serializationFailure)
  }

  @Test func `reads of a locking transaction that wrote are remembered as well (M3)`() throws {
    let stage = try Stage()
    let pivot = try stage.open(.serializable, .serializableSnapshot)
    #expect(try stage.get("x", pivot) == 0)
    try stage.db.write(isolation: .serializable) { try $0.set(1, for: "x", in: stage.keys) }
    try stage.db.write(isolation: .serializable, using: .twoPhaseLocking) { tx in
      let seen = try ["x", "y"].map { try tx.value(for: $0, in: stage.keys, as: Int.self) }
      #expect(seen == [1, 0])
      try tx.set(1, for: "z", in: stage.keys)
    }
    try stage.set("y", 1, pivot)
    #expect(stage.code { _ = try pivot.commit() } == .serializationFailure)
  }

  @Test func `a plain snapshot writer can be the one who commits first (M6)`() throws {
    let stage = try Stage()
    let pivot = try stage.open(.serializable)
    let reader = try stage.open(.serializable)
    #expect(try stage.get("x", pivot) == 0)
    #expect(try stage.get("y", reader) == 0)
    try stage.db.write(isolation: .snapshot) { try $0.set(1, for: "x", in: stage.keys) }
    try stage.set("z", 1, reader)
    _ = try reader.commit()
    try stage.set("y", 1, pivot)
    #expect(stage.code { _ = try pivot.commit() } == .serializationFailure)
  }

  @Test func `a victim commits under two-phase locking after three attempts (O10, M5)`() throws {
    let stage = try Stage()
    var protocols = 0
    try stage.db.write(isolation: .serializable, using: .optimistic) { tx in
      protocols += 1
      _ = try tx.get("x", in: stage.keys)
      if protocols <= 3 {
        try stage.db.write { try $0.set(protocols, for: "x", in: stage.keys) }
      }
      try tx.set(protocols, for: "y", in: stage.keys)
    }
    #expect(protocols == 4)
    #expect(stage.db.statistics.protocolEscalations == 1)
    #expect(stage.db.statistics.aborts["serializationFailure"] == 3)
  }

  @Test func `retry never means one attempt, and the error tells how many there were`() throws {
    let stage = try Stage()
    var attempts = 0
    let error = stage.error {
      try stage.db.write(
        isolation: .serializable, using: .optimistic,
        retry: RetryPolicy(attemptLimit: 2, timeLimit: .seconds(30))
      ) { tx in
        attempts += 1
        _ = try tx.get("x", in: stage.keys)
        try stage.db.write { try $0.set(attempts, for: "x", in: stage.keys) }
        try tx.set(1, for: "y", in: stage.keys)
      }
    }
    #expect(attempts == 2 && error?.attempts == 2)
  }

  // MARK: Read-only

  /// Fekete's history: the reader sees the deposit and not the withdrawal with its fee.
  private func readOnlyAnomaly(
    _ stage: Stage, reading: (() throws -> Void)
  ) throws -> DatabaseError.Code? {
    let withdrawal = try stage.open(.serializable)
    #expect(try stage.get("x", withdrawal) == 0)
    #expect(try stage.get("y", withdrawal) == 0)
    try stage.db.write(isolation: .serializable) { tx in
      _ = try tx.get("y", in: stage.keys)
      try tx.set(20, for: "y", in: stage.keys)
    }
    try reading()
    try stage.set("x", -11, withdrawal)
    return stage.code { _ = try withdrawal.commit() }
  }

  @Test func `a serializable snapshot makes the pivot roll back, a plain one does not (S3)`() throws
  {
    let stage = try Stage()
    let code = try readOnlyAnomaly(stage) {
      try stage.db.read(isolation: .serializable) { (snapshot: borrowing Snapshot) throws in
        #expect(try snapshot.value(for: "x", in: stage.keys, as: Int.self) == 0)
        #expect(try snapshot.value(for: "y", in: stage.keys, as: Int.self) == 20)
      }
    }
    #expect(code == .serializationFailure)
    let plain = try Stage()
    let allowed = try readOnlyAnomaly(plain) {
      try plain.db.read { (snapshot: borrowing Snapshot) throws in
        #expect(try snapshot.value(for: "y", in: plain.keys, as: Int.self) == 20)
      }
    }
    #expect(allowed == nil)
  }

  @Test func `a serializable snapshot that the pivot overtakes runs again (S3)`() throws {
    let stage = try Stage()
    let withdrawal = try stage.open(.serializable)
    _ = try stage.get("x", withdrawal)
    _ = try stage.get("y", withdrawal)
    try stage.db.write(isolation: .serializable) { try $0.set(20, for: "y", in: stage.keys) }
    var attempts = 0
    let seen = try stage.db.read(isolation: .serializable) { snapshot in
      attempts += 1
      let x = try snapshot.value(for: "x", in: stage.keys, as: Int.self)
      let y = try snapshot.value(for: "y", in: stage.keys, as: Int.self)
      if attempts == 1 {
        try stage.set("x", -11, withdrawal)
        _ = try withdrawal.commit()
      }
      return [x, y]
    }
    #expect(attempts == 2)
    #expect(seen == [-11, 20])
    #expect(stage.db.statistics.abortCauses["readerOfPivot"] == 1)
  }

  @Test
  func
    `a deferrable snapshot waits until it is safe, and then nobody aborts it or is aborted (S13)`()
    throws
  {
    let stage = try Stage()
    let withdrawal = try stage.open(.serializable)
    _ = try stage.get("x", withdrawal)
    try stage.db.write(isolation: .serializable) { try $0.set(20, for: "y", in: stage.keys) }
    let db = stage.db
    let keys = stage.keys
    let reader = Background {
      let values = try db.read(isolation: .serializable, deferrable: true) { snapshot in
        try ["x", "y"].map { try snapshot.value(for: $0, in: keys, as: Int.self) }
      }
      #expect(values == [0, 20] || values == [-11, 20])
    }
    try stage.set("x", -11, withdrawal)
    _ = try withdrawal.commit()
    try reader.join()
    #expect(db.statistics.aborts.isEmpty)
  }

  @Test func `a deferrable snapshot does not wait for ever (S13)`() throws {
    let stage = try Stage(configuration: Configuration(lockTimeout: .milliseconds(50)))
    let busy = try stage.open(.serializable)
    _ = try stage.get("x", busy)
    try stage.db.write { try $0.set(1, for: "y", in: stage.keys) }
    let code = stage.code {
      _ = try stage.db.read(isolation: .serializable, deferrable: true) { _ in }
    }
    #expect(code == .lockTimeout)
    busy.rollback()
  }

  @Test func `reads without guarantee are not certified, and all others are (M9)`() throws {
    let stage = try Stage()
    for isGuaranteed in [true, false] {
      let reader = try stage.open(.serializable, .optimistic)
      try reader.run { tx in
        if isGuaranteed {
          _ = try tx.get("x", in: stage.keys)
        } else {
          try tx.withoutGuarantee { tx in _ = try tx.get("x", in: stage.keys) }
        }
        try tx.set(1, for: "y", in: stage.keys)
      }
      try stage.db.write { try $0.set(1, for: "x", in: stage.keys) }
      #expect((stage.code { _ = try reader.commit() } != nil) == isGuaranteed)
    }
    let resumed = try stage.open(.serializable, .optimistic)
    try resumed.run { tx in
      try tx.withoutGuarantee { tx in _ = try tx.get("y", in: stage.keys) }
      _ = try tx.get("x", in: stage.keys)
      try tx.set(1, for: "z", in: stage.keys)
    }
    try stage.db.write { try $0.set(3, for: "x", in: stage.keys) }
    #expect(stage.code { _ = try resumed.commit() } == .serializationFailure, "guarded again")
    let locking = try stage.open(.serializable, .twoPhaseLocking)
    try locking.run { tx in
      try tx.withoutGuarantee { tx in _ = try tx.get("x", in: stage.keys) }
    }
    #expect(stage.code { try stage.db.write { try $0.set(2, for: "x", in: stage.keys) } } == nil)
    locking.rollback()
  }

  @Test func `transactions of disjoint keys are never aborted, whatever the mix`() throws {
    let stage = try Stage([])
    let open = try TransactionProtocol.allCases.flatMap { first in
      try (0..<4).map { _ in try stage.open(.strictSerializable, first) }
    }
    for (index, transaction) in open.enumerated() {
      _ = try stage.get("key \(index)", transaction)
      _ = try stage.scan("s\(index)"..<"s\(index)~", transaction)
      try stage.set("key \(index)", index, transaction)
    }
    for transaction in open { _ = try transaction.commit() }
    #expect(stage.db.statistics.aborts.isEmpty)
  }
}

/// A keyspace that says how its writers must be protected.
@Suite struct `A keyspace for serializable writers` {
  @Test func `refuses weaker ones, undoes nothing, and says so after reopening too (M6)`() throws {
    let folder = FileManager.default.temporaryDirectory.path + "/martlet-options-\(UUID())"
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let options = KeyspaceOptions(leastWriteIsolation: .serializable)
    for isReopened in [false, true] {
      let db = try Database(at: folder)
      let strict = try isReopened ? db.keyspace("strict") : db.keyspace("strict", options: options)
      #expect(strict.options == options)
      let free = try db.keyspace("free")
      try db.write(isolation: .snapshot) { tx in
        try tx.set(1, for: "a", in: free)
        let error = Stage.error { try tx.set(1, for: "a", in: strict) }
        #expect(error?.code == .isolationTooWeak)
      }
      try db.write(isolation: .strictSerializable) { try $0.set(2, for: "a", in: strict) }
      #expect(try db.read { try $0.value(for: "a", in: strict, as: Int.self) } == 2)
      let error = #expect(throws: DatabaseError.self) {
        _ = try db.keyspace("free", options: options)
      }
      #expect(error?.code == .invalidArgument)
      try db.close()
    }
  }
}

/// Levels beside each other: each keeps its own promise against the others (rule M1).
@Suite struct `A repeatable read beside a serializable snapshot` {
  @Test func `leaves marks of what it read, so that no write is skewed against it (M3)`() throws {
    for scans in [false, true] {
      let stage = try Stage()
      let snapshot = try stage.open(.serializable, .serializableSnapshot)
      #expect(try stage.get("x", snapshot) == 0)
      let repeatable = try stage.open(.repeatableRead)
      if scans {
        #expect(try stage.scan("y"..<"z", repeatable) == ["y": 0])
      } else {
        #expect(try stage.get("y", repeatable) == 0)
      }
      try stage.set("x", 1, repeatable)
      _ = try repeatable.commit()
      try stage.set("y", 1, snapshot)
      #expect(stage.code { _ = try snapshot.commit() } == .serializationFailure)
    }
  }
}
