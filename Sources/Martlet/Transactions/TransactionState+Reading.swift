internal import BTreeIndex
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
  /// The transaction's own write of a key, else the snapshot's value; nil when it is absent.
  func find(_ key: ByteView, in keyspace: KeyspaceID, copyingTo level: ScratchStack.Level)
    throws(DatabaseError) -> VisibleValue?
  {
    if !writes.isEmpty {
      let fingerprint = Hash64.hash(key, seed: UInt64(keyspace.rawValue))
      switch writes.newest(of: key, in: keyspace, fingerprint) {
      case nil: break
      case .remove: return nil
      case .set(let value):
        level.bytes.append(value)
        return .inline(0..<value.count)
      case .large(let ordinal, _): return .large(largeValues[ordinal])
      }
    }
    do {
      try control.willRead(key, in: keyspace, by: self)
      guard let found = try reads.find(key, in: keyspace, copyingTo: level) else { return nil }
      return found.overflow.map(VisibleValue.large) ?? .inline(found.valueRange)
    } catch {
      throw note(error)
    }
  }

  /// The value's bytes: where they were copied, or the large value copied now.
  func bytes(of value: VisibleValue, in level: ScratchStack.Level) throws(DatabaseError)
    -> ByteView
  {
    switch value {
    case .inline(let range): return level.bytes.view[range]
    case .large(let reference): return try reads.largeBytes(reference, in: level)
    }
  }

  /// Copies the visible value of a key to scratch and lends it until `giveBack`; nil, and nothing
  /// to give back, when the key is absent.
  @usableFromInline
  func lend(_ key: RawSpan, in keyspace: Keyspace) throws(DatabaseError) -> UnsafeRawBufferPointer?
  {
    try requireUsable(keyspace)
    let level = reads.pushScratch()
    do throws(DatabaseError) {
      let view = try key.withByteView { (key) throws(DatabaseError) -> ByteView? in
        guard let value = try find(key, in: keyspace.id, copyingTo: level) else { return nil }
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
