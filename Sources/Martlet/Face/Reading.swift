internal import Primitives
internal import RawBytes
internal import VersionStore

/// Reading, as a `Snapshot` and a `Transaction` both offer it.
///
/// Keys are visited in bytewise order. What a closure is lent it may use until it returns. Every
/// operation throws `DatabaseError`; closures throw what they like, and it passes through.
public protocol Reading: ~Copyable {
  /// Through what it reads collections; of no use to callers.
  var recordAccess: RecordAccess { get }

  /// Lends the value of a key without copying it to the heap; nil, and no call, when the key is
  /// absent.
  ///
  /// - Throws: `valueTooLarge` for values above 16 MiB: read those in pieces.
  /// - Complexity: O(log n) pages.
  func withBytes<Result>(
    for key: some StoredKey, in keyspace: Keyspace, _ body: (RawSpan) throws -> Result
  ) throws -> Result?

  /// How many bytes the value of a key has, without reading them; nil when the key is absent.
  func byteCount(of key: some StoredKey, in keyspace: Keyspace) throws -> Int?

  /// Part of a value of any size: up to `count` bytes from `offset` on, fewer at its end; nil when
  /// the key is absent.
  ///
  /// - Complexity: O(log n + count); the bytes before `offset` are not read.
  func read(_ key: some StoredKey, in keyspace: Keyspace, offset: Int, count: Int) throws
    -> [UInt8]?

  /// Visits the entries whose keys lie within bounds, in order, until the body says stop or `limit`
  /// entries were visited. In a transaction its own writes are included as of the scan's start.
  ///
  /// The body may read and write through the same transaction.
  /// - Complexity: O(log n) pages, then about one page for every hundred small entries.
  func forEach(
    in keyspace: Keyspace, _ bounds: KeyBounds, reverse: Bool, limit: Int?,
    _ body: (_ key: RawSpan, _ value: RawSpan) throws -> ScanStep
  ) throws

  /// Visits the keys within bounds as `forEach` does, with how many bytes each value has. Large
  /// values are not read, whatever their size.
  func forEachKey(
    in keyspace: Keyspace, _ bounds: KeyBounds, reverse: Bool, limit: Int?,
    _ body: (_ key: RawSpan, _ valueByteCount: Int) throws -> ScanStep
  ) throws
}

extension Reading where Self: ~Copyable {
  /// A copy of the value of a key; nil when the key is absent.
  @inlinable
  public func get(_ key: some StoredKey, in keyspace: Keyspace) throws -> [UInt8]? {
    try withBytes(for: key, in: keyspace) { bytes in
      unsafe bytes.withUnsafeBytes { unsafe [UInt8]($0) }
    }
  }

  /// The value of a key as a type; nil when the key is absent.
  ///
  /// - Throws: `valueMismatch` when the stored bytes are not of that type.
  @inlinable
  public func value<Value: StoredValue>(
    for key: some StoredKey, in keyspace: Keyspace, as type: Value.Type
  ) throws -> Value? {
    try withBytes(for: key, in: keyspace) { bytes in
      guard let value = Value(valueBytes: bytes) else {
        throw DatabaseError.mismatch(keyspace, bytes.byteCount, "\(type)")
      }
      return value
    }
  }

  /// Whether a key is there.
  public func contains(_ key: some StoredKey, in keyspace: Keyspace) throws -> Bool {
    try byteCount(of: key, in: keyspace) != nil
  }

  /// Visits every entry of a keyspace.
  public func forEach(
    in keyspace: Keyspace, _ body: (_ key: RawSpan, _ value: RawSpan) throws -> ScanStep
  ) throws {
    try forEach(in: keyspace, .all, reverse: false, limit: nil, body)
  }

  /// Visits the entries within bounds, ascending.
  public func forEach(
    in keyspace: Keyspace, _ bounds: KeyBounds,
    _ body: (_ key: RawSpan, _ value: RawSpan) throws -> ScanStep
  ) throws {
    try forEach(in: keyspace, bounds, reverse: false, limit: nil, body)
  }

  /// Visits the entries of a half-open range of keys, ascending.
  public func forEach<Key: StoredKey & Comparable>(
    in keyspace: Keyspace, _ range: Range<Key>,
    _ body: (_ key: RawSpan, _ value: RawSpan) throws -> ScanStep
  ) throws {
    try forEach(
      in: keyspace, .range(from: range.lowerBound, to: range.upperBound), reverse: false,
      limit: nil, body)
  }
}

extension DatabaseError {
  @usableFromInline
  static func mismatch(_ keyspace: Keyspace, _ byteCount: Int, _ type: String) -> DatabaseError {
    DatabaseError(
      .valueMismatch,
      "the value in keyspace \"\(keyspace.name)\" has \(byteCount) bytes that are no \(type)")
  }
}
