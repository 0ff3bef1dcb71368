internal import BTreeIndex
internal import Primitives
internal import RawBytes
internal import Synchronization

/// Every transaction that may have pending writes: where `.readUncommitted` looks.
///
/// Nobody else pays but for one uncontended mutex around each change of a write set: a dirty reader
/// asks the running transactions one after another, of which there are about as many as threads.
///
/// Large values of others are shown when they are committed, not before: their pages are private,
/// and go with their transaction. So are merges, but into what their transaction itself has written:
/// they have no value before.
///
/// - Invariant PW1: a write is shown from the moment that its key is locked until its transaction
///   has ended, so that of one key at most one is shown.
// SENDABLE: all mutable state is in a Mutex.
final class PendingWriters: Sendable {
  /// A transaction as other threads may see it.
  // SENDABLE: others call `withPendingWrites` alone, which has a latch.
  private struct Writer: @unchecked Sendable { let transaction: TransactionState }

  private let writers = Mutex<[Writer]>([])

  /// Adds a transaction that may run from now on.
  func add(_ transaction: TransactionState) {
    let writer = Writer(transaction: transaction)
    writers.withLock { $0.append(writer) }
  }

  /// Forgets one that will not run again.
  func remove(_ transaction: TransactionState) {
    let writer = Writer(transaction: transaction)
    writers.withLock { $0.removeAll { $0.transaction === writer.transaction } }
  }

  /// Whether any of them satisfies a condition that other threads may look at.
  func contains(where condition: (TransactionState) -> Bool) -> Bool {
    all.contains(where: condition)
  }

  private var all: [TransactionState] { writers.withLock { $0 }.map(\.transaction) }

  /// Copies another transaction's pending value of a key to scratch; nil when there is none.
  func find(
    _ key: ByteView, _ hash: UInt64, in keyspace: KeyspaceID, asSeenBy reader: TransactionState,
    copyingTo level: ScratchStack.Level
  ) -> PendingLookup? {
    for writer in all where writer !== reader {
      let found = writer.withPendingWrites { writes -> PendingLookup? in
        guard let index = writes.index(of: key, in: keyspace, hash) else { return nil }
        let pending = writes.found(at: index)
        switch pending.write {
        case .large: return nil
        case .merge:
          guard let value = Self.value(of: index, writes, reader) else { return nil }
          guard case .set(let bytes) = value else { return .removed }
          bytes.withByteView { level.bytes.append($0) }
          return .value(0..<bytes.count)
        case .remove: return .removed
        case .set where reader.reads.hasExpired(pending.expiry): return .removed
        case .set(let value):
          level.bytes.append(value)
          return .value(0..<value.count)
        }
      }
      if let found { return found }
    }
    return nil
  }

  /// All pending writes within bounds, ascending: the reader's own, and what others show.
  func writes(in keyspace: KeyspaceID, _ bounds: KeyBounds, asSeenBy reader: TransactionState)
    -> [PendingWrite]
  {
    let lower = OwnedBytes(bounds.lower)
    let upper = OwnedBytes(bounds.upper)
    var found: [PendingWrite] = []
    for writer in all where writer !== reader {
      _ = writer.withPendingWrites { writes -> Void? in
        for index in writes.sortedIndices(in: keyspace, from: lower.view, to: upper.view) {
          let pending = writes.found(at: index)
          switch pending.write {
          case .large: break
          case .merge:
            guard let value = Self.value(of: index, writes, reader) else { break }
            found.append(PendingWrite(key: writes.key(at: index).array, value))
          case .set where reader.reads.hasExpired(pending.expiry):
            found.append(PendingWrite(key: writes.key(at: index).array, .remove))
          case .remove: found.append(PendingWrite(key: writes.key(at: index).array, .remove))
          case .set(let value):
            found.append(PendingWrite(key: writes.key(at: index).array, .set(value.array)))
          }
        }
        return nil
      }
    }
    for index in reader.writes.sortedIndices(in: keyspace, from: lower.view, to: upper.view) {
      let key = reader.writes.key(at: index).array
      found.removeAll { $0.key == key }
      let own = reader.writes.found(at: index)
      switch own.write {
      case .merge: preconditionFailure("a scan began over an unresolved merge")
      case _ where reader.reads.hasExpired(own.expiry):
        found.append(PendingWrite(key: key, .remove))
      case .remove: found.append(PendingWrite(key: key, .remove))
      case .set(let value): found.append(PendingWrite(key: key, .set(value.array)))
      case .large(let ordinal, _):
        found.append(PendingWrite(key: key, .large(reader.largeValues[ordinal])))
      }
    }
    return found.sorted { $0.key.lexicographicallyPrecedes($1.key) }
  }

  /// What a merge into a write of the same transaction comes to; nil when it is into what others have
  /// written, or into a large value.
  private static func value(
    of index: Int, _ writes: borrowing WriteSet, _ reader: TransactionState
  ) -> PendingWrite.Value? {
    guard writes.notedStep(at: index).isOverOwnWrite else { return nil }
    let (program, own) = writes.merges(at: index)
    guard let own else { return nil }
    let bytes: [UInt8]?
    switch own.write {
    case .large, .merge: return nil
    case .set(let value) where !reader.reads.hasExpired(own.expiry): bytes = value.array
    case .set, .remove: bytes = nil
    }
    do { return try program.result(on: bytes).map { .set($0) } ?? .remove } catch { return nil }
  }
}

/// What a dirty reader found.
enum PendingLookup {
  /// Somebody has removed the key and not committed.
  case removed
  /// Somebody has set it; the bytes stand in the scratch level.
  case value(Range<Int>)
}

/// A copy of a write that is not committed.
struct PendingWrite {
  enum Value {
    case set([UInt8])
    case remove
    case large(OverflowReference)
  }

  let key: [UInt8]
  let value: Value

  init(key: [UInt8], _ value: Value) {
    self.key = key
    self.value = value
  }
}
