internal import Environment
internal import KeyCoding
internal import Primitives
internal import RawBytes

/// Builds an index from the records that are there, beside writers.
///
/// Writers maintain the index from the moment it is known, so only records that nobody has written
/// since are without entries. The build visits every record once, some in each transaction: it reads
/// each one under its lock, which orders it with whoever is writing the record, and writes the
/// entries that it finds missing. How far it is stands in the same transaction, so after a crash it
/// goes on where it was.
///
/// - Invariant IB1: an entry that the build writes is of the newest committed version of its record,
///   whose lock is held until the entry is committed.
/// - Invariant IB2: the index is ready from the transaction on that found no further record. Readers
///   of older moments are refused (`BoundIndex.requireReady`).
struct IndexBuilder {
  let engine: Engine
  let store: SchemaStore
  let task: SchemaOpening.Task

  /// Records visited by one transaction.
  private static var batchCount: Int { 256 }
  /// Nanoseconds between two looks whether the database was resumed.
  private static var suspendedPause: UInt64 { 10_000_000 }

  private var index: BoundIndex { task.index }

  private var name: SchemaStore.IndexName {
    SchemaStore.IndexName(collection: index.collection, index: index.name)
  }

  /// Builds it to its end, and makes it known as ready or as failed.
  ///
  /// - Throws: `uniqueViolation`, or what reading and decoding records throws; `closed` when the
  ///   database is closed meanwhile: opening it again goes on with the build.
  func run(progress: (SchemaProgress) -> Void) throws {
    // For the news only: what is in the way of a count is in the way of a batch as well.
    let total = (try? recordCount()) ?? 0
    func report(_ done: Int) {
      engine.collections.note(done: done, total: max(total, done), of: index)
      progress(
        SchemaProgress(
          step: .index(index.name, of: index.collection), done: done, total: max(total, done)))
    }
    do {
      var batchCount = Self.batchCount
      while true {
        do {
          let (stored, moment) = try runBatch(batchCount)
          report(stored.builtCount)
          if let moment {
            engine.collections.update(index.with(.ready(since: moment)))
            return
          }
        } catch let error as DatabaseError
          where error.code == .transactionTooLarge && batchCount > 1
        {
          batchCount /= 2
        } catch let error as DatabaseError where error.code == .suspended {
          // What was committed stays; the rest is built after `resume`.
          _ = engine.effects.waits.park(
            engine.effects.waits.makeTicket(),
            until: engine.effects.time.monotonic() + Self.suspendedPause)
        } catch let error as DatabaseError where error.isRetryable {
          // Outrun by writers for half a minute: their turn is over at some time.
          continue
        }
      }
    } catch {
      let failure =
        (error as? DatabaseError)
        ?? DatabaseError(.valueMismatch, "a record cannot be indexed: \(error)")
      if failure.code != .closed { engine.collections.update(index.with(.failed(failure))) }
      throw failure
    }
  }

  /// Visits some records. The moment is that from which the index is ready; nil while it is not.
  private func runBatch(_ count: Int) throws -> (StoredIndex, Timestamp?) {
    var after: StoredIndex?
    let moment = try engine.commit(.readCommitted) { tx in
      guard var stored = try store.index(name, tx),
        index.keyspace.name
          == SystemKeyspace.index(stored.number, of: name.collection, name.index)
      else {
        throw DatabaseError(
          .unknownKeyspace, "index \"\(index.name)\" was dropped while it was built")
      }
      let keys = try nextKeys(after: stored.builtThrough, count, tx)
      var entries = IndexKeys()
      for key in keys { try visit(key, &entries, tx) }
      stored.builtThrough = keys.last ?? stored.builtThrough
      stored.builtCount += keys.count
      if keys.count < count {
        stored.state = .ready
        stored.builtThrough = nil
      }
      try store.set(stored, name, tx)
      after = stored
    }
    guard let after, let moment else { preconditionFailure("a batch that wrote nothing") }
    return (after, after.state == .ready ? moment : nil)
  }

  private func nextKeys(
    after last: [UInt8]?, _ count: Int, _ transaction: borrowing Transaction
  ) throws -> [[UInt8]] {
    var keys: [[UInt8]] = []
    try transaction.forEachKey(
      in: task.records, KeyBounds(lower: last?.successor, upper: nil), reverse: false, limit: count
    ) { key, _ in
      keys.append(key.withByteView { $0.array })
      return .continue
    }
    return keys
  }

  /// Writes the missing entries of one record.
  private func visit(
    _ key: [UInt8], _ entries: inout IndexKeys, _ transaction: borrowing Transaction
  ) throws {
    entries.removeAll()
    let state = transaction.state
    var expiry: UInt64 = 0
    _ = try key.withByteView { key in
      try transaction.withBytesForUpdate(for: key.array, in: task.records) { bytes in
        do { try task.entry.derive(bytes, key, task.position, &entries) } catch {
          throw DatabaseError.undecodable(key.array, index.collection, error)
        }
      }
      // An entry lives as long as its record.
      expiry = try state.expiry(of: key, in: task.records, forUpdate: true) ?? 0
    }
    for entry in entries.entries {
      let entryKey = entries.key(entry)
      let span = unsafe entryKey.buffer.bytes
      if let value = unsafe try state.lend(span, in: index.keyspace, forUpdate: true) {
        defer { state.giveBack() }
        let holder = unsafe ByteView(value)
        if index.isUnique, holder != entries.id {
          throw DatabaseError.uniqueViolation(
            index, key: entryKey.array, holder: holder.array, other: key)
        }
      } else {
        try IndexEntryValue.set(
          entryKey, id: entries.id, index, expiry: expiry, in: state)
      }
    }
  }

  private func recordCount() throws -> Int {
    try engine.snapshot { snapshot in
      var count = 0
      try snapshot.forEachKey(in: task.records, .all, reverse: false, limit: nil) { _, _ in
        count += 1
        return .continue
      }
      return count
    }
  }
}
