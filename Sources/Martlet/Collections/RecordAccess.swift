internal import KeyCoding
internal import Primitives
internal import RawBytes
internal import VersionStore

/// Through what collections are read: a snapshot or a transaction. Of no use but to the operations of
/// ``Reading``, which ask for it.
public struct RecordAccess {
  let context: ReadContext
  let transaction: TransactionState?

  /// The keyspaces of a collection in this database.
  func bind(_ definition: CollectionDefinition) throws(DatabaseError) -> BoundCollection {
    if let transaction, let doom = transaction.doom { throw doom }
    return try context.collections.bind(definition, in: context.collectionRegistry)
  }

  /// Lends the bytes of a record that the reader sees now; nil, and no call, when there is none.
  func withRecord<Result>(
    _ key: ByteView, in keyspace: Keyspace, _ body: (RawSpan) throws -> Result
  ) throws -> Result? {
    let span = unsafe key.buffer.bytes
    if let transaction {
      guard let value = unsafe try transaction.lend(span, in: keyspace, forUpdate: false) else {
        return nil
      }
      defer { transaction.giveBack() }
      return try unsafe body(value.bytes)
    }
    guard let value = unsafe try context.lend(span, in: keyspace) else { return nil }
    defer { context.giveBack() }
    return try unsafe body(value.bytes)
  }

  /// Runs `body` with the encoding of an id.
  func withKey<ID: KeyElement, Result>(
    of id: ID, _ body: (ByteView) throws -> Result
  ) throws -> Result {
    let cache = context.collections
    let spare = cache.takeEncoder()
    defer { cache.keepEncoder(spare) }
    id.encodeElements(into: &spare.encoder)
    return try body(spare.encoder.view)
  }

  /// A scan as the reader sees it.
  func scan(_ keyspace: Keyspace, _ bounds: KeyBounds, isReverse: Bool, limit: Int)
    throws(DatabaseError) -> MergedScan
  {
    if let transaction {
      try transaction.requireUsable(keyspace)
    } else {
      try context.requireUsable(keyspace)
    }
    return MergedScan(
      context: context, transaction: transaction, keyspace: keyspace, bounds: bounds,
      isReverse: isReverse, limit: limit)
  }
}

extension Transaction {
  /// Through what it reads collections.
  public var recordAccess: RecordAccess { RecordAccess(context: state.reads, transaction: state) }
}

extension Snapshot {
  /// Through what it reads collections.
  public var recordAccess: RecordAccess { RecordAccess(context: context, transaction: nil) }
}
