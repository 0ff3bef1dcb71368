public import Primitives
internal import RawBytes
internal import VersionStore

// Changes that depend on what is there, each atomic at every level: what it looks at cannot change
// before it is written.
extension Transaction {
  /// Adds to an integer, and returns the sum. An absent key counts as zero. What was there keeps its
  /// expiry. Who does not need the sum adds with ``merge(_:for:in:)``, where nobody gets in anybody's
  /// way.
  ///
  /// - Throws: `valueMismatch` when the value is no integer, `invalidArgument` when the sum leaves
  ///   its range: nothing happened. As ``set(_:for:in:)``.
  @discardableResult
  public func increment(_ key: some StoredKey, by difference: Int = 1, in keyspace: Keyspace)
    throws -> Int
  {
    let old = try valueForUpdate(for: key, in: keyspace, as: Int.self) ?? 0
    let (sum, overflow) = old.addingReportingOverflow(difference)
    guard !overflow else {
      throw DatabaseError(
        .invalidArgument, "\(old) and \(difference) have no sum in 64 bits; nothing happened")
    }
    switch try expiryToKeep(of: key, in: keyspace) {
    case nil: try set(sum, for: key, in: keyspace)
    case let expiry?: try set(sum, for: key, in: keyspace, expires: expiry)
    }
    return sum
  }

  /// Sets a key if it has a certain value now; nil stands for an absent key, on either side.
  ///
  /// - Returns: whether it had, and was set or removed.
  /// - Throws: as ``set(_:for:in:)``.
  @discardableResult
  public func compareAndSet<Value: StoredValue>(
    _ key: some StoredKey, from expected: Value?, to desired: Value?, in keyspace: Keyspace
  ) throws -> Bool {
    let isAsExpected =
      try withBytesForUpdate(for: key, in: keyspace) { bytes in
        try expected.map { try $0.withValueBytes { $0.isEqual(to: bytes) } } ?? false
      } ?? (expected == nil)
    guard isAsExpected else { return false }
    if let desired {
      try set(desired, for: key, in: keyspace)
    } else {
      try remove(key, in: keyspace)
    }
    return true
  }

  /// Sets a key if its value was written by a certain commit; nil stands for an absent key. The
  /// version is what ``version(of:in:)`` gave, in this transaction or an earlier one.
  ///
  /// - Returns: whether it was set; false as well for a key that this transaction has written.
  /// - Throws: as ``set(_:for:in:)``.
  @discardableResult
  public func set(
    _ value: some StoredValue, for key: some StoredKey, ifVersion version: Timestamp?,
    in keyspace: Keyspace
  ) throws -> Bool {
    guard try !hasWritten(key, in: keyspace),
      try self.version(of: key, in: keyspace, forUpdate: true) == version
    else { return false }
    try set(value, for: key, in: keyspace)
    return true
  }

  /// Sets a key that is absent.
  ///
  /// - Returns: whether it was absent.
  /// - Throws: as ``set(_:for:in:)``.
  @discardableResult
  public func insert(_ value: some StoredValue, for key: some StoredKey, in keyspace: Keyspace)
    throws -> Bool
  {
    let isThere = try withBytesForUpdate(for: key, in: keyspace) { _ in true } ?? false
    if isThere { return false }
    try set(value, for: key, in: keyspace)
    return true
  }

  /// Sets a key that may be set once: for names, identities and receipts.
  ///
  /// - Throws: `keyExists` when it is there, whatever its value: nothing happened. As
  ///   ``set(_:for:in:)``.
  public func setOnce(_ value: some StoredValue, for key: some StoredKey, in keyspace: Keyspace)
    throws
  {
    guard try insert(value, for: key, in: keyspace) else {
      let text = try key.withKeyBytes { span in
        DatabaseError.quoted(unsafe span.withUnsafeBytes { unsafe [UInt8]($0) })
      }
      throw DatabaseError(
        .keyExists, "key \(text) of keyspace \"\(keyspace.name)\" is there already")
    }
  }

  /// The expiry that a key has now and keeps; nil when its keyspace's applies.
  private func expiryToKeep(of key: some StoredKey, in keyspace: Keyspace) throws -> Expiry? {
    guard state.store.expiries.isInUse else { return nil }
    return try expiry(of: key, in: keyspace)
  }

  private func hasWritten(_ key: some StoredKey, in keyspace: Keyspace) throws -> Bool {
    try key.withKeyBytes { span in
      span.withByteView { key in state.hasPendingWrite(of: key, in: keyspace.id) }
    }
  }
}

extension RawSpan {
  /// Whether two spans hold the same bytes.
  func isEqual(to other: RawSpan) -> Bool {
    withByteView { left in other.withByteView { right in left == right } }
  }
}
