internal import KeyCoding
internal import RawBytes

/// Writes of records in one transaction, with their index entries.
///
/// First everything is made ready that can be refused: the record is read under its lock, the bytes
/// of the new one and the keys of its entries are made, and each new entry of a unique index is
/// looked for under the lock of its key. Only then is anything written, so that an operation that
/// throws has done nothing.
///
/// - Invariant RW1: the entries that are taken away are those of the version that is replaced: it was
///   read for update, so that the level's protocol lets nobody else change it before the commit.
/// - Invariant RW2: an entry of a unique index is written only after its key was read for update and
///   found absent or the record's own. Who writes the same key does the same, so one of both waits
///   for the other, or fails at its commit.
struct RecordWriting<Record, ID: KeyElement> {
  /// What has to be there before a record is put.
  enum Condition {
    case anything, absent, present
  }

  private let state: TransactionState
  private let collection: CollectionCore<Record, ID>
  private let bound: BoundCollection

  init(_ state: TransactionState, _ collection: RecordCollection<Record, ID>) throws {
    self.state = state
    self.collection = collection.core
    if let doom = state.doom { throw doom }
    bound = try state.bindToWrite(collection.definition)
  }

  private var cache: CollectionCache { state.reads.collections }

  /// Runs an operation with memory to prepare it in.
  private func withScratch<Result>(_ body: (WriteScratch) throws -> Result) throws -> Result {
    let scratch = cache.takeScratch()
    defer { cache.keepScratch(scratch) }
    return try state.notingReads { try body(scratch) }
  }

  // MARK: Putting

  /// Puts a record. Returns whether the condition held; for `absent` it throws where it did not.
  func put(_ record: Record, _ condition: Condition) throws -> Bool {
    try withScratch { scratch in
      scratch.id.removeAll()
      collection.id(record).encodeElements(into: &scratch.id)
      return try put(record, condition, scratch)
    }
  }

  /// The same, with the key in `scratch.id`.
  private func put(_ record: Record, _ condition: Condition, _ scratch: WriteScratch) throws -> Bool
  {
    scratch.value.removeAll()
    try collection.coder.encode(record, &scratch.value)
    try DatabaseError.requireReadable(scratch.value.byteCount, scratch.id.view, collection.name)
    if condition != .anything || !bound.indexes.isEmpty {
      let isThere = try deriveOld(scratch)
      switch condition {
      case .anything: break
      case .absent where isThere:
        throw DatabaseError.recordExists(scratch.id.view.array, collection.name)
      case .present where !isThere: return false
      case .absent, .present: break
      }
    }
    if bound.indexes.isEmpty {
      let expiry = try expiry(of: scratch.id.view)
      try state.set(scratch.id.view, to: scratch.value.view, expiry: expiry, in: bound.records)
      return true
    }
    scratch.new.derive(record, id: scratch.id.view, collection.entries)
    try requireUnique(scratch)
    let expiry = state.defaultExpiry(in: bound.records)
    try state.set(scratch.id.view, to: scratch.value.view, expiry: expiry, in: bound.records)
    try writeEntries(scratch, expiry)
    return true
  }

  /// When a record that is put now expires: by its keyspace's time to live, from now on; in a
  /// migration, which changes what records say and not how long they live, as the one before.
  @inline(__always)
  private func expiry(of key: ByteView) throws(DatabaseError) -> UInt64 {
    if cache.migration != nil,
      let old = try state.expiry(of: key, in: bound.records, forUpdate: true)
    {
      return old
    }
    return state.defaultExpiry(in: bound.records)
  }

  /// Reads the record that is there under its lock, and makes its entries. Returns whether there is
  /// one.
  private func deriveOld(_ scratch: WriteScratch) throws -> Bool {
    scratch.old.removeAll()
    return try withCurrent(scratch.id.view) { bytes in
      if !bound.indexes.isEmpty {
        let old = try collection.coder.decode(bytes)
        scratch.old.derive(old, id: scratch.id.view, collection.entries)
      }
      return true
    } ?? false
  }

  /// Lends the record under a key, read for update.
  private func withCurrent<Result>(
    _ key: ByteView, _ body: (RawSpan) throws -> Result
  ) throws -> Result? {
    let span = unsafe key.buffer.bytes
    guard let value = unsafe try state.lend(span, in: bound.records, forUpdate: true) else {
      return nil
    }
    defer { state.giveBack() }
    return try unsafe body(value.bytes)
  }

  // MARK: Entries

  /// Checks what the new entries can be refused for.
  private func requireUnique(_ scratch: WriteScratch) throws {
    var difference = IndexDifference()
    while let step = difference.next(scratch.old, scratch.new) {
      guard case .added(let entry) = step else { continue }
      let index = bound.indexes[entry.index]
      let key = scratch.new.key(entry)
      try requireFits(key, index)
      if index.isUnique { try requireFree(key, index, scratch) }
    }
  }

