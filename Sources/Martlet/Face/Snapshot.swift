public import Primitives
internal import RawBytes
internal import VersionStore

/// What a read-only transaction sees: the whole database at one moment.
///
/// A snapshot takes no locks, blocks nobody and is never aborted by a writer. It shows every commit
/// that was acknowledged before it began. It ends with the closure that received it.
public struct Snapshot: ~Copyable, Reading {
  let context: ReadContext

  /// The moment it shows: every commit at or before, none after.
  public var timestamp: Timestamp { context.snapshot.timestamp }

  public func withBytes<Result>(
    for key: some StoredKey, in keyspace: Keyspace, _ body: (RawSpan) throws -> Result
  ) throws -> Result? {
    try context.requireUsable(keyspace)
    return try key.withKeyBytes { span in
      try span.withByteView { key in
        try context.withScratch { level in
          guard let found = try context.find(key, in: keyspace.id, copyingTo: level) else {
            return nil
          }
          // SAFETY: the level stays as it is until `body` has returned; nested reads push others.
          return try unsafe body(context.bytes(of: found, in: level).buffer.bytes)
        }
      }
    }
  }

  public func byteCount(of key: some StoredKey, in keyspace: Keyspace) throws -> Int? {
    try context.requireUsable(keyspace)
    return try key.withKeyBytes { span in
      try span.withByteView { key in try context.byteCount(of: key, in: keyspace.id) }
    }
  }

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

  public func forEach(
    in keyspace: Keyspace, _ bounds: KeyBounds, reverse: Bool, limit: Int?,
    _ body: (_ key: RawSpan, _ value: RawSpan) throws -> ScanStep
  ) throws {
    try context.requireUsable(keyspace)
    var scan = MergedScan(
      context: context, transaction: nil, keyspace: keyspace, bounds: bounds, isReverse: reverse,
      limit: limit ?? .max)
    try scan.run(body)
  }
}
