public import KeyCoding
internal import RawBytes

/// Goes through the records of a query one by one, for loops that stop or mix with others.
///
/// ```swift
/// try snapshot.withCursor(people.all) { cursor in
///   while let person = try cursor.next() { print(person.name) }
/// }
/// ```
///
/// It is not a `Sequence`, because a sequence could not say that reading failed. It reads some
/// records ahead; at the levels below `.repeatableRead` each such batch shows a moment of its own.
/// What the transaction itself writes meanwhile is seen from the next batch on.
public struct RecordCursor<Record, ID: KeyElement>: ~Copyable {
  private let access: RecordAccess
  private var rest: RecordQuery<Record, ID>
  private var batch: [Record] = []
  /// How many of the batch were handed out.
  private var position = 0
  private var isLastBatch = false
  /// Records left up to the limit.
  private var remaining: Int

  /// Records of one batch.
  private static var batchCount: Int { 64 }

  init(_ query: RecordQuery<Record, ID>, through access: RecordAccess) {
    self.access = access
    rest = query
    remaining = query.limit
  }

  /// The next record; nil at the end.
  ///
  /// - Throws: as ``Reading/forEach(_:_:)``.
  public mutating func next() throws -> Record? {
    if position == batch.count {
      guard !isLastBatch, remaining > 0 else { return nil }
      try refill()
      guard position < batch.count else { return nil }
    }
    position += 1
    return batch[position - 1]
  }

  private mutating func refill() throws {
    batch.removeAll(keepingCapacity: true)
    position = 0
    let count = min(Self.batchCount, remaining)
    var last: [UInt8] = []
    let decode = rest.collection.core.coder.decode
    var records: [Record] = []
    swap(&records, &batch)
    defer { swap(&records, &batch) }
    try access.scanRecords(rest.limit(count)) { key, bytes in
      records.append(try decode(bytes))
      if records.count == count { last = key.array }
      return .continue
    }
    remaining -= records.count
    isLastBatch = records.count < count
    if !isLastBatch { rest = rest.resuming(after: QueryPosition(key: last)) }
  }
}

extension Reading where Self: ~Copyable {
  /// Lends a cursor over the records of a query.
  public func withCursor<Record, ID, Result>(
    _ query: RecordQuery<Record, ID>,
    _ body: (inout RecordCursor<Record, ID>) throws -> Result
  ) throws -> Result {
    var cursor = RecordCursor(query, through: recordAccess)
    return try body(&cursor)
  }
}
