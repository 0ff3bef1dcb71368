package import Primitives
package import RawBytes

/// One change of a commit.
package struct WriteBatchEntry: BitwiseCopyable, Sendable {
  /// What is done to the key.
  ///
  /// The bytes of a batch have codes of their own for a value that expires (`wireCode`).
  package enum Operation: UInt8, BitwiseCopyable, Sendable {
    /// The key gets a value that stands in the batch.
    case set = 1
    /// The key is removed.
    case remove = 2
    /// The key gets a large value, written to overflow pages beforehand.
    case large = 3
  }

  package let operation: Operation
  package let keyspace: KeyspaceID
  package let key: ByteView
  /// The new value of a `set`; otherwise empty.
  package let value: ByteView
  /// Which of the commit's large values a `large` installs; otherwise zero.
  package let ordinal: Int
  /// How many bytes that large value has; otherwise zero.
  package let byteCount: UInt64
  /// When the entry expires, in wall-clock nanoseconds; zero when it does not.
  package private(set) var expiry: UInt64 = 0

  /// The same, expiring at a moment; zero: never.
  package func expiring(at moment: UInt64) -> Self {
    precondition(operation != .remove || moment == 0, "a removal does not expire")
    var entry = self
    entry.expiry = moment
    return entry
  }

  /// The operation's code in the bytes of a batch.
  var wireCode: UInt8 {
    guard expiry != 0 else { return operation.rawValue }
    return operation == .set ? Self.expiringSetCode : Self.expiringLargeCode
  }

  /// A `set` with an expiry behind its key.
  static let expiringSetCode: UInt8 = 4
  /// A `large` with an expiry behind its key.
  static let expiringLargeCode: UInt8 = 5

  package static func set(_ key: ByteView, to value: ByteView, in keyspace: KeyspaceID) -> Self {
    Self(
      operation: .set, keyspace: keyspace, key: key, value: value, ordinal: 0, byteCount: 0)
  }

  package static func remove(_ key: ByteView, in keyspace: KeyspaceID) -> Self {
    Self(
      operation: .remove, keyspace: keyspace, key: key, value: .empty, ordinal: 0, byteCount: 0)
  }

  package static func large(
    _ key: ByteView, ordinal: Int, byteCount: UInt64, in keyspace: KeyspaceID
  ) -> Self {
    Self(
      operation: .large, keyspace: keyspace, key: key, value: .empty, ordinal: ordinal,
      byteCount: byteCount)
  }
}

