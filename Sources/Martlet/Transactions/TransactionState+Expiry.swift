internal import BTreeIndex
internal import ConcurrencyControl
internal import Primitives
internal import RawBytes
internal import VersionStore

extension TransactionState {
  // MARK: What is written

  /// When what is written now expires because of its keyspace; zero: never.
  @inline(__always)
  func defaultExpiry(in keyspace: Keyspace) -> UInt64 {
    keyspace.options.timeToLiveNanoseconds == 0
      ? 0 : stored(.after(.nanoseconds(Int64(clamping: keyspace.options.timeToLiveNanoseconds))))
  }

  /// The number that is stored for an expiry. From the first one on the store judges.
  @inline(never)
  func stored(_ expiry: Expiry) -> UInt64 {
    if expiry != .never { store.expiries.use() }
    return expiry.stored { reads.expiryMoment }
  }

  /// Gives a key that is there another expiry. False when it is absent.
  func touch(_ key: ByteView, expiry: UInt64, in keyspace: Keyspace) throws(DatabaseError) -> Bool {
    try requireUsable(keyspace)
    return try reads.withScratch { (level) throws(DatabaseError) in
      switch try find(key, in: keyspace.id, forUpdate: true, copyingTo: level) {
      case nil: return false
      case .inline(let range):
        try set(key, to: level.bytes.view[range], expiry: expiry, in: keyspace)
      case .large(let reference):
        try setLarge(key, byteCount: reference.byteCount, expiry: expiry, in: keyspace) {
          (sink) throws(DatabaseError) in try copy(reference, to: sink)
        }
      }
      return true
    }
  }

  /// Copies a large value that the transaction sees, piece by piece.
  private func copy(_ reference: OverflowReference, to sink: LargeValueSink) throws(DatabaseError) {
    try reads.withScratch { (level) throws(DatabaseError) in
      var offset: UInt64 = 0
      while offset < reference.byteCount {
        let count = Int(min(reference.byteCount - offset, UInt64(LargeValue.continuationByteCount)))
        level.bytes.removeAll()
        level.bytes.append(zeros: count)
        try reads.readLarge(
          reference, from: offset, into: level.bytes.mutableView, at: reads.snapshot)
        try sink.append(level.bytes.view)
        offset += UInt64(count)
      }
    }
  }

  // MARK: What is there

  /// When what the transaction sees of a key expires: zero when never, nil when the key is absent.
  func expiry(of key: ByteView, in keyspace: Keyspace, forUpdate: Bool = false)
    throws(DatabaseError) -> UInt64?
  {
    try requireUsable(keyspace)
    let name = ReadContext.name(of: key, in: keyspace.id)
    return try reads.withScratch { (level) throws(DatabaseError) -> UInt64? in
      // With the locks and notes of any read. A merge is a write afterwards.
      guard try find(key, in: keyspace.id, forUpdate: forUpdate, copyingTo: level) != nil else {
        return nil
      }
      if let own = writes.found(key, in: keyspace.id, name.fingerprint) { return own.expiry }
      return try storedExpiry(of: key, name)
    }
  }

  /// When the stored value of a key that the transaction sees expires.
  func storedExpiry(of key: ByteView, _ name: LockName) throws(DatabaseError) -> UInt64 {
    guard store.expiries.isInUse else { return 0 }
    return try reads.withScratch { (level) throws(DatabaseError) in
      try reads.findWithoutNote(key, name, copyingTo: level)?.expiry ?? 0
    }
  }
}
