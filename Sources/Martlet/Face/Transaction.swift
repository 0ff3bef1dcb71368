public import Primitives
internal import RawBytes
internal import VersionStore

/// A read-write transaction: private writes, committed as a whole or not at all.
///
/// What it sees of others is its isolation level's business; its own writes it always sees.
/// It ends with the closure that received it: committed when the closure returns, rolled back when
/// it throws. After an abort it is doomed: every further call throws the same error, and it cannot
/// commit even if the closure swallows the error. The closure may run several times
/// (`RetryPolicy`); what it does outside the database is its own affair.
public struct Transaction: ~Copyable, Reading {
  @usableFromInline let state: TransactionState

  init(state: TransactionState) { self.state = state }

  /// The number of this attempt.
  public var id: TransactionID { state.id }

  /// What it may see of others.
  public var isolation: IsolationLevel { state.level }

  /// The moment its snapshot shows; of levels without one, that of the last read.
  public var snapshotTimestamp: Timestamp { state.reads.snapshot.timestamp }

  /// Bytes of its private writes so far, large values apart; never above
  /// `Configuration.transactionSizeLimit`.
  public var pendingByteCount: Int { state.writes.byteCount }

  // MARK: Writing

  /// Sets the value of a key.
  ///
  /// Waits while another transaction that wrote the key is open, or one that locked what it read
  /// has read it; under the optimistic protocol that wait comes with the commit. A value that does not fit beside
  /// its key (a quarter of a page for both) is stored apart; that costs nothing in meaning.
  /// - Throws: `writeConflict` when somebody else committed the key after this snapshot: the
  ///   transaction is rolled back. `keyTooLong`: nothing happened. `transactionTooLarge`: rolled
  ///   back.
  @inlinable
  public func set(_ value: some StoredValue, for key: some StoredKey, in keyspace: Keyspace) throws
  {
    try key.withKeyBytes { key in
      try value.withValueBytes { value in try state.set(value, for: key, in: keyspace) }
    }
  }

  /// Removes a key, if it is there.
  ///
  /// - Throws: as `set`.
  public func remove(_ key: some StoredKey, in keyspace: Keyspace) throws {
    try state.requireUsable(keyspace)
    try key.withKeyBytes { span in
      try span.withByteView { key in try state.remove(key, in: keyspace) }
    }
  }

  /// Sets the value of a key piece by piece, for values that do not fit in memory. The closure
  /// appends exactly `byteCount` bytes.
  ///
  /// - Throws: as `set`; `invalidArgument` when more or fewer bytes were appended: the value is as
  ///   it was.
  public func setLarge(
    byteCount: Int, for key: some StoredKey, in keyspace: Keyspace,
    fill: (borrowing LargeValueWriter) throws -> Void
  ) throws {
    try state.requireUsable(keyspace)
    guard byteCount >= 0 else {
      throw DatabaseError(.invalidArgument, "byteCount is \(byteCount)")
    }
    try key.withKeyBytes { span in
      try span.withByteView { key in
        if state.fitsInline(
          key, byteCount: byteCount, expiry: state.defaultExpiry(in: keyspace))
        {
          try setSmall(byteCount: byteCount, for: key, in: keyspace, fill: fill)
        } else {
          try setStreamed(byteCount: byteCount, for: key, in: keyspace, fill: fill)
        }
      }
    }
  }

  private func setStreamed(
    byteCount: Int, for key: ByteView, in keyspace: Keyspace,
    fill: (borrowing LargeValueWriter) throws -> Void
  ) throws {
    var userError: (any Error)?
    do {
      try state.setLarge(
        key, byteCount: UInt64(byteCount), expiry: state.defaultExpiry(in: keyspace), in: keyspace
      ) {
        (sink) throws(DatabaseError) in
        do { try fill(LargeValueWriter(target: .pages(sink))) } catch {
          userError = error
          throw (error as? DatabaseError) ?? DatabaseError(.invalidArgument, "\(error)")
        }
      }
    } catch {
      throw userError ?? error
    }
  }

