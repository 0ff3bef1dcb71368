internal import BTreeIndex
internal import ConcurrencyControl
internal import Primitives
internal import RawBytes
internal import VersionStore

/// A value as a transaction sees it.
enum VisibleValue {
  /// Its bytes stand in the scratch level.
  case inline(Range<Int>)
  /// It lies in overflow pages.
  case large(OverflowReference)

  var byteCount: Int {
    switch self {
    case .inline(let range): range.count
    case .large(let reference): Int(reference.byteCount)
    }
  }
}

extension TransactionState {
  /// The transaction's own write of a key, else what its view shows; nil when it is absent.
  func find(
    _ key: ByteView, in keyspace: KeyspaceID, forUpdate: Bool = false,
    copyingTo level: ScratchStack.Level
  ) throws(DatabaseError) -> VisibleValue? {
    let name = ReadContext.name(of: key, in: keyspace)
    if let own = writes.found(key, in: keyspace, name.fingerprint) {
      switch own.write {
      case .remove: return nil
      case .merge:
        // Read, it is a merge no more: from here on the transaction depends on what it changes.
        try pinMerge(key, name)
        level.bytes.removeAll()
        return try find(key, in: keyspace, copyingTo: level)
      case _ where reads.hasExpired(own.expiry): return nil
      case .set(let value):
        level.bytes.append(value)
        return .inline(0..<value.count)
      case .large(let ordinal, _): return .large(largeValues[ordinal])
      }
    }
    do {
      if forUpdate {
        try control.willReadForUpdate(key, name, by: self)
      } else {
        try control.willRead(key, name, by: self)
      }
      return try findStored(key, name, forUpdate, copyingTo: level)
    } catch {
      throw note(error)
    }
  }

  /// What the protocol's view shows of a key that the transaction has not written.
  func findStored(
    _ key: ByteView, _ name: LockName, _ isLocked: Bool, copyingTo level: ScratchStack.Level
  ) throws(DatabaseError) -> VisibleValue? {
    switch control.view {
    case .snapshot: break
    case .newest: reads.refresh()
    case .pending:
      // The pending first: one that ends in between is then found as committed.
      let pending =
        isLocked
        ? nil
        : engine.pendingWriters.find(
          key, name.fingerprint, in: name.keyspace, asSeenBy: self, copyingTo: level)
      switch pending {
      case .removed: return nil
      case .value(let range): return .inline(range)
      case nil: reads.refresh()
      }
    }
    guard let found = try reads.find(key, name, copyingTo: level) else { return nil }
    return found.overflow.map(VisibleValue.large) ?? .inline(found.valueRange)
  }

  /// The value's bytes: where they were copied, or the large value copied now.
  func bytes(of value: VisibleValue, in level: ScratchStack.Level) throws(DatabaseError)
    -> ByteView
  {
    switch value {
    case .inline(let range): return level.bytes.view[range]
    case .large(let reference):
      return try reads.largeBytes(reference, in: level, at: reads.snapshot)
    }
  }

  /// Copies the visible value of a key to scratch and lends it until `giveBack`; nil, and nothing
  /// to give back, when the key is absent.
  @usableFromInline
  func lend(_ key: RawSpan, in keyspace: Keyspace, forUpdate: Bool) throws(DatabaseError)
    -> UnsafeRawBufferPointer?
  {
    try requireUsable(keyspace)
    let level = reads.pushScratch()
    do throws(DatabaseError) {
      let view = try key.withByteView { (key) throws(DatabaseError) -> ByteView? in
        guard let value = try find(key, in: keyspace.id, forUpdate: forUpdate, copyingTo: level)
        else { return nil }
        return try bytes(of: value, in: level)
      }
      guard let view else {
        reads.giveBack()
        return nil
      }
      return unsafe view.buffer
    } catch {
      reads.giveBack()
      throw error
    }
  }

  /// Ends the newest loan.
  @usableFromInline
  func giveBack() { reads.giveBack() }
}
