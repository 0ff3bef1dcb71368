internal import BTreeIndex
internal import Primitives
internal import RawBytes
internal import VersionStore

/// Collects what a commit replaces, for the log: `format-spec/previous-values.md`.
///
/// It is called when the commit's keys are locked for writing and before its record is ordered. The
/// snapshot shows the newest committed state of these keys: under the protocols whose first updater
/// wins a newer one refuses the commit, and the others have taken a new snapshot behind their locks.
///
/// - Invariant PV1: for each entry of the commit in a recorded keyspace there is one entry, of the
///   same key, with the state that the commit replaces.
/// - Invariant PV2: a value that has expired and was not removed is recorded like any other: what one
///   change tells as new is what the next one of the key tells as old.
struct PreviousValuesRecorder: ~Copyable {
  /// The largest value that is recorded with its bytes.
  static let valueByteLimit: UInt64 = 1 << 20
  /// Bytes of values that one commit records.
  static let byteLimit: UInt64 = 16 << 20

  private var builder = WriteBatchBuilder(capacity: 0)
  private var scratch = ByteBuffer(capacity: 0)
  private var byteCount: UInt64 = 0

  /// The batch of old values: an absent one is a removal, one without bytes a large value. Valid as
  /// long as the recorder.
  mutating func record(
    _ batch: WriteBatch, _ keyspaces: [KeyspaceID], _ store: VersionStore, _ snapshot: StoreSnapshot
  ) throws(DatabaseError) -> WriteBatch {
    // PV2: without a moment nothing has expired.
    let snapshot = snapshot.withoutExpiry
    var entries = batch.makeIterator()
    while let entry = entries.next() {
      guard keyspaces.contains(entry.keyspace) else { continue }
      scratch.removeAll()
      do throws(StoreError) {
        try add(entry, store, snapshot)
      } catch {
        throw DatabaseError(error)
      }
    }
    return builder.finish()
  }

  private mutating func add(
    _ entry: WriteBatchEntry, _ store: VersionStore, _ snapshot: StoreSnapshot
  ) throws(StoreError) {
    let found = try store.find(
      entry.key, in: entry.keyspace, at: snapshot, appendingValueTo: &scratch)
    guard let found else { return builder.remove(entry.key, in: entry.keyspace) }
    guard found.byteCount <= Self.valueByteLimit, byteCount + found.byteCount <= Self.byteLimit
    else {
      return builder.append(
        .large(entry.key, ordinal: 0, byteCount: found.byteCount, in: entry.keyspace)
          .expiring(at: found.expiry))
    }
    byteCount += found.byteCount
    guard let overflow = found.overflow else {
      return builder.append(
        .set(entry.key, to: scratch.view[found.valueRange], in: entry.keyspace)
          .expiring(at: found.expiry))
    }
    scratch.append(zeros: Int(overflow.byteCount))
    var done = 0
    while done < scratch.count {
      let count = try store.readOverflow(
        overflow, at: UInt64(done), into: scratch.mutableView[done..<scratch.count],
        snapshot: snapshot)
      guard count > 0 else { throw .corrupt(.overflowEnd(at: done, of: overflow.byteCount)) }
      done += count
    }
    builder.append(
      .set(entry.key, to: scratch.view, in: entry.keyspace).expiring(at: found.expiry))
  }
}

extension CorruptionError {
  fileprivate static func overflowEnd(at offset: Int, of byteCount: UInt64) -> CorruptionError {
    CorruptionError(
      location: "overflow value", expected: "\(byteCount) bytes", found: "\(offset) bytes")
  }
}