  private func setSmall(
    byteCount: Int, for key: ByteView, in keyspace: Keyspace,
    fill: (borrowing LargeValueWriter) throws -> Void
  ) throws {
    try state.reads.withScratch { level in
      try fill(LargeValueWriter(target: .memory(level, limit: byteCount)))
      guard level.bytes.count == byteCount else {
        throw DatabaseError(
          .invalidArgument,
          "a large value announced with \(byteCount) bytes received only \(level.bytes.count)")
      }
      try state.set(key, to: level.bytes.view, in: keyspace)
    }
  }

  // MARK: Reading

  /// Lends the value of a key; see ``Reading/withBytes(for:in:_:)``.
  @inlinable
  public func withBytes<Result>(
    for key: some StoredKey, in keyspace: Keyspace, _ body: (RawSpan) throws -> Result
  ) throws -> Result? {
    try key.withKeyBytes { span -> Result? in
      guard let value = unsafe try state.lend(span, in: keyspace, forUpdate: false) else {
        return nil
      }
      defer { state.giveBack() }
      // SAFETY: what is lent stays as it is until it is given back; nested reads lend other memory.
      return try unsafe body(value.bytes)
    }
  }

  /// Bytes of the value of a key; see ``Reading/byteCount(of:in:)``.
  public func byteCount(of key: some StoredKey, in keyspace: Keyspace) throws -> Int? {
    try state.requireUsable(keyspace)
    return try key.withKeyBytes { span in
      try span.withByteView { key in
        try state.reads.withScratch { level in
          try state.find(key, in: keyspace.id, copyingTo: level)?.byteCount
        }
      }
    }
  }

  /// Part of a value; see ``Reading/read(_:in:offset:count:)``.
  public func read(_ key: some StoredKey, in keyspace: Keyspace, offset: Int, count: Int) throws
    -> [UInt8]?
  {
    try state.requireUsable(keyspace)
    return try key.withKeyBytes { span in
      try span.withByteView { key in
        try state.reads.withScratch { level -> [UInt8]? in
          switch try state.find(key, in: keyspace.id, copyingTo: level) {
          case nil: return nil
          case .inline(let range):
            let value = level.bytes.view[range]
            return value[try ReadContext.clip(offset, count, to: value.count)].array
          case .large(let reference):
            return try state.reads.piece(of: reference, offset: offset, count: count)
          }
        }
      }
    }
  }

  /// Visits entries; see ``Reading/forEach(in:_:reverse:limit:_:)``.
  public func forEach(
    in keyspace: Keyspace, _ bounds: KeyBounds, reverse: Bool, limit: Int?,
    _ body: (_ key: RawSpan, _ value: RawSpan) throws -> ScanStep
  ) throws {
    var scan = try beginScan(in: keyspace, bounds, reverse, limit)
    try scan.runEntries(body)
  }

  /// Visits keys; see ``Reading/forEachKey(in:_:reverse:limit:_:)``.
  public func forEachKey(
    in keyspace: Keyspace, _ bounds: KeyBounds, reverse: Bool, limit: Int?,
    _ body: (_ key: RawSpan, _ valueByteCount: Int) throws -> ScanStep
  ) throws {
    var scan = try beginScan(in: keyspace, bounds, reverse, limit)
    try scan.runKeys(body)
  }

  private func beginScan(
    in keyspace: Keyspace, _ bounds: KeyBounds, _ reverse: Bool, _ limit: Int?
  ) throws(DatabaseError) -> MergedScan {
    try state.requireUsable(keyspace)
    return MergedScan(
      context: state.reads, transaction: state, keyspace: keyspace, bounds: bounds,
      isReverse: reverse, limit: limit ?? .max)
  }
}

/// Receives the bytes of a large value.
public struct LargeValueWriter: ~Copyable {
  enum Target {
    case pages(LargeValueSink)
    case memory(ScratchStack.Level, limit: Int)
  }

  let target: Target

  /// Appends bytes behind those appended before.
  public func append(_ bytes: RawSpan) throws {
    try bytes.withByteView { view in
      switch target {
      case .pages(let sink): try sink.append(view)
      case .memory(let level, let limit):
        guard level.bytes.count + view.count <= limit else {
          throw DatabaseError(
            .invalidArgument, "a large value announced with \(limit) bytes received more")
        }
        level.bytes.append(view)
      }
    }
  }

  /// Appends bytes behind those appended before.
  public func append(_ bytes: [UInt8]) throws { try unsafe append(bytes.span.bytes) }
}