  private func requireFits(_ key: ByteView, _ index: BoundIndex) throws(DatabaseError) {
    guard key.count > state.maximumKeyByteCount else { return }
    throw DatabaseError(
      .keyTooLong,
      "an entry of index \"\(index.name)\" of collection \"\(collection.name)\" has \(key.count) "
        + "bytes; at most \(state.maximumKeyByteCount) are possible: index less of it")
  }

  private func requireFree(_ key: ByteView, _ index: BoundIndex, _ scratch: WriteScratch) throws {
    let span = unsafe key.buffer.bytes
    guard let value = unsafe try state.lend(span, in: index.keyspace, forUpdate: true) else {
      return
    }
    defer { state.giveBack() }
    let holder = unsafe ByteView(value)
    guard holder != scratch.id.view else { return }
    throw DatabaseError.uniqueViolation(index, key: key.array, holder: holder.array)
  }

  /// Writes what changes of the entries: of a record that expires all, for they live as long as it.
  private func writeEntries(_ scratch: WriteScratch, _ expiry: UInt64) throws {
    var difference = IndexDifference()
    while let step = difference.next(scratch.old, scratch.new) {
      switch step {
      case .removed(let entry):
        let keyspace = bound.indexes[entry.index].keyspace
        try state.requireUsable(keyspace)
        try state.remove(scratch.old.key(entry), in: keyspace)
      case .added(let entry):
        try IndexEntryValue.set(
          scratch.new.key(entry), id: scratch.id.view, bound.indexes[entry.index],
          expiry: expiry, in: state)
      }
    }
    guard expiry != 0 else { return }
    for entry in scratch.new.entries {
      try IndexEntryValue.set(
        scratch.new.key(entry), id: scratch.id.view, bound.indexes[entry.index],
        expiry: expiry, in: state)
    }
  }

  // MARK: Reading and changing

  /// The record with an id, read for update.
  func get(_ id: ID) throws -> Record? {
    try withScratch { scratch in
      scratch.id.removeAll()
      id.encodeElements(into: &scratch.id)
      return try withCurrent(scratch.id.view) { try collection.coder.decode($0) }
    }
  }

  /// Changes the record with an id in place.
  func update<Result>(_ id: ID, _ change: (inout Record) throws -> Result) throws -> Result? {
    guard var record = try get(id) else { return nil }
    let result = try change(&record)
    return try withScratch { scratch in
      scratch.id.removeAll()
      id.encodeElements(into: &scratch.id)
      let key = scratch.id.view.array
      scratch.id.removeAll()
      collection.id(record).encodeElements(into: &scratch.id)
      guard scratch.id.view.array == key else {
        throw DatabaseError.idChanged(from: key, to: scratch.id.view.array, collection.name)
      }
      // Read once more: the closure may have written the record itself.
      _ = try put(record, .anything, scratch)
      return result
    }
  }

  // MARK: Deleting

  func delete(_ id: ID) throws -> Bool {
    try withScratch { scratch in
      scratch.id.removeAll()
      id.encodeElements(into: &scratch.id)
      return try delete(scratch.id.view, scratch)
    }
  }

  func delete(key: [UInt8]) throws -> Bool {
    try withScratch { scratch in try key.withByteView { try delete($0, scratch) } }
  }

  private func delete(_ key: ByteView, _ scratch: WriteScratch) throws -> Bool {
    scratch.old.removeAll()
    let isThere =
      try withCurrent(key) { bytes in
        guard !bound.indexes.isEmpty else { return true }
        scratch.old.derive(try collection.coder.decode(bytes), id: key, collection.entries)
        return true
      } ?? false
    guard isThere else { return false }
    try state.remove(key, in: bound.records)
    for entry in scratch.old.entries {
      try state.remove(scratch.old.key(entry), in: bound.indexes[entry.index].keyspace)
    }
    return true
  }

  /// The keys of the records of a query, as they stand now.
  func keys(of query: RecordQuery<Record, ID>) throws -> [[UInt8]] {
    var keys: [[UInt8]] = []
    try RecordAccess(context: state.reads, transaction: state).scanKeys(query) { key in
      keys.append(key.array)
      return .continue
    }
    return keys
  }
}

/// The value of an index entry: the id in a unique index, else how many bytes of the key are the id.
enum IndexEntryValue {
  static func set(
    _ key: ByteView, id: ByteView, _ index: BoundIndex, expiry: UInt64,
    in state: TransactionState
  ) throws(DatabaseError) {
    try state.requireUsable(index.keyspace)
    if index.isUnique { return try state.set(key, to: id, expiry: expiry, in: index.keyspace) }
    // A varint: keys have at most 8 KiB.
    var count = (
      UInt8(truncatingIfNeeded: id.count & 127), UInt8(truncatingIfNeeded: id.count >> 7)
    )
    let isLong = id.count > 127
    if isLong { count.0 |= 128 }
    try unsafe withUnsafeBytes(of: &count) { (bytes) throws(DatabaseError) in
      try unsafe state.set(
        key, to: ByteView(bytes).prefix(isLong ? 2 : 1), expiry: expiry, in: index.keyspace)
    }
  }
}
