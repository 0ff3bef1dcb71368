package import Primitives
package import RawBytes

/// Builds the bytes of a write batch, entry by entry, in ascending order of keyspace and key.
///
/// One buffer, kept when emptied: a thread that commits often allocates nothing.
package struct WriteBatchBuilder: ~Copyable {
  private var buffer: ByteBuffer
  private var count: UInt32 = 0
  private var lastKeyspace = KeyspaceID(0)
  private var lastKey = 0..<0

  package init(capacity: Int = 256) {
    buffer = ByteBuffer(capacity: capacity)
    removeAll()
  }

  package var entryCount: Int { Int(count) }

  /// How many bytes the batch has so far.
  package var byteCount: Int { buffer.count }

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
    if count > 0 {
      precondition(
        entry.keyspace == lastKeyspace
          ? buffer.view[lastKey].compare(entry.key) < 0 : lastKeyspace < entry.keyspace,
        "the entries of a batch ascend")
    }
    precondition(count < UInt32.max, "a batch counts its entries in 32 bits")
    buffer.append(integer: entry.operation.rawValue)
    buffer.append(varint: UInt64(entry.keyspace.rawValue))
    buffer.append(counted: entry.key)
    lastKey = buffer.count - entry.key.count..<buffer.count
    lastKeyspace = entry.keyspace
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
  }

  /// The batch so far. Valid until the builder changes.
  package mutating func finish() -> WriteBatch {
    buffer.mutableView.store(count, at: 0)
    return WriteBatch(trusted: buffer.view, entryCount: Int(count))
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