/// What one commit changes, in the bytes that the redo log stores (`format-spec/write-batch.md`):
/// sorted by keyspace and key, each key once.
///
/// A view: whoever makes one keeps the bytes alive and unchanged. The bytes are checked once,
/// whole, when the view is made; iterating neither fails nor traps afterwards.
///
/// - Invariant WB1: entries ascend strictly by (keyspace, key).
/// - Invariant WB2: the encoding of a list of entries is unique: decoding and encoding again gives
///   the same bytes.
package struct WriteBatch: BitwiseCopyable, Sendable {
  /// The format byte of this version.
  package static let format: UInt8 = 0
  /// Count and format byte.
  static let headerByteCount = 5

  /// All the bytes, header and entries.
  package let bytes: ByteView
  package let entryCount: Int

  /// Reads bytes from the redo log.
  ///
  /// - Throws: when they are no batch in any respect.
  package init(validating bytes: ByteView) throws(CorruptionError) {
    var reader = ByteReader(bytes)
    guard let count = reader.integer(UInt32.self), let format = reader.integer(UInt8.self) else {
      throw Self.corrupt(0, "a header of \(Self.headerByteCount) bytes", "\(bytes.count) bytes")
    }
    guard format == Self.format else {
      throw Self.corrupt(4, "format \(Self.format)", "format \(format)")
    }
    var previous: WriteBatchEntry?
    for _ in 0..<count {
      let offset = reader.offset
      guard let entry = Self.decode(&reader) else {
        throw Self.corrupt(offset, "an entry in its shortest form", "other bytes")
      }
      if let previous, !Self.ascends(previous, entry) {
        throw Self.corrupt(offset, "a key above the one before", "one at or below it")
      }
      previous = entry
    }
    guard reader.remaining == 0 else {
      throw Self.corrupt(reader.offset, "the end", "\(reader.remaining) more bytes")
    }
    self.bytes = bytes
    entryCount = Int(count)
  }

  /// Bytes that a builder of this process made.
  init(trusted bytes: ByteView, entryCount: Int) {
    self.bytes = bytes
    self.entryCount = entryCount
  }

  package func makeIterator() -> Iterator { Iterator(self) }

  /// Whether any entry is one of the catalog, which comes before all other keyspaces: its id, zero,
  /// stands behind the operation of the first entry.
  var concernsCatalog: Bool {
    entryCount > 0 && bytes[Self.headerByteCount + 1] == UInt8(KeyspaceID.catalog.rawValue)
  }

  /// Walks the entries of a batch.
  package struct Iterator {
    private var reader: ByteReader
    private var remaining: Int

    init(_ batch: WriteBatch) {
      reader = ByteReader(batch.bytes, at: WriteBatch.headerByteCount)
      remaining = batch.entryCount
    }

    package mutating func next() -> WriteBatchEntry? {
      guard remaining > 0 else { return nil }
      remaining -= 1
      guard let entry = WriteBatch.decode(&reader) else {
        preconditionFailure("a batch changed after it was validated")
      }
      return entry
    }
  }

  static func ascends(_ left: WriteBatchEntry, _ right: WriteBatchEntry) -> Bool {
    left.keyspace == right.keyspace
      ? left.key.compare(right.key) < 0 : left.keyspace < right.keyspace
  }

  private static func corrupt(
    _ offset: Int, _ expected: String, _ found: String
  ) -> CorruptionError {
    CorruptionError(location: "write batch, offset \(offset)", expected: expected, found: found)
  }
}

extension WriteBatch {
  /// The next entry; nil when the bytes are none, or not the shortest form of one.
  fileprivate static func decode(_ reader: inout ByteReader) -> WriteBatchEntry? {
    guard let code = reader.integer(UInt8.self), let keyspace = shortVarint(&reader),
      keyspace <= UInt64(UInt32.max), let key = shortCounted(&reader)
    else { return nil }
    let id = KeyspaceID(UInt32(keyspace))
    guard code >= WriteBatchEntry.expiringSetCode else {
      return WriteBatchEntry.Operation(rawValue: code).flatMap {
        decode($0, key, id, &reader)
      }
    }
    // The catalog is no place for what goes by itself.
    guard code <= WriteBatchEntry.expiringLargeCode, id != .catalog,
      let expiry = reader.integer(UInt64.self), expiry != 0
    else { return nil }
    return decode(code == WriteBatchEntry.expiringSetCode ? .set : .large, key, id, &reader)?
      .expiring(at: expiry)
  }

  @inline(__always)
  private static func decode(
    _ operation: WriteBatchEntry.Operation, _ key: ByteView, _ id: KeyspaceID,
    _ reader: inout ByteReader
  ) -> WriteBatchEntry? {
    switch operation {
    case .set:
      guard let value = shortCounted(&reader) else { return nil }
      return .set(key, to: value, in: id)
    case .remove:
      return .remove(key, in: id)
    case .large:
      guard let ordinal = shortVarint(&reader), ordinal <= UInt64(UInt32.max),
        let byteCount = shortVarint(&reader)
      else { return nil }
      return .large(key, ordinal: Int(ordinal), byteCount: byteCount, in: id)
    }
  }

  private static func shortVarint(_ reader: inout ByteReader) -> UInt64? {
    let start = reader.offset
    guard let value = reader.varint() else { return nil }
    let last = reader.bytes[reader.offset - 1]
    return last == 0 && reader.offset - start > 1 ? nil : value
  }

  private static func shortCounted(_ reader: inout ByteReader) -> ByteView? {
    guard let count = shortVarint(&reader), count <= UInt64(reader.remaining) else { return nil }
    return reader.take(Int(count))
  }
}
