internal import KeyCoding
internal import RawBytes

/// Runs one migration, or the rest of one that was interrupted.
///
/// - Invariant MR1: that a migration has run, or how far, is written by the transaction that did it.
struct MigrationRun {
  let engine: Engine
  let store: SchemaStore
  let migration: Migration
  let ordinal: Int
  let progress: (SchemaProgress) -> Void

  /// Records rewritten by one transaction.
  private static var batchCount: Int { 256 }

  /// - Parameter stored: what the database knows of it; nil when it has not begun.
  func run(from stored: StoredMigration?) throws {
    report(stored?.rewrittenCount ?? 0)
    switch migration.work {
    case .transaction(let body): try runAtOnce(body)
    case .rewriting(let rewriting):
      var course = stored ?? StoredMigration(name: migration.name, isDone: false)
      while !course.isDone {
        course = try runBatch(rewriting, course)
        report(course.rewrittenCount)
      }
    case .redeclaring(let names):
      try engine.commit(.snapshot) { tx in
        for name in names { try store.noteRewriting(of: name, tx) }
        try store.set(StoredMigration(name: migration.name, isDone: true), at: ordinal, tx)
      }
    }
  }

  private func runAtOnce(_ body: @Sendable (borrowing Transaction) throws -> Void) throws {
    try engine.commit(.snapshot) { tx in
      let scope = MigrationScope(engine: engine)
      let cache = tx.state.reads.collections
      cache.migration = scope
      defer { cache.migration = nil }
      try body(tx)
      for name in scope.written.sorted() { try store.noteRewriting(of: name, tx) }
      try store.set(StoredMigration(name: migration.name, isDone: true), at: ordinal, tx)
    }
  }

  /// One batch; returns how far the migration is then.
  private func runBatch(_ rewriting: Rewriting, _ before: StoredMigration) throws
    -> StoredMigration
  {
    guard let records = try engine.existingKeyspace(rewriting.collection) else {
      throw DatabaseError.collectionNotOpen(rewriting.collection)
    }
    var after = before
    // Each record is read under its lock, so the newest state is the right one.
    try engine.commit(.readCommitted) { tx in
      after = before
      if before.rewrittenThrough == nil { try store.noteRewriting(of: rewriting.collection, tx) }
      let keys = try Self.keys(after: before.rewrittenThrough, in: records, tx)
      let scratch = WriteScratch()
      for key in keys { try rewrite(key, records, rewriting, scratch, tx) }
      after.rewrittenThrough = keys.last ?? before.rewrittenThrough
      after.rewrittenCount += keys.count
      after.isDone = keys.count < Self.batchCount
      try store.set(after, at: ordinal, tx)
    }
    return after
  }

  private static func keys(
    after last: [UInt8]?, in keyspace: Keyspace, _ transaction: borrowing Transaction
  ) throws -> [[UInt8]] {
    var keys: [[UInt8]] = []
    try transaction.forEachKey(
      in: keyspace, KeyBounds(lower: last?.successor, upper: nil), reverse: false,
      limit: batchCount
    ) { key, _ in
      keys.append(key.withByteView { $0.array })
      return .continue
    }
    return keys
  }

  private func rewrite(
    _ key: [UInt8], _ records: Keyspace, _ rewriting: Rewriting, _ scratch: WriteScratch,
    _ transaction: borrowing Transaction
  ) throws {
    let stays = try transaction.withBytesForUpdate(for: key, in: records) { bytes in
      try key.withByteView { key in try rewriting.rewrite(bytes, key, scratch) }
    }
    guard let stays else { return }
    try key.withByteView { key in
      let state = transaction.state
      guard stays else { return try state.remove(key, in: records) }
      // A migration changes what a record says, not how long it lives.
      let expiry = try state.expiry(of: key, in: records, forUpdate: true) ?? 0
      try state.set(key, to: scratch.value.view, expiry: expiry, in: records)
    }
  }

  private func report(_ done: Int) {
    progress(SchemaProgress(step: .migration(migration.name), done: done, total: nil))
  }
}
