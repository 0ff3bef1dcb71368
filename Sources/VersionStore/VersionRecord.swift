internal import BTreeIndex
internal import Primitives
internal import RawBytes

/// Names a version in a chain for as long as it is there. A handle kept longer names nothing, even
/// when its place is taken again.
package struct VersionHandle: BitwiseCopyable, Hashable, Sendable {
  let shard: UInt8
  let index: UInt32
  /// The number of the version in the life of its shard.
  package let generation: UInt64

  package init(shard: UInt8, index: UInt32, generation: UInt64) {
    self.shard = shard
    self.index = index
    self.generation = generation
  }
}

/// A superseded version. Its key and value stand in one block of their own, key first.
// SAFETY: `bytes` is `keyByteCount + valueByteCount` initialised bytes, owned by the record from
// insertion to removal. False if a record is used after its removal.
@safe
struct VersionRecord: @unchecked Sendable {
  // SENDABLE: records are touched under their shard's mutex only.
  let bytes: UnsafeMutableRawPointer
  let hash: UInt64
  /// The commit that wrote the version.
  let begin: Timestamp
  /// The commit that superseded it.
  let end: Timestamp
  let generation: UInt64
  let valueByteCount: UInt32
  let keyspace: KeyspaceID
  /// Neighbours in the bucket, newest first.
  var next: UInt32
  var previous: UInt32
  let keyByteCount: UInt16
  let flags: EntryFlags

  var key: ByteView { unsafe ByteView(base: bytes, count: Int(keyByteCount)) }

  var value: ByteView {
    unsafe ByteView(base: bytes + Int(keyByteCount), count: Int(valueByteCount))
  }

  /// What the version costs: the record, its bytes, and its item in the garbage ledger.
  var byteCount: Int {
    MemoryLayout<VersionRecord>.stride + Int(keyByteCount) + Int(valueByteCount)
      + MemoryLayout<GarbageItem>.stride
  }
}
