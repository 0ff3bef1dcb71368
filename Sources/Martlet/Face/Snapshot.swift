public import Primitives
internal import RawBytes
internal import VersionStore

/// What a read-only transaction sees: the whole database at one moment.
///
/// A snapshot takes no locks, blocks nobody and is never aborted by a writer. It shows every commit
/// that was acknowledged before it began. It ends with the closure that received it.
public struct Snapshot: ~Copyable, Reading {
  @usableFromInline let context: ReadContext

  @usableFromInline
  init(context: ReadContext) { self.context = context }

  /// The moment it shows: every commit at or before, none after.
  public var timestamp: Timestamp { context.snapshot.timestamp }

  /// Lends the value of a key; see ``Reading/withBytes(for:in:_:)``.
  @inlinable
  public func withBytes<Result>(
    for key: some StoredKey, in keyspace: Keyspace, _ body: (RawSpan) throws -> Result
  ) throws -> Result? {
    try key.withKeyBytes { span -> Result? in
      guard let value = unsafe try context.lend(span, in: keyspace) else { return nil }
      defer { context.giveBack() }
      // SAFETY: what is lent stays as it is until it is given back; nested reads lend other memory.
      return try unsafe body(value.bytes)
    }
  }

  /// Bytes of the value of a key; see ``Reading/byteCount(of:in:)``.
  public func byteCount(of key: some StoredKey, in keyspace: Keyspace) throws -> Int? {
    try context.requireUsable(keyspace)
    return try key.withKeyBytes { span in
      try span.withByteView { key in try context.byteCount(of: key, in: keyspace.id) }
    }
  }

  /// The moment of the commit that wrote a key's value; nil when the key is absent.
  ///
  /// - Complexity: O(log n) pages; a large value is not read.
  public func timestamp(of key: some StoredKey, in keyspace: Keyspace) throws -> Timestamp? {
    try context.requireUsable(keyspace)
    return try key.withKeyBytes { span in
      try span.withByteView { key in try context.timestamp(of: key, in: keyspace.id) }
    }
  }

  /// Part of a value; see ``Reading/read(_:in:offset:count:)``.
  public func read(_ key: some StoredKey, in keyspace: Keyspace, offset: Int, count: Int) throws
    -> [UInt8]?
  {
    try context.requireUsable(keyspace)
    return try key.withKeyBytes { span in
      try span.withByteView { key in
        try context.read(key, in: keyspace.id, offset: offset, count: count)
      }
    }
  }

  /// Visits entries; see ``Reading/forEach(in:_:reverse:limit:_:)``.
  public func forEach(
    in keyspace: Keyspace, _ bounds: KeyBounds, reverse: Bool, limit: Int?,
    _ body: (_ key: RawSpan, _ value: RawSpan) throws -> ScanStep
  ) throws {
    try context.requireUsable(keyspace)
    var scan = MergedScan(
      context: context, transaction: nil, keyspace: keyspace, bounds: bounds, isReverse: reverse,
      limit: limit ?? .max)
    try scan.runEntries(body)
  }

  /// Visits keys; see ``Reading/forEachKey(in:_:reverse:limit:_:)``.
  public func forEachKey(
    in keyspace: Keyspace, _ bounds: KeyBounds, reverse: Bool, limit: Int?,
    _ body: (_ key: RawSpan, _ valueByteCount: Int) throws -> ScanStep
  ) throws {
    try context.requireUsable(keyspace)
    var scan = MergedScan(
      context: context, transaction: nil, keyspace: keyspace, bounds: bounds, isReverse: reverse,
      limit: limit ?? .max)
    try scan.runKeys(body)
  }
}
