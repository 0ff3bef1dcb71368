internal import BTreeIndex
internal import Primitives
internal import RawBytes
internal import VersionStore

/// What a snapshot and a transaction have in common: one moment of the store, and memory to lend
/// values from.
///
/// Used by one thread at a time.
final class ReadContext {
  let engine: Engine
  let snapshot: StoreSnapshot
  let cancellation: CancellationFlag?
  /// Where the newest commit that this context can see ends in the log.
  let horizon: LogPosition
  private var scratch = ScratchStack()

  init(
    engine: Engine, snapshot: StoreSnapshot, horizon: LogPosition, cancellation: CancellationFlag?
  ) {
    self.engine = engine
    self.snapshot = snapshot
    self.horizon = horizon
    self.cancellation = cancellation
  }

  /// Checks what every operation checks.
  func requireUsable(_ keyspace: Keyspace) throws(DatabaseError) {
    if keyspace.database != engine.id {
      throw DatabaseError(
        .wrongDatabase, "keyspace \"\(keyspace.name)\" belongs to another database")
    }
    if let cancellation, cancellation.isCancelled {
      throw DatabaseError(.cancelled, "the task was cancelled")
    }
  }

  /// Runs `body` with an empty scratch level.
  func withScratch<Result, Failure: Error>(
    _ body: (ScratchStack.Level) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    let level = scratch.push()
    defer { scratch.pop() }
    return try body(level)
  }

  /// Copies the committed value of a key to scratch; nil when it is absent.
  func find(_ key: ByteView, in keyspace: KeyspaceID, copyingTo level: ScratchStack.Level)
    throws(DatabaseError) -> FoundValue?
  {
    do {
      return try engine.store.find(
        key, in: keyspace, at: snapshot, appendingValueTo: &level.bytes)
    } catch {
      throw DatabaseError(error)
    }
  }

  /// The value's bytes: where they were copied, or the large value copied now.
  func bytes(of value: FoundValue, in level: ScratchStack.Level) throws(DatabaseError) -> ByteView {
    guard let overflow = value.overflow else { return level.bytes.view[value.valueRange] }
    return try largeBytes(overflow, in: level)
  }

  /// Copies a whole large value to scratch.
  func largeBytes(_ reference: OverflowReference, in level: ScratchStack.Level)
    throws(DatabaseError) -> ByteView
  {
    guard reference.byteCount <= UInt64(LargeValue.lendingLimit) else {
      throw DatabaseError(
        .valueTooLarge,
        "the value has \(reference.byteCount) bytes; above \(LargeValue.lendingLimit) read it in "
          + "pieces with read(_:in:offset:count:)")
    }
    let byteCount = Int(reference.byteCount)
    level.bytes.removeAll()
    level.bytes.append(zeros: byteCount)
    try readLarge(reference, at: 0, into: level.bytes.mutableView[0..<byteCount])
    return level.bytes.view
  }

  /// Copies part of a large value. `target` lies inside the value.
  func readLarge(_ reference: OverflowReference, at offset: UInt64, into target: MutableByteView)
    throws(DatabaseError)
  {
    var done = 0
    while done < target.count {
      let count: Int
      do {
        count = try engine.store.readOverflow(
          reference, at: offset + UInt64(done), into: target[done..<target.count],
          snapshot: snapshot)
      } catch {
        throw DatabaseError(error)
      }
      guard count > 0 else {
        throw DatabaseError(
          .corrupt, "a large value of \(reference.byteCount) bytes ends at \(offset) + \(done)")
      }
      done += count
    }
  }
}
