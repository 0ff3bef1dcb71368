package import BTreeIndex
package import Primitives
package import RawBytes
internal import Synchronization

/// What a chain holds for a moment; the value was appended to the caller's buffer.
package struct ChainValue: BitwiseCopyable, Sendable {
  package let timestamp: Timestamp
  package let flags: EntryFlags
  package let valueStart: Int
  package let valueEnd: Int
}

/// The superseded versions that somebody may need, by (keyspace, key), in memory.
///
/// A look-up copies out under the shard's mutex, so nobody ever reads a version that is being
/// freed. The mutexes contain no seam call (VS5), so they may be taken under a page latch.
///
/// - Invariant V2: nothing here knows of pages, so eviction, splits and merges do not touch it.
/// - Invariant VC1: `byteCount` is exactly the sum over the versions present.
// SAFETY: `shards` is initialised in `init`, freed in `deinit`, and indexed below `shardCount`.
@safe
package final class VersionChains: @unchecked Sendable {
  // SENDABLE: every shard is behind its mutex; counters are atomic.
  private static let shardCount = 64

  private let shards: UnsafeMutablePointer<ShortMutex<VersionShard>>
  private let seed: UInt64
  private let bytes = Atomic<Int>(0)
  private let versions = Atomic<Int>(0)

  package init(seed: UInt64) {
    self.seed = seed
    unsafe shards = .allocate(capacity: Self.shardCount)
    for index in 0..<Self.shardCount {
      unsafe (shards + index).initialize(to: ShortMutex(VersionShard()))
    }
  }

  deinit { unsafe shards.deinitialize(count: Self.shardCount).deallocate() }

  /// Bytes of all versions, with what it takes to manage them.
  package var byteCount: Int { bytes.load(ordering: .relaxed) }

  package var versionCount: Int { versions.load(ordering: .relaxed) }

  /// Links the version of a key that a commit is about to overwrite.
  package func link(
    _ key: ByteView, in keyspace: KeyspaceID, begin: Timestamp, end: Timestamp, flags: EntryFlags,
    value: ByteView
  ) -> GarbageItem {
    precondition(begin < end, "the timestamps of a key rise")
    let memory = UnsafeMutableRawPointer.allocate(
      byteCount: max(key.count + value.count, 1), alignment: 8)
    let target = unsafe MutableByteView(base: memory, count: key.count + value.count)
    target.copy(key)
    target.copy(value, at: key.count)
    let hash = hash(key, keyspace)
    let shard = Int(hash >> 58)
    let place = unsafe shards[shard].withLock { shard in
      unsafe shard.insert(
        bytes: target.base, keyByteCount: key.count, valueByteCount: value.count, hash: hash,
        keyspace: keyspace, begin: begin, end: end, flags: flags)
    }
    let byteCount =
      MemoryLayout<VersionRecord>.stride + key.count + value.count
      + MemoryLayout<GarbageItem>.stride
    bytes.wrappingAdd(byteCount, ordering: .relaxed)
    versions.wrappingAdd(1, ordering: .relaxed)
    return GarbageItem(
      handle: VersionHandle(
        shard: UInt8(shard), index: place.index, generation: place.generation),
      begin: begin, end: end, byteCount: UInt32(byteCount))
  }

  /// Appends the value that a key had at a moment; nil when the chain holds none for it.
  package func find(
    _ key: ByteView, in keyspace: KeyspaceID, at moment: Timestamp,
    appendingValueTo scratch: inout ByteBuffer
  ) -> ChainValue? {
    let hash = hash(key, keyspace)
    return unsafe shards[Int(hash >> 58)].withLock { shard -> ChainValue? in
      guard let record = shard.find(key, in: keyspace, hash: hash, at: moment) else { return nil }
      let start = scratch.count
      scratch.append(record.value)
      return ChainValue(
        timestamp: record.begin, flags: record.flags, valueStart: start, valueEnd: scratch.count)
    }
  }

  /// How many versions of a key are kept.
  package func versionCount(of key: ByteView, in keyspace: KeyspaceID) -> Int {
    let hash = hash(key, keyspace)
    return unsafe shards[Int(hash >> 58)].withLock {
      $0.versionCount(of: key, in: keyspace, hash: hash)
    }
  }

  /// Frees a version.
  ///
  /// - Returns: the overflow pages that only it referred to, now the caller's to free.
  package func remove(_ handle: VersionHandle) -> OverflowReference? {
    let removed = unsafe shards[Int(handle.shard)].withLock {
      $0.remove(index: handle.index, generation: handle.generation)
    }
    guard let removed else { preconditionFailure("a version is freed once") }
    bytes.wrappingSubtract(removed.byteCount, ordering: .relaxed)
    versions.wrappingSubtract(1, ordering: .relaxed)
    let overflow = OverflowReference(decoding: removed.value, flags: removed.flags)
    unsafe removed.bytes.deallocate()
    return overflow
  }

  /// The overflow values that only chains refer to.
  package func overflowReferences() -> [OverflowReference] {
    var references: [OverflowReference] = []
    for index in 0..<Self.shardCount {
      unsafe shards[index].withLock { shard in
        shard.forEach { record in
          guard let reference = OverflowReference(decoding: record.value, flags: record.flags)
          else { return }
          references.append(reference)
        }
      }
    }
    return references
  }

  private func hash(_ key: ByteView, _ keyspace: KeyspaceID) -> UInt64 {
    Hash64.hash(key, seed: seed &+ UInt64(keyspace.rawValue) &* 0x9e37_79b9_7f4a_7c15)
  }
}
