public import Primitives
internal import RawBytes
internal import VersionStore

extension Transaction {
  /// Lends the value of a key that is going to be written, and keeps other writers from it; nil,
  /// and no call, when the key is absent (which keeps others from making it as well).
  ///
  /// Of two transactions that both read first and then write, one waits here instead of both
  /// meeting in a deadlock or a lost update. At the levels below `.snapshot` it shows the newest
  /// committed value; under the optimistic protocol it is an ordinary read.
  /// - Throws: as ``set(_:for:in:)``, and ``Reading/withBytes(for:in:_:)``.
  @inlinable
  public func withBytesForUpdate<Result>(
    for key: some StoredKey, in keyspace: Keyspace, _ body: (RawSpan) throws -> Result
  ) throws -> Result? {
    try key.withKeyBytes { span -> Result? in
      guard let value = unsafe try state.lend(span, in: keyspace, forUpdate: true) else {
        return nil
      }
      defer { state.giveBack() }
      // SAFETY: what is lent stays as it is until it is given back; nested reads lend other memory.
      return try unsafe body(value.bytes)
    }
  }

  /// A copy of the value of a key that is going to be written; see
  /// ``withBytesForUpdate(for:in:_:)``.
  @inlinable
  public func getForUpdate(_ key: some StoredKey, in keyspace: Keyspace) throws -> [UInt8]? {
    try withBytesForUpdate(for: key, in: keyspace) { bytes in
      unsafe bytes.withUnsafeBytes { unsafe [UInt8]($0) }
    }
  }

  /// The value of a key that is going to be written, as a type; see
  /// ``withBytesForUpdate(for:in:_:)``.
  ///
  /// - Throws: `valueMismatch` when the stored bytes are not of that type.
  @inlinable
  public func valueForUpdate<Value: StoredValue>(
    for key: some StoredKey, in keyspace: Keyspace, as type: Value.Type
  ) throws -> Value? {
    try withBytesForUpdate(for: key, in: keyspace) { bytes in
      guard let value = Value(valueBytes: bytes) else {
        throw DatabaseError.mismatch(keyspace, bytes.byteCount, "\(type)")
      }
      return value
    }
  }

  /// The commit that wrote a key's value: its version. Nil when the key is absent, or when this
  /// transaction has written it itself.
  ///
  /// - Complexity: O(log n) pages; a large value is not read.
  public func version(of key: some StoredKey, in keyspace: Keyspace) throws -> Timestamp? {
    try version(of: key, in: keyspace, forUpdate: false)
  }

  func version(of key: some StoredKey, in keyspace: Keyspace, forUpdate: Bool) throws -> Timestamp?
  {
    try state.requireUsable(keyspace)
    return try key.withKeyBytes { span in
      try span.withByteView { key in
        try state.version(of: key, in: keyspace.id, forUpdate: forUpdate)
      }
    }
  }

  /// Runs reads that the transaction's guarantee does not cover: at a serializable level they are
  /// neither locked nor certified, and show what `.snapshot` would, or under two-phase locking
  /// `.readCommitted`. For hints, statistics and pages of results on which no write depends
  /// (rule M9).
  public func withoutGuarantee<Result>(
    _ body: (borrowing Transaction) throws -> Result
  ) rethrows -> Result {
    let control = state.suspendGuarantee()
    defer { state.resumeGuarantee(control) }
    return try body(self)
  }
}
