internal import BTreeIndex
package import Primitives
package import RawBytes

/// Builds the bytes of a write batch in one buffer that is kept when emptied: a thread that commits
/// often allocates nothing.
///
/// Entries are added in ascending order of keyspace and key, or in any order to be put in order by a
/// second builder.
package struct WriteBatchBuilder: ~Copyable {
  private var buffer: ByteBuffer
  private var count = 0
  private var lastKeyspace = KeyspaceID(0)
  private var lastKey = 0..<0

  /// Where an entry of a builder lies.
  package struct Place: BitwiseCopyable, Sendable {
    fileprivate let start: Int
    fileprivate let end: Int
    fileprivate let keyStart: Int
    fileprivate let keyCount: Int32
    /// Of a `set`; otherwise zero.
    fileprivate let valueCount: Int32
  }

  package init(capacity: Int = 256) {
    buffer = ByteBuffer(capacity: capacity)
    removeAll()
  }

  package var entryCount: Int { count }

  /// How many bytes the batch has so far.
  package var byteCount: Int { buffer.count }

  /// How many of them are entries.
  package var entriesByteCount: Int { buffer.count - WriteBatch.headerByteCount }

  package mutating func set(_ key: ByteView, to value: ByteView, in keyspace: KeyspaceID) {
    append(.set(key, to: value, in: keyspace))
  }

  package mutating func remove(_ key: ByteView, in keyspace: KeyspaceID) {
    append(.remove(key, in: keyspace))
  }

  package mutating func setLarge(
    _ key: ByteView, ordinal: Int, byteCount: UInt64, in keyspace: KeyspaceID
  ) {
    append(.large(key, ordinal: ordinal, byteCount: byteCount, in: keyspace))
  }

  /// Appends an entry, which must stand above the one before.
  package mutating func append(_ entry: WriteBatchEntry) {
    requireAscent(entry.keyspace, entry.key)
    noteLast(entry.keyspace, add(entry))
  }

  /// Appends an entry of another builder, which must stand above the one before.
  package mutating func append(
    _ source: borrowing WriteBatchBuilder, _ place: Place, in keyspace: KeyspaceID
  ) {
    requireAscent(keyspace, source.key(at: place))
    let start = buffer.count
    buffer.append(source.buffer.view[place.start..<place.end])
    count += 1
    lastKeyspace = keyspace
    let keyStart = start + place.keyStart - place.start
    lastKey = keyStart..<keyStart + Int(place.keyCount)
  }

  private func requireAscent(_ keyspace: KeyspaceID, _ key: ByteView) {
    guard count > 0 else { return }
    precondition(
      keyspace == lastKeyspace
        ? buffer.view[lastKey].compare(key) < 0 : lastKeyspace < keyspace,
      "the entries of a batch ascend")
  }

  private mutating func noteLast(_ keyspace: KeyspaceID, _ place: Place) {
    lastKeyspace = keyspace
    lastKey = place.keyStart..<place.keyStart + Int(place.keyCount)
  }

  /// Adds an entry that stands wherever it stands; whoever seals sees to the order.
  @inline(__always)
  package mutating func add(_ entry: WriteBatchEntry) -> Place {
    precondition(count < UInt32.max, "a batch counts its entries in 32 bits")
    let start = buffer.count
    buffer.append(integer: entry.wireCode)
    buffer.append(varint: UInt64(entry.keyspace.rawValue))
    buffer.append(counted: entry.key)
    let keyStart = buffer.count - entry.key.count
    if entry.expiry != 0 { buffer.append(integer: entry.expiry) }
    switch entry.operation {
    case .set:
      buffer.append(counted: entry.value)
    case .remove:
      break
    case .large:
      buffer.append(varint: UInt64(entry.ordinal))
      buffer.append(varint: entry.byteCount)
    }
    count += 1
    return Place(
      start: start, end: buffer.count, keyStart: keyStart,
      keyCount: Int32(truncatingIfNeeded: entry.key.count),
      valueCount: Int32(truncatingIfNeeded: entry.value.count))
  }

  /// How many bytes an entry takes.
  package static func byteCount(of entry: WriteBatchEntry) -> Int {
    func varint(_ value: UInt64) -> Int { max(1, (70 - value.leadingZeroBitCount) / 7) }
    let rest =
      switch entry.operation {
      case .set: varint(UInt64(entry.value.count)) + entry.value.count
      case .remove: 0
      case .large: varint(UInt64(entry.ordinal)) + varint(entry.byteCount)
      }
    return 1 + varint(UInt64(entry.keyspace.rawValue)) + varint(UInt64(entry.key.count))
      + entry.key.count + (entry.expiry == 0 ? 0 : ExpiryField.byteCount) + rest
  }

  // MARK: Looking back

  /// The key of an entry. Valid until the builder changes.
  @inline(__always)
  package func key(at place: Place) -> ByteView {
    buffer.view[place.keyStart..<place.keyStart + Int(place.keyCount)]
  }

  /// The value of a `set`.
  package func value(at place: Place) -> ByteView {
    buffer.view[place.end - Int(place.valueCount)..<place.end]
  }

  /// When an entry expires; zero when it does not.
  @inline(__always)
  package func expiry(at place: Place) -> UInt64 {
    guard buffer.view[place.start] >= WriteBatchEntry.expiringSetCode else { return 0 }
    return buffer.view.load(UInt64.self, at: place.keyStart + Int(place.keyCount))
  }

  /// What a `large` installs.
  package func large(at place: Place) -> (ordinal: Int, byteCount: UInt64) {
    let skipped = expiry(at: place) == 0 ? 0 : ExpiryField.byteCount
    var reader = ByteReader(buffer.view, at: place.keyStart + Int(place.keyCount) + skipped)
    guard let ordinal = reader.varint(), let byteCount = reader.varint() else {
      preconditionFailure("an entry without a large value")
    }
    return (Int(ordinal), byteCount)
  }

  /// Forgets the newest entries. What is left ascends if it did.
  package mutating func truncate(to byteCount: Int, entryCount: Int) {
    buffer.truncate(to: byteCount)
    count = entryCount
  }

  /// The batch so far, whose entries ascend. Valid until the builder changes.
  package mutating func finish() -> WriteBatch {
    buffer.mutableView.store(UInt32(count), at: 0)
    return WriteBatch(trusted: buffer.view, entryCount: count)
  }

  /// Begins a new batch in the same buffer.
  package mutating func removeAll() {
    buffer.removeAll()
    buffer.append(integer: UInt32(0))
    buffer.append(integer: WriteBatch.format)
    count = 0
    lastKey = 0..<0
  }
}
