internal import BTreeIndex
internal import ConcurrencyControl
internal import Primitives
internal import RawBytes
internal import VersionStore

extension TransactionState {
  /// Marks this moment of the write set.
  func makeSavepoint() -> Savepoint {
    savepointSerial += 1
    savepoints.append(savepointSerial)
    return Savepoint(
      transaction: id.rawValue, mark: writes.mark, depth: savepoints.count - 1,
      serial: savepointSerial)
  }

  /// Undoes all writes since a savepoint.
  ///
  /// - Throws: `invalidArgument` when it is not of this transaction, or was given up by rolling back
  ///   to an earlier one.
  func rollBack(to savepoint: Savepoint) throws(DatabaseError) {
    guard savepoint.transaction == id.rawValue, savepoint.depth < savepoints.count,
      savepoints[savepoint.depth] == savepoint.serial
    else {
      throw DatabaseError(
        .invalidArgument,
        "the savepoint belongs to another transaction or was given up by rolling back behind it")
    }
    savepoints.removeLast(savepoints.count - savepoint.depth - 1)
    rollBack(to: savepoint.mark)
  }

  /// The commit that wrote what the transaction sees of a key; nil when it is absent or the
  /// transaction's own write.
  func version(of key: ByteView, in keyspace: KeyspaceID, forUpdate: Bool) throws(DatabaseError)
    -> Timestamp?
  {
    if hasPendingWrite(of: key, in: keyspace) { return nil }
    return try reads.withScratch { (level) throws(DatabaseError) in
      // The protocol's locks and notes, as for any read; then the version of what they protect.
      _ = try find(key, in: keyspace, forUpdate: forUpdate, copyingTo: level)
      level.bytes.removeAll()
      return try reads.find(key, in: keyspace, copyingTo: level)?.timestamp
    }
  }

  /// Lets reads go unprotected; gives back what `resumeGuarantee` needs.
  func suspendGuarantee() -> SuspendedGuarantee {
    let suspended = SuspendedGuarantee(control: control, notesReads: reads.notesReads)
    reads.notesReads = false
    if control.scanning != .free { readUnprotected() }
    return suspended
  }

  func resumeGuarantee(_ suspended: SuspendedGuarantee) {
    reads.notesReads = suspended.notesReads
    resume(suspended.control)
  }
}

/// A guarantee that is suspended for some reads.
struct SuspendedGuarantee {
  let control: any ConcurrencyProtocol
  let notesReads: Bool
}
